//! Makes a virtual environment and installs a lock into it: with uv where it is, else with the interpreter's own venv and pip.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::ensure::{Options, Wheels};
use super::error::EnvironmentError;
use super::interpreter::Interpreter;
use super::tool::{self, End};

/// What made an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Installer {
    /// `uv venv` and `uv pip install`.
    Uv,
    /// `python -m venv` and `python -m pip install`.
    Pip,
}

impl fmt::Display for Installer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Uv => "uv",
            Self::Pip => "pip",
        })
    }
}

/// A tool that is there.
#[derive(Debug, Clone)]
pub(crate) enum Tool {
    Uv(PathBuf),
    Pip,
}

impl Tool {
    /// uv where it is, since it is the faster; else pip where the interpreter has what it takes.
    pub(crate) fn choose(uv: Option<PathBuf>, interpreter: &Interpreter) -> Result<Self, EnvironmentError> {
        if let Some(uv) = uv {
            return Ok(Self::Uv(uv));
        }
        let mut missing = vec![];
        if !interpreter.has_venv {
            missing.push("no `venv`".to_owned());
        }
        if interpreter.pip.is_empty() {
            missing.push("no `pip`".to_owned());
        } else if !interpreter.has_pip() {
            missing.push(format!("`pip` {}", interpreter.pip));
        }
        if missing.is_empty() {
            return Ok(Self::Pip);
        }
        Err(EnvironmentError::NoInstaller { version: interpreter.version.clone(), found: missing.join(" and ") })
    }

    pub(crate) fn installer(&self) -> Installer {
        match self {
            Self::Uv(_) => Installer::Uv,
            Self::Pip => Installer::Pip,
        }
    }

    /// An environment without pip in it: what a script can import is what the lock names.
    pub(crate) fn make(&self, interpreter: &Interpreter, dir: &Path) -> Command {
        match self {
            Self::Uv(uv) => {
                let mut command = Command::new(uv);
                command.args(["venv", "--no-project", "--no-python-downloads", "--python"]);
                command.arg(&interpreter.program).arg(dir);
                command
            }
            Self::Pip => {
                let mut command = Command::new(&interpreter.program);
                command.args(["-I", "-m", "venv", "--without-pip"]).arg(dir);
                command
            }
        }
    }

    /// Wheels alone: to build from source would run code that no hash in the lock names, the build's own requirements.
    pub(crate) fn install(&self, interpreter: &Interpreter, dir: &Path, lock: &Path, wheels: &Wheels) -> Command {
        let mut command = match self {
            Self::Uv(uv) => {
                let mut command = Command::new(uv);
                command.args(["pip", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:"]);
                command.args(["--compile-bytecode", "--no-python-downloads", "--color", "never", "--python"]);
                command.envs(as_for_pip(|name| std::env::var_os(name)));
                command
            }
            Self::Pip => {
                let mut command = Command::new(&interpreter.program);
                command.args(["-I", "-m", "pip", "--python"]).arg(program(dir));
                command.args(["install", "--require-hashes", "--no-deps", "--only-binary", ":all:"]);
                command.args(["--no-input", "--disable-pip-version-check", "--no-color", "--progress-bar", "off"]);
                command
            }
        };
        if matches!(self, Self::Uv(_)) {
            command.arg(program(dir));
        }
        if let Wheels::Folder(folder) = wheels {
            command.args(["--no-index", "--find-links"]).arg(folder);
        }
        command.arg("--requirement").arg(lock);
        command
    }
}

/// The interpreter of an environment.
pub(crate) fn program(dir: &Path) -> PathBuf {
    dir.join("bin/python")
}

/// uv does not read pip's variables. Where the user has set pip's and not uv's, uv is told what they say, in its environment and so in no list of processes.
fn as_for_pip(variable: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    const PAIRS: [(&str, &[&str]); 4] = [
        ("PIP_INDEX_URL", &["UV_DEFAULT_INDEX", "UV_INDEX_URL"]),
        ("PIP_EXTRA_INDEX_URL", &["UV_INDEX", "UV_EXTRA_INDEX_URL"]),
        ("PIP_FIND_LINKS", &["UV_FIND_LINKS"]),
        ("PIP_CERT", &["SSL_CERT_FILE"]),
    ];
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let told = PAIRS.iter().filter(|(_, uv)| uv.iter().all(|name| set(name).is_none()));
    told.filter_map(|(pip, uv)| {
        let value = set(pip)?;
        // pip separates folders and addresses by white space, uv folders by commas.
        let words = value.to_str().map(|text| text.split_whitespace().collect::<Vec<_>>().join(","));
        let value = if *pip == "PIP_FIND_LINKS" { words.map_or(value, OsString::from) } else { value };
        Some((uv[0], value))
    })
    .collect()
}

/// Runs one step of making an environment.
pub(crate) fn step(
    installer: Installer,
    task: &'static str,
    command: Command,
    options: &Options,
    observer: &dyn Fn(&str),
    cancelled: &dyn Fn() -> bool,
) -> Result<(), EnvironmentError> {
    let path = PathBuf::from(command.get_program());
    let end = tool::run(command, options.time, observer, cancelled);
    match end.map_err(|source| EnvironmentError::Io { path, source })? {
        End::Done { status, .. } if status.success() => Ok(()),
        End::Done { status, output } => Err(EnvironmentError::Tool { installer, task, status: status.to_string(), output }),
        End::Slow { output } => Err(EnvironmentError::Slow { installer, task, seconds: options.time.as_secs(), output }),
        End::Cancelled => Err(EnvironmentError::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uv_is_told_what_the_user_told_pip() {
        let check = |set: &[(&str, &str)], expected: &[(&str, &str)]| {
            let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            let expected: Vec<_> = expected.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
            assert_eq!(as_for_pip(variable), expected);
        };
        check(&[], &[]);
        check(&[("PIP_INDEX_URL", "https://u:p@h/simple")], &[("UV_DEFAULT_INDEX", "https://u:p@h/simple")]);
        check(&[("PIP_INDEX_URL", "a"), ("UV_INDEX_URL", "b")], &[]);
        check(&[("PIP_FIND_LINKS", "/a /b"), ("PIP_CERT", "/c")], &[("UV_FIND_LINKS", "/a,/b"), ("SSL_CERT_FILE", "/c")]);
    }
}
