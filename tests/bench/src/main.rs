//! The benchmark: `cargo run --release --bin sprag-bench`.
//!
//! Machines are noisy, so what can be compared is measured in turn in one run, and the median and the ratio are what counts. Where a tool
//! to compare with is missing, the line says so. `SPRAG_BENCH_PYTHON` names the Python to compare with (`python3` without it): it needs
//! scikit-learn, pandas and pyarrow, and polars for one line more; FastAPI, uvicorn and MLflow for the services. `process`, `inside`, `linalg`,
//! `authoring`, `scripts`, `ingest`, `serving`, `server` or `batch` as arguments run these parts alone. `SPRAG_BENCH_PREFECT` and `SPRAG_BENCH_DAGSTER` name Pythons that have those, beside `server`. `SPRAG_BENCH_HERMETIC` names the wheel of the hermetic tier's Python. The services need `wrk`, the packaged component a stock `wasmtime` (`SPRAG_BENCH_WASMTIME`), and plugins of other languages
//! componentize-py and npm.
//! Nothing here is asserted.

mod authoring;
mod bare;
mod batch;
mod ingest;
mod inside;
mod linalg;
mod measure;
mod orchestrators;
mod process;
mod python;
mod scripts;
mod server;
mod servers;
mod serving;
mod shadow;
mod spin;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::Report;

/// The allocator of `sprag` itself, so that what is measured inside this process is what it does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [bare, port] = &arguments[..]
        && bare == "bare"
    {
        bare::serve(port.parse().unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    if let [spin, port, path, connections, seconds] = &arguments[..]
        && spin == "spin"
    {
        spin::run(port, path, connections, seconds);
        return ExitCode::SUCCESS;
    }
    let sprag = match sprag_binary() {
        Ok(path) => path,
        Err(message) => {
            measure::say(&message);
            return ExitCode::from(2);
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies two folders below the root");
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let python = python::Python::find();
    let mut report = Report::default();
    measure::say(&format!("sprag: {}\npython: {}\n", sprag.display(), python.describe()));
    let chosen = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    if chosen("process") {
        process::run(&mut report, &sprag, root, scratch.path(), &python);
    }
    if chosen("inside") {
        inside::run(&mut report, scratch.path());
    }
    if chosen("linalg") {
        linalg::run(&mut report, scratch.path(), &python);
    }
    if chosen("authoring") {
        authoring::run(&mut report, &sprag, scratch.path());
    }
    if chosen("scripts") {
        scripts::run(&mut report, &sprag, root, scratch.path());
    }
    if chosen("ingest") {
        ingest::run(&mut report, scratch.path(), &python);
    }
    if chosen("serving") {
        serving::run(&mut report, &sprag, root, scratch.path(), &python);
    }
    if chosen("server") {
        server::run(&mut report, &sprag, scratch.path());
    }
    if chosen("batch") {
        batch::run(&mut report, &sprag, root, scratch.path(), &python);
    }
    report.print();
    ExitCode::SUCCESS
}

/// The `sprag` beside this program: both are built by one cargo.
fn sprag_binary() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let path = here.with_file_name("sprag");
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("expected `{}`: build it first with `cargo build --release --bin sprag`", path.display()))
}
