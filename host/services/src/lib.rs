//! Scoring services of this machine, kept running after the command that started them has ended.
//!
//! Each service has a folder under `.sprag/services` and one supervisor: a process of `sprag` that holds the listening socket, runs `sprag serve`, to which it hands that
//! socket, and starts it again when it ends. A change starts the new process beside the old one, on the same socket, and asks the old one to finish when the new one
//! is ready, so that no request is lost. Commands and supervisor talk through files that are renamed into place: what should be (`wanted.json`), and what is (`found.json`).
//! Bearer keys from variables go through a pipe, with each change, and into the environment of the service alone: of whoever deploys, neither keeps any other.
//! Who holds the lock of the folder is the supervisor, so that a recycled process id deceives nobody.

mod client;
mod folder;
mod keys;
mod process;
mod server;
mod socket;
mod supervisor;

pub use client::LocalServices;
pub use folder::{Folder, FolderError};
pub use socket::handed_over;
pub use supervisor::{SuperviseError, supervise};
