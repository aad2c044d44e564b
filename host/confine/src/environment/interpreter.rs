//! The interpreters of this machine, and what must be known of one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version of Python as a project asks for it: `3.11`, or `3.11.7` for that one alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonVersion {
    parts: Vec<u32>,
}

/// A text that is no version of Python.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a version of Python such as `3.11` or `3.11.7`, found `{0}`")]
pub struct VersionError(String);

impl FromStr for PythonVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number = |part: &str| part.parse().ok().filter(|_| part.chars().all(|digit| digit.is_ascii_digit()));
        let parts: Option<Vec<u32>> = text.split('.').map(number).collect();
        let parts = parts.filter(|parts| parts[0] == 3 && matches!(parts.len(), 2 | 3));
        parts.map(|parts| Self { parts }).ok_or_else(|| VersionError(text.to_owned()))
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.parts.iter().map(u32::to_string).collect();
        formatter.write_str(&parts.join("."))
    }
}

impl PythonVersion {
    fn is_met_by(&self, version: &str) -> bool {
        let found: Vec<_> = version.split('.').map(|part| part.parse::<u32>().ok()).collect();
        self.parts.iter().enumerate().all(|(index, part)| found.get(index) == Some(&Some(*part)))
    }
}

/// What an interpreter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Interpreter {
    /// The program, links followed, never that of a virtual environment.
    pub(crate) program: PathBuf,
    /// `3.11.7`.
    pub(crate) version: String,
    /// `cpython-311`: which compiled modules fit.
    pub(crate) tag: String,
    /// `linux-x86_64 glibc 2.36`: the platform and its C library.
    pub(crate) platform: String,
    /// Where its library lies.
    pub(crate) prefix: PathBuf,
    /// The version of its pip; empty where it has none.
    pub(crate) pip: String,
    /// Whether it can make virtual environments.
    pub(crate) has_venv: bool,
}

/// Isolated (`-I`), so that neither the user's own packages nor variables have a say.
const ASK: &str = "
import importlib.util, json, os, platform, sys, sysconfig
def pip():
    try:
        from importlib.metadata import version
        return version('pip')
    except Exception:
        return ''
program = getattr(sys, '_base_executable', None) or sys.executable
print(json.dumps({
    'program': os.path.realpath(program),
    'version': '.'.join(map(str, sys.version_info[:3])),
    'tag': sys.implementation.cache_tag or sys.implementation.name,
    'platform': ' '.join([sysconfig.get_platform(), *platform.libc_ver()]).strip(),
    'prefix': os.path.realpath(sys.base_prefix),
    'pip': pip(),
    'has-venv': importlib.util.find_spec('venv') is not None,
}))
";

impl Interpreter {
    /// Asks a program; none where it is no Python that answers.
    pub(crate) fn of(program: &Path) -> Option<Self> {
        let output = Command::new(program).args(["-I", "-c", ASK]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let found: Self = serde_json::from_slice(&output.stdout).ok()?;
        // Within a virtual environment the first answer is about its pip, and what is wanted is its base.
        let is_base = std::fs::canonicalize(program).is_ok_and(|asked| asked == found.program);
        if is_base { Some(found) } else { Self::again(&found) }
    }

    fn again(found: &Self) -> Option<Self> {
        let output = Command::new(&found.program).args(["-I", "-c", ASK]).stdin(Stdio::null()).stderr(Stdio::null()).output();
        serde_json::from_slice(&output.ok()?.stdout).ok()
    }

    /// Whether its pip can install into another environment (`pip --python`, since 22.3).
    pub(crate) fn has_pip(&self) -> bool {
        let mut parts = self.pip.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (22, 3)
    }
}

/// The first interpreter that is what was asked for: those on the `PATH`, then those that uv knows. Else the versions that were found.
pub(crate) fn find(wanted: &PythonVersion, uv: Option<&Path>) -> Result<Interpreter, Vec<String>> {
    let minor = format!("python3.{}", wanted.parts[1]);
    let mut seen = vec![];
    for name in [minor.as_str(), "python3", "python"] {
        for program in on_path(name) {
            let Some(found) = Interpreter::of(&program) else { continue };
            if wanted.is_met_by(&found.version) {
                return Ok(found);
            }
            if !seen.contains(&found.version) {
                seen.push(found.version);
            }
        }
    }
    uv.and_then(|uv| known_to_uv(uv, wanted)).filter(|found| wanted.is_met_by(&found.version)).ok_or(seen)
}

/// Never downloads: what runs is what the user installed.
fn known_to_uv(uv: &Path, wanted: &PythonVersion) -> Option<Interpreter> {
    let mut command = Command::new(uv);
    command.args(["python", "find", "--no-project", "--no-python-downloads", &wanted.to_string()]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| Interpreter::of(Path::new(path.trim()))).flatten()
}

/// The programs of a name on the `PATH`, in its order.
pub(crate) fn on_path(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name));
    places.filter(|program| program.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_met() {
        let check = |wanted: &str, found: &str, expected: bool| {
            assert_eq!(wanted.parse::<PythonVersion>().unwrap().is_met_by(found), expected, "{wanted} by {found}");
        };
        check("3.11", "3.11.7", true);
        check("3.11.7", "3.11.7", true);
        check("3.11.7", "3.11.8", false);
        check("3.1", "3.11.7", false);
        for text in ["3", "2.7", "3.11.7.1", "3.x", "", "3.+1", ">=3.9"] {
            assert!(text.parse::<PythonVersion>().is_err(), "{text}");
        }
    }
}
