//! Files, as far as the server itself hands them on (`mlflow server --serve-artifacts`, which is its default).

use sprag_sdk::Failure;
use sprag_sdk::http::Client;

use crate::{MlflowError, Server};

/// A folder of the server's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The folder at an address that the server gave, such as `mlflow-artifacts:/1/8f0c/artifacts`.
    ///
    /// # Errors
    ///
    /// The server does not hand on what is there.
    pub fn parse(uri: &str) -> Result<Self, Failure> {
        let rest = uri.strip_prefix("mlflow-artifacts:").ok_or_else(|| {
            Failure::unsupported(format!(
                "expected a server that hands files on itself (`mlflow-artifacts:...`), found one that keeps them at `{uri}`; start it with `--serve-artifacts`, or leave files out"
            ))
        })?;
        // `mlflow-artifacts://host/path` names the same server by its host.
        let path = rest.strip_prefix("//").map_or(rest, |rest| rest.split_once('/').map_or("", |(_, path)| path));
        let path = path.trim_matches('/');
        let is_plain = !path.split('/').any(|part| matches!(part, "" | "." | ".."));
        is_plain
            .then(|| Self(path.to_owned()))
            .ok_or_else(|| Failure::internal(format!("expected a folder of the server, found `{uri}`")))
    }

    fn file(&self, name: &str) -> String {
        format!("mlflow-artifacts/artifacts/{}/{name}", self.0)
    }
}

impl<C: Client> Server<'_, C> {
    /// Puts a file into a folder, under a name that may have folders in it.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn put_file(&self, place: &Place, name: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), MlflowError> {
        self.upload(&format!("the file `{name}`"), &place.file(name), media_type, bytes)
    }

    /// A file of a folder; none where there is none.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn file(&self, place: &Place, name: &str) -> Result<Option<Vec<u8>>, MlflowError> {
        self.download(&format!("the file `{name}`"), &place.file(name))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_of_the_server() {
        assert_eq!(
            Place::parse("mlflow-artifacts:/1/8f0c/artifacts").unwrap().file("a/b.csv"),
            "mlflow-artifacts/artifacts/1/8f0c/artifacts/a/b.csv"
        );
        assert_eq!(
            Place::parse("mlflow-artifacts://tracking:5000/1/8f0c/artifacts").unwrap(),
            Place::parse("mlflow-artifacts:/1/8f0c/artifacts").unwrap()
        );
        let elsewhere = Place::parse("s3://bucket/1/8f0c/artifacts").unwrap_err();
        assert!(
            elsewhere.message().contains("`s3://bucket/1/8f0c/artifacts`") && elsewhere.message().contains("--serve-artifacts")
        );
        assert!(Place::parse("mlflow-artifacts:/1/../../etc").is_err());
    }
}
