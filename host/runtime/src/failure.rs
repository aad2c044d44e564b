//! Why a stage has no result.

use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_schemas::quantity::ByteSize;
use sprag_schemas::record::StageError;
use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};

use crate::bindings::sprag::stage::types::Failure;
use crate::session::MOST_TEXT;

/// A limit that a stage passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("passed its limit `{key}` of {limit}")]
pub struct LimitHit {
    /// The limit's key in `[limits]` of the project file.
    pub key: &'static str,
    /// The limit, with its unit.
    pub limit: String,
}

impl LimitHit {
    /// One call carried too much.
    pub(crate) fn call(limits: &Limits) -> Self {
        Self { key: "call", limit: ByteSize(limits.call).to_string() }
    }

    /// Too many handles were held.
    pub(crate) fn handles(limits: &Limits) -> Self {
        Self { key: "handles", limit: limits.handles.to_string() }
    }

    /// Reads the limits that the engine keeps for itself. Only one of its errors has a type; the words of the others are held by tests.
    fn of_engine(error: &wasmtime::Error, limits: &Limits) -> Option<Self> {
        let words = error.root_cause().to_string();
        let full = matches!(error.downcast_ref(), Some(ResourceTableError::Full));
        if full || words.starts_with("cannot allocate another handle") {
            Some(Self::handles(limits))
        } else if words.starts_with("too much data is being copied between the host and the guest") {
            Some(Self::call(limits))
        } else {
            None
        }
    }
}

/// Why a stage has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StageFailure {
    /// The plugin said that it cannot do its work.
    #[error("{kind}: {message}")]
    Plugin {
        /// The case of the contract's `failure`.
        kind: &'static str,
        /// The plugin's words.
        message: String,
    },
    /// The plugin's code trapped: a panic, a division by zero, an access out of bounds.
    #[error("{message}")]
    Trap {
        /// What the engine says.
        message: String,
        /// The frames, innermost first.
        frames: Vec<String>,
    },
    /// The plugin passed a limit.
    #[error("{0}")]
    Limit(LimitHit),
    /// The plugin broke the contract.
    #[error("{0}")]
    Contract(String),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The host failed on the plugin's behalf: storage, mostly.
    #[error("{0}")]
    Host(String),
}

impl StageFailure {
    /// The failure as the run record keeps it.
    pub fn to_record(&self) -> StageError {
        let mut error = StageError { kind: String::new(), message: self.to_string(), limit: None, frames: vec![] };
        error.kind = match self {
            Self::Plugin { .. } => "plugin-failed",
            Self::Trap { frames, .. } => {
                error.frames.clone_from(frames);
                "trap"
            }
            Self::Limit(hit) => {
                error.limit = Some(hit.key.to_owned());
                "limit-hit"
            }
            Self::Contract(_) => "contract",
            Self::Cancelled => "cancelled",
            Self::Host(_) => "internal",
        }
        .to_owned();
        error
    }

    /// A guest's own failure, as it says; of one that says it was cancelled, the attempt's clock knows why.
    pub(crate) fn of_guest(failure: Failure) -> Self {
        let (kind, message) = match failure {
            Failure::BadInput(message) => ("bad input", message),
            Failure::BadParams(message) => ("bad parameters", message),
            Failure::Unsupported(message) => ("not supported", message),
            Failure::Cancelled => return Self::Cancelled,
            Failure::Retry(message) => ("try again", message),
            Failure::Internal(message) => ("fault in the plugin", message),
        };
        Self::Plugin { kind, message: shortened(message) }
    }

    /// Reads what the engine, or a host function through it, gave as an error.
    pub(crate) fn from_engine(error: wasmtime::Error, limits: &Limits) -> Self {
        if let Some(hit) = error.downcast_ref::<LimitHit>() {
            return Self::Limit(hit.clone());
        }
        if let Some(failure) = error.downcast_ref::<Self>() {
            return failure.clone();
        }
        if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
            return Self::Contract(format!("expected a stage to return, found that it ended its process with code {}", exit.0));
        }
        if let Some(hit) = LimitHit::of_engine(&error, limits) {
            return Self::Limit(hit);
        }
        let frames = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return Self::Trap { message: trap_message(*trap), frames };
        }
        Self::Trap { message: format!("trapped: {}", error.root_cause()), frames }
    }
}

/// A message without end, cut where a record can still hold it.
fn shortened(mut message: String) -> String {
    if message.len() > MOST_TEXT {
        message.truncate(message.floor_char_boundary(MOST_TEXT));
        message.push('…');
    }
    message
}

/// What a trap means for someone who did not write the plugin.
fn trap_message(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "trapped: it panicked or aborted; its last words are below".to_owned(),
        // A Rust guest keeps its larger locals on a stack of its own, below all other memory.
        Trap::MemoryOutOfBounds => "trapped: it went beyond its memory, which endless recursion does too".to_owned(),
        Trap::StackOverflow => "trapped: it used up its stack, which endless recursion does".to_owned(),
        other => format!("trapped: {other}"),
    }
}

fn frames(backtrace: &WasmBacktrace) -> Vec<String> {
    let name = |frame: &wasmtime::FrameInfo| {
        let name = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), readable);
        frame.module().name().map_or_else(|| name.clone(), |module| format!("{name} ({module})"))
    };
    backtrace.frames().iter().take(20).map(name).collect()
}

/// A Rust symbol without the hash at its end.
fn readable(symbol: &str) -> String {
    let demangled = rustc_demangle::demangle(symbol).to_string();
    match demangled.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => path.to_owned(),
        _ => demangled,
    }
}

/// A failure of the host that names a digest.
pub(crate) fn host_failure(what: &str, digest: &Digest, error: &std::io::Error) -> StageFailure {
    StageFailure::Host(format!("failed to {what} {digest}: {error}"))
}
