//! `/variants`: who answers, with which model and which share, and how challengers fare.

use serde::Serialize;
use sprag_scoring::{Head, Problem, Reply};

use crate::canary::CanaryReport;
use crate::challenger::CHAMPION;
use crate::handler::Service;
use crate::shadow::Comparison;
use crate::variants::Variant;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    variants: Vec<VariantReport<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryReport>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct VariantReport<'a> {
    name: &'a str,
    part: &'a str,
    /// The share of the requests in percent.
    weight: u32,
    model: Option<String>,
    version: Option<String>,
    digest: Option<String>,
    trouble: Option<String>,
    /// Whether it is not asked, since it failed again and again.
    paused: bool,
    rolled_back: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Comparison>,
}

impl<'a> VariantReport<'a> {
    fn of(variant: &'a Variant, part: &'a str, weight: u32) -> Self {
        let (model, version, digest) =
            variant.release().map_or((None, None, None), |key| (Some(key.name), Some(key.version), Some(key.digest)));
        Self {
            name: variant.name(),
            part,
            weight,
            model,
            version,
            digest,
            trouble: variant.trouble(),
            paused: false,
            rolled_back: None,
            compared: None,
        }
    }
}

impl Service {
    /// Shows all variants as JSON.
    ///
    /// # Errors
    /// It is asked for by a method that asks for something else.
    pub(crate) fn show_variants(&self, head: &Head<'_>) -> Result<Reply, Problem> {
        if !matches!(head.method, "GET" | "HEAD") {
            let message = format!("expected the method GET, found {}", head.method.escape_debug());
            return Err(Problem::new(405, "wrong-method", message).header("allow", "GET, HEAD"));
        }
        let champion = VariantReport::of(self.variants.champion(), CHAMPION, self.variants.champion_weight());
        let served = self.variants.champion_served();
        let rivals = self.variants.rivals.iter().map(|rival| {
            let part = if rival.shadow.is_some() { "shadow" } else { "weighted" };
            let report = VariantReport::of(&rival.variant, part, rival.weight());
            // A champion with other columns may have come after it.
            let unfit =
                || rival.variant.served()?.difference(&served).map(|found| format!("it does not fit the champion: {found}"));
            VariantReport {
                trouble: report.trouble.clone().or_else(unfit),
                paused: rival.is_blown(),
                rolled_back: rival.withdrawn(),
                compared: rival.shadow.as_ref().map(|shadow| shadow.comparison()),
                ..report
            }
        });
        let variants = std::iter::once(champion).chain(rivals).collect();
        let report = Report { variants, canary: self.canary.as_ref().map(|canary| canary.report()) };
        Ok(Reply::json(serde_json::to_vec(&report).unwrap_or_default()))
    }
}
