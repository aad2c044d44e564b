//! Why there is no environment.

use std::path::PathBuf;

use super::make::Installer;

/// Why an environment could not be had.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// No interpreter of the version is on this machine.
    #[error("expected Python {wanted} on this machine, found {}", listed(.found))]
    NoInterpreter {
        /// The version asked for.
        wanted: String,
        /// The versions that there are.
        found: Vec<String>,
    },
    /// The interpreter is there, and neither uv nor a pip that could install for it.
    #[error("expected `uv`, or Python {version} with `venv` and `pip` of 22.3 or later, found neither: {found}")]
    NoInstaller {
        /// The interpreter's version.
        version: String,
        /// What was found instead.
        found: String,
    },
    /// The interpreter's own files lie where they cannot be shown to a script without showing the user's own.
    #[error("expected an interpreter in a folder of its own, found its files in `{}`, which holds the home folder", .prefix.display())]
    Prefix {
        /// Where the interpreter's files lie.
        prefix: PathBuf,
    },
    /// A tool failed.
    #[error("`{installer}` failed to {task}: it ended with {status}{}", quoted(.output))]
    Tool {
        /// Which tool.
        installer: Installer,
        /// What it was to do.
        task: &'static str,
        /// How it ended.
        status: String,
        /// The last lines that it wrote, credentials taken out.
        output: Vec<String>,
    },
    /// A tool took too long.
    #[error("expected `{installer}` to {task} within {seconds} s, found it still at work{}", quoted(.output))]
    Slow {
        /// Which tool.
        installer: Installer,
        /// What it was to do.
        task: &'static str,
        /// The time that it had.
        seconds: u64,
        /// The last lines that it wrote, credentials taken out.
        output: Vec<String>,
    },
    /// The caller no longer wants it.
    #[error("cancelled before the environment was there")]
    Cancelled,
    /// A path is not UTF-8, as those of pip and uv must be.
    #[error("expected a path in UTF-8, found `{}`", .0.display())]
    Path(PathBuf),
    /// A file could not be read or written.
    #[error("failed to use `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl EnvironmentError {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoInterpreter { wanted, .. } => {
                Some(format!("install it with your system's packages, or with `uv python install {wanted}`"))
            }
            Self::NoInstaller { .. } => Some(
                "install uv (https://docs.astral.sh/uv), or the system's packages of venv and pip, such as `apt install python3-venv python3-pip`"
                    .to_owned(),
            ),
            Self::Prefix { .. } => Some("use an interpreter of the system, or one from `uv python install`".to_owned()),
            Self::Tool { output, .. } if output.iter().any(|line| is_mismatch(line)) => Some(
                "a file is not the one that was locked: find out which changed before you write the lock again".to_owned(),
            ),
            Self::Tool { output, .. } if output.iter().any(|line| is_missing(line)) => Some(
                "no wheel for this interpreter and platform is among the locked files; packages are never built from source here"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// pip: "THESE PACKAGES DO NOT MATCH THE HASHES"; uv: "Hash mismatch for".
fn is_mismatch(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("do not match the hashes") || line.contains("hash mismatch")
}

/// pip: "No matching distribution found"; uv: "has no wheels with a matching", "was not found", "no usable wheels".
fn is_missing(line: &str) -> bool {
    ["No matching distribution", "no wheels", "no usable wheels"].iter().any(|known| line.contains(known))
}

fn listed(versions: &[String]) -> String {
    if versions.is_empty() { "no Python".to_owned() } else { versions.join(", ") }
}

fn quoted(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  | {line}")).collect()
}
