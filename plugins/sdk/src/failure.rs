//! Failures: short ways to make one, and the conversions behind `?`.

use crate::{BlobError, DataError, Failure, SecretError};

impl Failure {
    /// The data cannot be worked on.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::BadInput(message.into())
    }

    /// The parameters contradict each other or the data.
    pub fn bad_params(message: impl Into<String>) -> Self {
        Self::BadParams(message.into())
    }

    /// The plugin does not do what was asked.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::Unsupported(message.into())
    }

    /// A fault in the plugin.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }

    /// The message for a person; of [`Failure::Cancelled`], that it was.
    pub fn message(&self) -> &str {
        match self {
            Self::BadInput(message)
            | Self::BadParams(message)
            | Self::Unsupported(message)
            | Self::Retry(message)
            | Self::Internal(message) => message,
            Self::Cancelled => "stopped because the host asked for it",
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::NoSuchColumn(name) => Self::BadInput(format!("the table has no column `{name}`")),
            DataError::WrongType(message) => Self::BadInput(message),
            DataError::OutOfRange(message) => Self::Internal(message),
            DataError::Io(message) => Self::Retry(message),
        }
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::OutOfRange => Self::internal("a read went past the end of a blob"),
            BlobError::Finished => Self::internal("a blob was written to after its end"),
            BlobError::Io(message) => Self::Retry(message),
        }
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let (SecretError::Denied(message) | SecretError::Missing(message)) = error;
        Self::BadParams(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_mark_keeps_the_message() {
        let from_data = || -> Result<(), Failure> { Err(DataError::NoSuchColumn("BMI".into()))? };
        assert_eq!(from_data().unwrap_err().message(), "the table has no column `BMI`");
        let from_blob = || -> Result<(), Failure> { Err(BlobError::OutOfRange)? };
        assert_eq!(from_blob().unwrap_err().message(), "a read went past the end of a blob");
    }
}
