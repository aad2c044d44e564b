//! What a stage may reach beyond its handles, as traits that the caller implements: the network, secrets, mail, and the folders and
//! services of this machine.
//!
//! Nothing here opens a connection or reads a secret. A stage call without an implementation has each of its requests refused.

use std::pin::Pin;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

/// Work that an implementation has begun.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The body of a request or a response.
pub type Body = UnsyncBoxBody<Bytes, SendError>;

/// Why a request got no answer, or an answer ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It was not sent, since the stage may not: says what was asked, by whom, and which line of the project file would allow it.
    #[error("{0}")]
    Denied(String),
    /// The host's name has no address.
    #[error("found no address of `{0}`")]
    NoAddress(String),
    /// No connection came about.
    #[error("failed to connect to `{host}`: {message}")]
    Connect {
        /// Host and port.
        host: String,
        /// The reason.
        message: String,
    },
    /// TLS could not be set up: an unknown or expired certificate, say.
    #[error("failed to agree on TLS with `{host}`: {message}")]
    Tls {
        /// Host and port.
        host: String,
        /// The reason.
        message: String,
    },
    /// The answer did not come in time.
    #[error("expected an answer of `{host}` within {seconds} s, found none")]
    Timeout {
        /// Host and port.
        host: String,
        /// The time that it had.
        seconds: u64,
    },
    /// The body of the request or the answer is too large.
    #[error("expected {what} of at most {most} bytes, found more")]
    TooLarge {
        /// Which body.
        what: &'static str,
        /// What is allowed.
        most: u64,
    },
    /// The connection ended before the answer did, or the answer was not HTTP.
    #[error("failed to read the answer of `{host}`: {message}")]
    Broken {
        /// Host and port.
        host: String,
        /// The reason.
        message: String,
    },
}

/// How long a stage is ready to wait for one request, where it says so. An implementation may wait less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Patience {
    /// For the connection.
    pub connect: Option<std::time::Duration>,
    /// For the answer's head.
    pub first_byte: Option<std::time::Duration>,
    /// Between two pieces of the answer's body.
    pub between_bytes: Option<std::time::Duration>,
}

/// What a stage learns of a secret: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretHandle {
    /// Its name in the project file.
    pub name: String,
    /// The text that stands for it.
    pub placeholder: String,
    /// The address that its source names.
    pub endpoint: Option<String>,
}

/// Why a stage gets no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not granted.
    #[error("{0}")]
    Denied(String),
    /// Its source has no value.
    #[error("{0}")]
    Missing(String),
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// Plain at first, then TLS by STARTTLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    Plain,
}

/// A mail server and how to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Host and port.
    pub address: String,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// User and password, as placeholders.
    pub login: Option<(String, String)>,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailMessage {
    /// The sender.
    pub sender: String,
    /// The recipients.
    pub recipients: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The stage may not send it.
    #[error("{0}")]
    Denied(String),
    /// It is no message.
    #[error("{0}")]
    BadMessage(String),
    /// The server refused for good.
    #[error("{0}")]
    Refused(String),
    /// The server may take it later.
    #[error("{0}")]
    Unavailable(String),
}

/// The network as one stage may use it.
pub trait Outbound: Send + Sync {
    /// Sends one HTTP request and gives the answer as the server gave it, redirects included.
    fn send(&self, request: http::Request<Body>, patience: Patience) -> Pending<Result<http::Response<Body>, SendError>>;

    /// A secret that the stage names.
    ///
    /// # Errors
    /// It is not granted, or has no value.
    fn secret(&self, name: &str) -> Result<SecretHandle, SecretError>;

    /// Hands a message to a mail server, and gives the server's answer.
    fn mail(&self, server: MailServer, message: MailMessage) -> Pending<Result<String, MailError>>;
}

/// What is at a path of a granted folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderEntry {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// Something else.
    Other,
}

/// Why a folder could not be worked on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    /// The stage may not.
    #[error("{0}")]
    Denied(String),
    /// The path cannot be.
    #[error("{0}")]
    BadPath(String),
    /// The machine refused.
    #[error("{0}")]
    Io(String),
}

/// Folders of this machine, as one stage may work in them. A folder is named as the grants name it, and a path below it by names joined by `/`.
pub trait Folders: Send + Sync {
    /// What is at a path; none where nothing is.
    ///
    /// # Errors
    /// The folder is not granted, the path cannot be, or the machine refused; so for all functions here.
    fn look(&self, folder: &str, path: &str) -> Result<Option<FolderEntry>, FolderError>;
    /// Makes a folder, and says whether it was missing.
    ///
    /// # Errors
    /// See [`Folders::look`].
    fn make(&self, folder: &str, path: &str) -> Result<bool, FolderError>;
    /// A file's bytes; none where there is no file.
    ///
    /// # Errors
    /// See [`Folders::look`]; the file may be too large, too.
    fn read(&self, folder: &str, path: &str) -> Result<Option<Vec<u8>>, FolderError>;
    /// Writes a file as a whole.
    ///
    /// # Errors
    /// See [`Folders::look`].
    fn write(&self, folder: &str, path: &str, bytes: &[u8]) -> Result<(), FolderError>;
}

/// A package that a service answers with, and its share of the requests in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceShare {
    /// The digest of the package.
    pub package: String,
    /// Percent of the requests.
    pub percent: u32,
}

/// What a service is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The packages that it answers with.
    pub shares: Vec<ServiceShare>,
    /// Its port; 0 keeps the one that it has, or takes a free one.
    pub port: u16,
    /// The names of the secrets that it takes as bearer keys.
    pub keys: Vec<String>,
}

/// How a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceCondition {
    /// It is about to answer for the first time.
    Starting,
    /// It answers.
    Ready,
    /// It ended and is about to be started again.
    Restarting,
    /// Its supervisor is gone.
    Lost,
}

/// A service as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// The packages that it answers with.
    pub shares: Vec<ServiceShare>,
    /// Its port.
    pub port: u16,
    /// Where it answers.
    pub url: String,
    /// How it is doing.
    pub condition: ServiceCondition,
    /// How often it was started again.
    pub restarts: u32,
}

/// Why a service could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The stage may not.
    #[error("{0}")]
    Denied(String),
    /// It cannot be as described.
    #[error("{0}")]
    BadService(String),
    /// It did not get ready.
    #[error("{0}")]
    NotReady(String),
    /// The machine refused.
    #[error("{0}")]
    Io(String),
}

/// The scoring services of this machine, as one stage may use them.
pub trait Services: Send + Sync {
    /// Puts a service in place, and is done when it answers.
    fn start(&self, service: Service) -> Pending<Result<ServiceStatus, ServiceError>>;
    /// Ends a service, and says whether there was one.
    fn stop(&self, name: String) -> Pending<Result<bool, ServiceError>>;
    /// How a service is doing.
    fn status(&self, name: String) -> Pending<Result<Option<ServiceStatus>, ServiceError>>;
    /// All services, by name.
    fn list(&self) -> Pending<Result<Vec<ServiceStatus>, ServiceError>>;
}
