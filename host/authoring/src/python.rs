//! Building in Python: componentize-py, in an environment of the project's own.

use std::path::{Path, PathBuf};

use crate::AuthoringError;
use crate::tool::{Call, Stop, Tool};

/// The version of componentize-py that the SDK is made for.
const VERSION: &str = "0.25.1";

const PYTHON: Tool = Tool {
    program: "python3",
    what: "Python 3.11 or later",
    advice: "install Python 3.11 or later with its module `venv`: the system's packages have it (`python3` and `python3-venv`), or https://www.python.org",
};

const COMPONENTIZE: Tool = Tool { program: "componentize-py", what: "which makes components of Python", advice: "" };

/// Builds.
pub(crate) fn build(dir: &Path, component: &str, stop: Stop<'_>) -> Result<(), AuthoringError> {
    let python = PYTHON.find()?;
    let is_new_enough = "import sys; sys.exit(sys.version_info < (3, 11))";
    if !Call::new(&python, dir, stop).args(["-c", is_new_enough]).quiet().run()? {
        let message =
            format!("expected Python 3.11 or later as `python3` on the PATH, found an older one at `{}`", python.display());
        return Err(AuthoringError::new(message).hint(PYTHON.advice));
    }
    // One that the author has already spares the project one of its own.
    let python = if has_componentize(dir, stop)? { python } else { environment(&python, dir, stop)? };
    if Call::new(python, dir, stop).args(["-m", "sprag.build", component]).env("PYTHONDONTWRITEBYTECODE", "1").run()? {
        return Ok(());
    }
    Err(AuthoringError::new(format!("componentize-py could not build `{}`: it says why above", dir.display())))
}

/// Whether the right componentize-py is on the `PATH`.
fn has_componentize(dir: &Path, stop: Stop<'_>) -> Result<bool, AuthoringError> {
    let Ok(tool) = COMPONENTIZE.find() else { return Ok(false) };
    let ended = Call::new(tool, dir, stop).args(["--version"]).read()?;
    Ok(ended.is_good && ended.stdout.split_whitespace().last() == Some(VERSION))
}

/// The Python of the project's own environment, which is made where it is missing or another version is in it.
fn environment(python: &Path, dir: &Path, stop: Stop<'_>) -> Result<PathBuf, AuthoringError> {
    // From the project's folder, where the tools run.
    let venv = Path::new("build/venv");
    let (own, tool) = (venv.join("bin/python"), venv.join("bin/componentize-py"));
    if dir.join(&tool).is_file() {
        let ended = Call::new(dir_of(dir).join(&tool), dir, stop).args(["--version"]).read()?;
        if ended.is_good && ended.stdout.split_whitespace().last() == Some(VERSION) {
            return Ok(dir_of(dir).join(own));
        }
    }
    if !Call::new(python, dir, stop).args(["-m", "venv", "build/venv"]).run()? {
        return Err(AuthoringError::new("python3 could not make the environment `build/venv`: it says why above")
            .hint("install the module `venv` of Python: the system's package is `python3-venv`"));
    }
    let wanted = format!("componentize-py=={VERSION}");
    let args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &wanted];
    if !Call::new(dir_of(dir).join(&own), dir, stop).args(args).run()? {
        return Err(AuthoringError::new(format!("pip could not install `{wanted}` into `build/venv`: it says why above"))
            .hint(format!("the first build needs a network; without one, put `componentize-py` {VERSION} on the PATH")));
    }
    Ok(dir_of(dir).join(own))
}

/// The folder from the root: a program is looked for from where sprag runs, not from where the program will.
fn dir_of(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}
