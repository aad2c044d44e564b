//! The file that keeps how far an analysis is, so that a service that starts again does not begin anew.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sprag_core::canary::Progress;
use sprag_core::digest::Digest;
use sprag_schemas::canary::Canary;

use crate::error::ServeError;

/// The value of [`CanaryState::format`].
const FORMAT: &str = "sprag-canary-state/1";

/// What is kept of an analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct CanaryState {
    format: String,
    subject: Subject,
    progress: Progress,
}

/// What an analysis is about. Where anything of it is another, an earlier verdict says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Subject {
    /// The name of the challenger's variant.
    pub(crate) challenger: String,
    /// The digest of the challenger's model.
    pub(crate) challenger_digest: String,
    /// The digest of the champion's model.
    pub(crate) champion_digest: String,
    /// The digest of the steps and thresholds.
    pub(crate) rules: String,
}

impl Subject {
    pub(crate) fn new(challenger: &str, challenger_digest: &str, champion_digest: &str, canary: &Canary) -> Self {
        let rules = serde_json::to_vec(canary).unwrap_or_default();
        Self {
            challenger: challenger.to_owned(),
            challenger_digest: challenger_digest.to_owned(),
            champion_digest: champion_digest.to_owned(),
            rules: Digest::of(&rules).to_string(),
        }
    }
}

impl CanaryState {
    pub(crate) fn new(subject: Subject, progress: Progress) -> Self {
        Self { format: FORMAT.to_owned(), subject, progress }
    }

    /// Reads the file; none where there is none yet.
    ///
    /// # Errors
    /// It cannot be read, or is something else. To begin anew would give a challenger requests that was rolled back.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, ServeError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ServeError::File { what: "read", path: path.to_owned(), source }),
        };
        let wrong = |found: String| ServeError::Content { expected: "the state of an analysis", path: path.to_owned(), found };
        let state: Self = serde_json::from_str(&text).map_err(|error| wrong(format!("something else ({error})")))?;
        if state.format == FORMAT { Ok(Some(state)) } else { Err(wrong(format!("the format `{}`", state.format.escape_debug()))) }
    }

    /// How far the analysis of this subject is; none where the file is about another.
    pub(crate) fn progress_of(&self, subject: &Subject) -> Option<Progress> {
        (self.subject == *subject).then(|| self.progress.clone())
    }

    /// Writes the file, which is never seen in part.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
        name.push(".new");
        let unfinished = path.with_file_name(name);
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let mut file = File::create(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)
    }
}

#[cfg(test)]
mod tests {
    use sprag_core::canary::Cause;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_is_about_one_subject() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        assert_eq!(CanaryState::read(&path).unwrap(), None);
        let canary = Canary::parse("[[steps]]\nweight = 5").unwrap();
        let subject = |digest: &str| Subject::new("b", digest, "sha256:a", &canary);
        let progress = Progress::RolledBack { cause: Cause::Errors, reason: "it failed".to_owned() };
        let state = CanaryState::new(subject("sha256:b"), progress.clone());
        state.write(&path).unwrap();
        state.write(&path).unwrap();
        let found = CanaryState::read(&path).unwrap().unwrap();
        assert_eq!(found, state);
        assert_eq!(found.progress_of(&subject("sha256:b")), Some(progress));
        assert_eq!(found.progress_of(&subject("sha256:c")), None);
        let other = Canary::parse("[[steps]]\nweight = 6").unwrap();
        assert_eq!(found.progress_of(&Subject::new("b", "sha256:b", "sha256:a", &other)), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_no_new_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        for text in ["", "{}", "[]"] {
            std::fs::write(&path, text).unwrap();
            let error = CanaryState::read(&path).unwrap_err().to_string();
            assert!(error.starts_with("expected the state of an analysis in `"), "{error}");
        }
    }
}
