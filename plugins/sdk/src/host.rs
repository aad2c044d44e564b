//! What a plugin that works on another system asks of the run that it belongs to: a seam, so that its logic runs natively in tests.

use crate::{Failure, Level, Session, secrets};

/// The run around a plugin's call. A native test has its own.
pub trait Host {
    /// The text that stands for a secret's value.
    ///
    /// # Errors
    ///
    /// The stage is not granted the secret, or there is no value.
    fn placeholder(&self, secret: &str) -> Result<String, Failure>;

    /// The address that a secret's source names, such as the API server of a kubeconfig; none where it names none.
    ///
    /// # Errors
    ///
    /// As of [`placeholder`](Self::placeholder).
    fn endpoint(&self, secret: &str) -> Result<Option<String>, Failure> {
        self.placeholder(secret).map(|_| None)
    }

    /// Writes a line to the run's log.
    fn log(&self, message: &str, fields: &[(&str, &str)]);

    /// Warns in the run's log.
    fn warn(&self, message: &str);

    /// Whether to stop at the next good moment.
    fn should_stop(&self) -> bool;
}

impl Host for Session {
    fn placeholder(&self, secret: &str) -> Result<String, Failure> {
        Ok(secrets::get(secret)?.placeholder())
    }

    fn endpoint(&self, secret: &str) -> Result<Option<String>, Failure> {
        Ok(secrets::get(secret)?.endpoint())
    }

    fn log(&self, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::log(self, Level::Info, message, &fields);
    }

    fn warn(&self, message: &str) {
        Self::log(self, Level::Warn, message, &[]);
    }

    fn should_stop(&self) -> bool {
        Self::should_stop(self)
    }
}
