//! Python environments from a lock, kept in a folder of the user's.

mod ensure;
mod error;
mod interpreter;
mod lock;
mod make;
mod tool;

pub use ensure::{Environment, Options, Wheels};
pub use error::EnvironmentError;
pub(crate) use interpreter::on_path;
pub use interpreter::{PythonVersion, VersionError};
pub use lock::{Lock, LockError, LockProblem, Requirement};
pub use make::Installer;
