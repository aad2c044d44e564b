//! What can go wrong with the store, in words that say what to do.
//!
//! Two families: a name that does not exist or is not allowed ([`StoreError::is_usage`]), which carries the known names; and a
//! fault of the machine, which carries the operation and the path.

use std::io;
use std::path::{Path, PathBuf};

use sprag_core::digest::Digest;

/// Why the store could not do what was asked. Whatever was committed before is still there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no room left, or a quota or a limit on file sizes was hit.
    #[error("cannot {action} `{}`: the disk is full", path.display())]
    Full {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system or SQLite said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// SQLite refused for another reason than those below.
    #[error("cannot {action} in `{}`", path.display())]
    Database {
        /// What was tried, such as `record the run`.
        action: &'static str,
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process kept the database locked for longer than the store waits.
    #[error("cannot {action}: another process keeps `{}` locked", path.display())]
    Locked {
        /// What was tried.
        action: &'static str,
        /// The database file.
        path: PathBuf,
    },
    /// The database's bytes are not those that SQLite wrote.
    #[error("the database `{}` is damaged: {detail}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The database is a SQLite database of some other program.
    #[error("`{}` is not a store of sprag", path.display())]
    NotAStore {
        /// The database file.
        path: PathBuf,
    },
    /// A later sprag wrote the store.
    #[error("the store `{}` has version {found}, and this sprag knows versions up to {known}", path.display())]
    NewerVersion {
        /// The database file.
        path: PathBuf,
        /// The store's version.
        found: i64,
        /// The newest version that this sprag knows.
        known: i64,
    },
    /// A record in the database cannot be read.
    #[error("the record of {what} cannot be read")]
    DamagedRecord {
        /// Whose record it is, such as ``run `20261122-154300-k3xq` ``.
        what: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A sketch of what a model saw cannot be read.
    #[error("expected a sketch in `{}`, found something else: {detail}", path.display())]
    DamagedSketch {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A file of the content store is not there.
    #[error("the store has no content `{digest}` (expected at `{}`)", path.display())]
    MissingBlob {
        /// The content's address.
        digest: Digest,
        /// Where it should be.
        path: PathBuf,
    },
    /// A file of the content store has other bytes than its name says.
    #[error("the content at `{}` is damaged: expected `{expected}`, found `{found}`", path.display())]
    DamagedBlob {
        /// The content's address.
        expected: Digest,
        /// The digest of the bytes that are there.
        found: Digest,
        /// The file.
        path: PathBuf,
    },
    /// A number that JSON cannot hold was to be recorded.
    #[error("{what} is `{value}`: expected a finite number")]
    NotFinite {
        /// What the number is.
        what: String,
        /// The number.
        value: f64,
    },
    /// No run has been recorded yet.
    #[error("no run has been recorded yet")]
    NoRuns,
    /// No run has this id or an id that begins or ends so.
    #[error("no run is called `{text}`{}", listing("; the nearest are", near))]
    UnknownRun {
        /// What was asked for.
        text: String,
        /// The ids that resemble it most.
        near: Vec<String>,
    },
    /// Several runs have an id that begins or ends so.
    #[error("`{text}` may mean several runs{}", listing(":", matches))]
    AmbiguousRun {
        /// What was asked for.
        text: String,
        /// The newest of the ids that it may mean.
        matches: Vec<String>,
    },
    /// A run with this id is recorded already.
    #[error("the run `{id}` is recorded already")]
    RunExists {
        /// The run's id.
        id: String,
    },
    /// A release with this id is recorded already.
    #[error("the release `{id}` is recorded already")]
    ReleaseExists {
        /// The release's id.
        id: String,
    },
    /// Another process wrote the release since it was read.
    #[error("the release `{id}` was changed by another process")]
    ReleaseChanged {
        /// The release's id.
        id: String,
    },
    /// No release has this id or an id that begins or ends so.
    #[error("no release is called `{text}`{}", listing("; the newest are", newest))]
    UnknownRelease {
        /// What was asked for.
        text: String,
        /// The newest releases.
        newest: Vec<String>,
    },
    /// Several releases have an id that begins or ends so.
    #[error("`{text}` may mean several releases{}", listing(":", matches))]
    AmbiguousRelease {
        /// What was asked for.
        text: String,
        /// The newest of the ids that it may mean.
        matches: Vec<String>,
    },
    /// No pipeline of this name is published.
    #[error("no pipeline is called `{name}`{}", listing("; published are", known))]
    UnknownPipeline {
        /// What was asked for.
        name: String,
        /// The pipelines that are published.
        known: Vec<String>,
    },
    /// The pipeline has no version of this number.
    #[error("the pipeline `{name}` has no version {version}; it has {}", versions(*newest))]
    UnknownPipelineVersion {
        /// The pipeline.
        name: String,
        /// What was asked for.
        version: u64,
        /// The newest version's number; every number from 1 up to it exists.
        newest: u64,
    },
    /// No request has this id.
    #[error("no request is called `{id}`")]
    UnknownRequest {
        /// What was asked for.
        id: String,
    },
    /// No token has this id.
    #[error("no token is called `{id}`")]
    UnknownToken {
        /// What was asked for.
        id: String,
    },
    /// Another request was handed in under the same key.
    #[error("the idempotency key `{key}` belongs to the request `{id}`, which asks for something else")]
    OtherRequest {
        /// The key.
        key: String,
        /// The request that has it.
        id: String,
    },
    /// As many requests wait as may.
    #[error("the queue of the pipeline `{pipeline}` is full: {most} requests wait")]
    QueueFull {
        /// The pipeline.
        pipeline: String,
        /// How many may wait.
        most: u32,
    },
    /// No model of this name is registered.
    #[error("no model is called `{name}`{}", listing("; registered are", known))]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The models that are registered.
        known: Vec<String>,
    },
    /// The model has no version of this number.
    #[error("the model `{name}` has no version {version}; it has {}", versions(*latest))]
    UnknownVersion {
        /// The model.
        name: String,
        /// What was asked for.
        version: u64,
        /// The newest version's number; every number from 1 up to it exists.
        latest: u64,
    },
    /// The model has no alias of this name.
    #[error("the model `{name}` has no alias `{alias}`; it has {}", aliases(known))]
    UnknownAlias {
        /// The model.
        name: String,
        /// What was asked for.
        alias: String,
        /// The aliases that the model has.
        known: Vec<String>,
    },
    /// A model cannot be called so.
    #[error("a model cannot be called `{name}`: expected a name without `@`, control characters and surrounding space")]
    BadModelName {
        /// What was asked for.
        name: String,
    },
    /// An alias cannot be called so.
    #[error(
        "an alias cannot be called `{alias}`: expected a lower-case letter, then lower-case letters, digits and `-`, not `latest`"
    )]
    BadAlias {
        /// What was asked for.
        alias: String,
    },
}

impl StoreError {
    /// Whether the caller named something wrongly; otherwise the machine or the store is at fault.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoRuns
                | Self::UnknownRun { .. }
                | Self::AmbiguousRun { .. }
                | Self::UnknownRelease { .. }
                | Self::AmbiguousRelease { .. }
                | Self::UnknownPipeline { .. }
                | Self::UnknownPipelineVersion { .. }
                | Self::UnknownRequest { .. }
                | Self::UnknownToken { .. }
                | Self::OtherRequest { .. }
                | Self::QueueFull { .. }
                | Self::UnknownModel { .. }
                | Self::UnknownVersion { .. }
                | Self::UnknownAlias { .. }
                | Self::BadModelName { .. }
                | Self::BadAlias { .. }
        )
    }

    /// What to do about it, as one sentence; none where the message says all there is.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Full { .. } => "free some space and run again; nothing that was recorded is lost".to_owned(),
            Self::Locked { .. } => "wait for the other sprag of this project to end, or stop it".to_owned(),
            Self::Damaged { path, .. } | Self::NotAStore { path } => format!(
                "put back a copy of `{0}`, or move its folder `{1}` away to begin anew; the files under `{1}/blobs` are whole by themselves",
                path.display(),
                path.parent().unwrap_or(Path::new(".")).display()
            ),
            Self::NewerVersion { .. } => "use the sprag that wrote it, or a later one; nothing was changed".to_owned(),
            Self::DamagedRecord { .. } => {
                "a later sprag may have written it: try that one, or put back a copy of the store".to_owned()
            }
            Self::DamagedSketch { .. } => "remove the file: what it counted is lost, and nothing else".to_owned(),
            Self::MissingBlob { .. } => {
                "run the stage that made it again (`sprag run --no-cache`), or put back a copy of the store".to_owned()
            }
            Self::DamagedBlob { path, .. } => {
                format!("delete `{}` and run the stage that made it again, or put back a copy of it", path.display())
            }
            Self::NoRuns => "`sprag run` makes one".to_owned(),
            Self::UnknownRun { .. } => "`sprag runs` lists all runs; `latest` means the newest".to_owned(),
            Self::ReleaseChanged { .. } => "look at it with `sprag releases`, and try again".to_owned(),
            Self::UnknownRelease { .. } => "`sprag releases` lists all releases; `latest` means the newest".to_owned(),
            Self::AmbiguousRun { .. } | Self::AmbiguousRelease { .. } => "write more of the id".to_owned(),
            Self::UnknownPipeline { .. } => "`sprag publish` publishes the project".to_owned(),
            Self::UnknownToken { .. } => "`sprag token list` lists them".to_owned(),
            Self::OtherRequest { .. } => "take another key for another request".to_owned(),
            Self::QueueFull { .. } => "wait until some have run, or raise `queue` under `[pipeline]` and publish".to_owned(),
            Self::UnknownModel { .. } => {
                "`sprag models` lists the models; `sprag run` with a `register` stage adds one".to_owned()
            }
            Self::UnknownVersion { name, .. } | Self::UnknownAlias { name, .. } => {
                format!("`{name}` alone means the newest version")
            }
            _ => return None,
        };
        Some(hint)
    }

    /// Sorts an error of the file system into its variant.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { action, path, source: source.into() }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// Sorts an error of SQLite into its variant.
    pub(crate) fn sql(action: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::{ErrorCode, ffi};
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { action, path, source: source.into() },
            // SQLite could not enlarge its shared index: no error code of its own for want of room.
            _ if source.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_SHMSIZE) => {
                Self::Full { action, path, source: source.into() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { action, path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, detail: source.to_string() },
            _ => Self::Database { action, path, source: source.into() },
        }
    }
}

/// The names in backticks after `lead`; nothing where there are none.
fn listing(lead: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("{lead} {}", quoted(names)) }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn versions(latest: u64) -> String {
    if latest == 1 { "version 1 only".to_owned() } else { format!("versions 1 to {latest}") }
}

fn aliases(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { quoted(known) }
}
