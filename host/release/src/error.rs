//! Why a release could not go on, other than by its own steps.

use std::path::PathBuf;

use sprag_core::approval::{PolicyError, Refusal, SignersError};
use sprag_runtime::StageFailure;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_store::StoreError;

/// Why a release could not begin, go on, or be recorded.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The project has no environments.
    #[error("expected `[environments]` in the project file, found none")]
    NoEnvironments,
    /// There is no such environment.
    #[error("expected an environment of the project ({}), found `{found}`", list(.known))]
    UnknownEnvironment {
        /// What was asked for.
        found: String,
        /// The environments of the project.
        known: Vec<String>,
    },
    /// Another process drives the release.
    #[error("another process is at work on the release `{release}`")]
    Driven {
        /// The release.
        release: String,
    },
    /// Another release works on the environment.
    #[error("{} `{environment}`", at_work(.holder.as_deref()))]
    Busy {
        /// The environment.
        environment: String,
        /// The release that holds it.
        holder: Option<String>,
    },
    /// It was asked to stop while it waited for its turn in an environment.
    #[error("cancelled while waiting for `{environment}`")]
    Cancelled {
        /// The environment.
        environment: String,
    },
    /// The adapter of an environment failed to remove its service.
    #[error("`{environment}` was not removed: {}", .failure.to_record().message)]
    NotRemoved {
        /// The environment.
        environment: String,
        /// How the adapter failed.
        failure: StageFailure,
    },
    /// The release has ended.
    #[error("the release `{release}` has ended: {outcome}")]
    Ended {
        /// The release.
        release: String,
        /// How.
        outcome: &'static str,
    },
    /// The release asks for no approval.
    #[error("the release `{release}` does not wait for an approval; it is {outcome}")]
    NotWaiting {
        /// The release.
        release: String,
        /// How it stands.
        outcome: &'static str,
    },
    /// What was asked for is no longer what stands there.
    #[error("what waits for approval changed since it was asked for{}", .changes.iter().map(|change| format!("\n  {change}")).collect::<String>())]
    Stale {
        /// The release.
        release: String,
        /// What changed, one line for each field.
        changes: Vec<String>,
    },
    /// What waits is not what was read.
    #[error("expected the statement {read} to wait, found {stands}")]
    OtherStatement {
        /// The digest of what was read.
        read: String,
        /// The digest of what waits.
        stands: String,
    },
    /// An approval does not count.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The file of approvers cannot be read.
    #[error("failed to read the approvers of `{environment}` from `{}`: {source}", .path.display())]
    ReadApprovers {
        /// The environment.
        environment: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of approvers is wrong.
    #[error("{}: {source}", .path.display())]
    Approvers {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SignersError,
    },
    /// The rule of approvals cannot be met.
    #[error("environment `{environment}`: {source} in `{}`", .path.display())]
    Policy {
        /// The environment.
        environment: String,
        /// The file of approvers.
        path: PathBuf,
        /// What is wrong.
        source: PolicyError,
    },
    /// A file that a stage is given cannot be read.
    #[error("stage `{stage}`: input `{}`: {source}", .path.display())]
    Input {
        /// The stage.
        stage: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing to share an environment's requests with.
    #[error("expected another version that passed its smoke test in `{environment}`, to share its requests with, found none")]
    NothingBeside {
        /// The environment.
        environment: String,
    },
    /// There is nothing to roll back to.
    #[error("expected {wanted} that passed its smoke test in `{environment}`, found {found}")]
    NothingVerified {
        /// The environment.
        environment: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// The project has no rule for emergencies.
    #[error("environment `{environment}` has no rule for emergencies, so that a rollback takes the same approvals as a release")]
    NoEmergencyRule {
        /// The environment.
        environment: String,
    },
    /// The version that is released is not in the registry.
    #[error("the registry has no version {0}")]
    UnknownVersion(String),
    /// The version could not be packaged.
    #[error("failed to package: {message}")]
    NoPackage {
        /// Why.
        message: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(Box<StoreError>),
}

impl From<StoreError> for ReleaseError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<Refusal> for ReleaseError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl ReleaseError {
    /// The exit code that says so.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Driven { .. } | Self::Busy { .. } => exit_code::BUSY,
            Self::Cancelled { .. } => exit_code::CANCELLED,
            Self::Refused(_) | Self::Stale { .. } | Self::OtherStatement { .. } | Self::NoEmergencyRule { .. } => {
                exit_code::REFUSED
            }
            Self::NoPackage { .. } | Self::NotRemoved { .. } => exit_code::PLUGIN_FAILED,
            Self::Store(error) if !error.is_usage() => exit_code::INTERNAL,
            _ => exit_code::BAD_PROJECT,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoEnvironments => {
                "add `[environments.staging]` and `[environments.production]`; `docs/guides/release.md` shows how".to_owned()
            }
            Self::Driven { .. } | Self::Busy { .. } => "wait for it to end, or leave out `--no-wait`".to_owned(),
            Self::Ended { .. } => "start another with `sprag release`".to_owned(),
            Self::NotWaiting { .. } => "`sprag approvals` lists the releases that wait".to_owned(),
            Self::Refused(refusal) => refusal.hint(),
            Self::Stale { release, .. } => format!("`sprag resume {release}` asks anew, for what stands there now"),
            Self::OtherStatement { .. } => {
                "look at what would be released now, with `sprag approvals`, and approve that".to_owned()
            }
            Self::ReadApprovers { path, .. } => format!("`sprag key new --add` writes your line into `{}`", path.display()),
            Self::Approvers { .. } => "each line is `NAME ssh-ed25519 KEY`; `sprag key show` prints yours".to_owned(),
            Self::Policy { .. } => "add approvers, or lower `required`".to_owned(),
            Self::NothingVerified { .. } => "`sprag environments` shows what ran where".to_owned(),
            Self::NothingBeside { .. } => "release it to all requests: leave out `--share`".to_owned(),
            Self::NoEmergencyRule { environment } => {
                format!("leave out `--emergency`, or add `[environments.{environment}.approval.emergency]` to the project file")
            }
            Self::NotRemoved { environment, .. } => format!("`sprag destroy {environment}` goes on from what is left"),
            Self::Store(error) => return error.hint(),
            Self::Cancelled { .. }
            | Self::UnknownEnvironment { .. }
            | Self::Input { .. }
            | Self::UnknownVersion(_)
            | Self::NoPackage { .. } => {
                return None;
            }
        };
        Some(hint)
    }
}

/// The holder of an environment whose service is being removed.
pub(crate) const REMOVAL: &str = "removal";

/// What holds an environment, as the beginning of a sentence about it.
fn at_work(holder: Option<&str>) -> String {
    match holder {
        None => "another process is at work on".to_owned(),
        Some(REMOVAL) => "another process removes the service of".to_owned(),
        Some(release) => format!("the release `{release}` is at work on"),
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
