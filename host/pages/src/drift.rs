//! How far the columns of a run's data are from those of the stored profile, as its check measured it.

use maud::{Markup, html};
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::RunRecord;

use crate::facts::stage_of;
use crate::number::short;

/// The metrics that measure it: the population stability index, and the largest distance of the distribution functions (Kolmogorov and Smirnov).
const PSI: &str = "psi";
const KS: &str = "ks";

/// From which index on a column is usually taken to have drifted, and from which one on to be about to.
const DRIFTED: f64 = 0.25;
const MOVED: f64 = 0.1;

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The population stability index.
    pub psi: f64,
    /// The distance of Kolmogorov and Smirnov, where it was measured.
    pub ks: Option<f64>,
}

/// The columns, those furthest away first.
pub fn columns(record: &RunRecord) -> Vec<Column> {
    let Some(stage) = stage_of(record, Kind::SanityCheck) else { return vec![] };
    let of = |name: &'static str| stage.report.metrics.iter().filter(move |metric| metric.name == name && metric.step.is_none());
    let column = |name: &String, psi: f64| Column {
        name: name.clone(),
        psi,
        ks: of(KS).find(|metric| metric.split.as_ref() == Some(name)).map(|metric| metric.value),
    };
    let mut columns: Vec<_> = of(PSI).filter_map(|metric| Some(column(metric.split.as_ref()?, metric.value))).collect();
    columns.sort_by(|a, b| b.psi.total_cmp(&a.psi));
    columns
}

/// What an index means.
pub fn verdict(psi: f64) -> &'static str {
    if psi >= DRIFTED {
        "drifted"
    } else if psi >= MOVED {
        "moved"
    } else {
        "as before"
    }
}

/// The columns as bars, the threshold being half way.
pub(crate) fn shown(record: &RunRecord) -> Markup {
    let columns = columns(record);
    html! {
        @if !columns.is_empty() {
            h2 { "Drift by column" }
            p.soft { "Against the stored profile, by the population stability index: from " (DRIFTED) " on a column has drifted." }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "Column" } th.number scope="col" { "PSI" } th scope="col" aria-hidden="true" { "" } th scope="col" { "" } th.number scope="col" { "KS" } } }
                tbody { @for column in &columns { tr {
                    th scope="row" { (column.name) }
                    td.number { (short(column.psi)) }
                    td aria-hidden="true" {
                        @let width = (column.psi / (2.0 * DRIFTED)).clamp(0.0, 1.0) * 120.0;
                        svg.bar viewBox="0 0 120 10" { rect width=(format!("{width:.1}")) height="10" fill="#2680d9" {} line x1="60" x2="60" y1="0" y2="10" stroke="#80868e" {} }
                    }
                    td { (verdict(column.psi)) }
                    td.number { (column.ks.map(short).unwrap_or_default()) }
                } } }
            } }
        }
    }
}
