//! Reading files: CSV and Parquet of a million rows and ten columns, beside pandas, pyarrow and polars.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use sprag_data::{Source, load};

use crate::measure::{Report, alone, ms};
use crate::python::Python;

const ROWS: u64 = 1_000_000;
const COLUMNS: u64 = 10;

pub(crate) fn run(report: &mut Report, scratch: &Path, python: &Python) {
    let csv = scratch.join("million.csv");
    write_csv(&csv);
    let megabytes = fs::metadata(&csv).map_or(0.0, |metadata| metadata.len() as f64 / 1e6);
    let parquet = scratch.join("million.parquet");
    let source = Source::new(&csv);
    let what = format!("CSV, 1 000 000 x 10 ({megabytes:.0} MB), with its SHA-256");
    let ours = alone(5, || {
        load(&source).expect("the file is good");
    });
    for (package, code) in [
        ("pandas", "import pandas\nread = pandas.read_csv"),
        ("pyarrow", "import pyarrow.csv\nread = pyarrow.csv.read_csv"),
        ("polars", "import polars\nread = polars.read_csv"),
    ] {
        let Some(theirs) = timed(python, package, code, &csv) else { continue };
        let ratio = theirs / ours.median();
        let goal = (package == "pandas").then_some(("faster than pandas", ratio > 1.0));
        report.add(&what, ms(ours.median()), format!("{} ({package})", ms(theirs)), format!("{ratio:.2} times as fast"), goal);
    }
    if !python.has("pandas") {
        report.add(&what, ms(ours.median()), "no pandas here".into(), String::new(), None);
    }
    if !(python.has("pyarrow") && python.has("pandas")) {
        return;
    }
    let _written = python.seconds(&format!("import pandas\npandas.read_csv({csv:?}).to_parquet({parquet:?})"));
    let source = Source::new(&parquet);
    let ours = alone(5, || {
        load(&source).expect("the file is good");
    });
    for (package, code) in [
        ("pandas", "import pandas\nread = pandas.read_parquet"),
        ("pyarrow", "import pyarrow.parquet\nread = pyarrow.parquet.read_table"),
        ("polars", "import polars\nread = polars.read_parquet"),
    ] {
        let Some(theirs) = timed(python, package, code, &parquet) else { continue };
        let ratio = theirs / ours.median();
        report.add(
            "Parquet, the same, with its SHA-256",
            ms(ours.median()),
            format!("{} ({package})", ms(theirs)),
            format!("{ratio:.2} times as fast"),
            None,
        );
    }
}

/// The median seconds that a reader of Python takes for the file, imports left out.
fn timed(python: &Python, package: &str, code: &str, path: &Path) -> Option<f64> {
    let code = format!(
        "{code}\nimport time\nread({path:?})\nfor _ in range(5):\n    t = time.perf_counter(); read({path:?}); print(time.perf_counter() - t)"
    );
    python.has(package).then(|| python.seconds(&code)).flatten()
}

fn write_csv(path: &Path) {
    let mut file = BufWriter::new(fs::File::create(path).expect("the scratch folder can be written"));
    let header: Vec<_> = (0..COLUMNS).map(|i| format!("c{i}")).collect();
    writeln!(file, "{}", header.join(",")).expect("the disk has room");
    let (mut state, mut line) = (1_u64, String::new());
    for _ in 0..ROWS {
        line.clear();
        for column in 0..COLUMNS {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
            let comma = if column == 0 { "" } else { "," };
            let _ = write!(line, "{comma}{value}");
        }
        writeln!(file, "{line}").expect("the disk has room");
    }
    file.flush().expect("the disk has room");
}
