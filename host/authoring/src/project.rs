//! Starting a project.

use std::fs;
use std::path::{Path, PathBuf};

use sprag_core::plan::is_name;
use sprag_schemas::manifest::Kind;

use crate::layout::files;
use crate::{AuthoringError, Language, lock};

/// Names that cargo or the compiler has for itself.
const RESERVED: [&str; 12] =
    ["alloc", "core", "std", "test", "build", "deps", "examples", "incremental", "proc-macro", "crate", "self", "super"];

/// A project that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The plugin's name.
    pub name: String,
    /// How many files were written.
    pub files: usize,
    /// The file with the stage.
    pub source: PathBuf,
}

/// Writes a project into a folder whose name becomes the plugin's. It is there as a whole or not at all.
///
/// # Errors
/// The folder's name is no name, something is there already, the language has no template for the kind, or the disk refuses.
pub fn start(dir: &Path, kind: Kind, language: Language) -> Result<Started, AuthoringError> {
    if !language.kinds().contains(&kind) {
        let known: Vec<_> = language.kinds().iter().map(|kind| format!("`{kind}`")).collect();
        let message = format!(
            "expected a kind of stage that can be written in `{}` ({}), found `{kind}`",
            language.name(),
            known.join(", ")
        );
        return Err(AuthoringError::new(message).hint("write it in Rust: `--lang rust` has every kind"));
    }
    let name = name_of(dir, language)?;
    let is_empty = |dir: &Path| fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if dir.symlink_metadata().is_ok() && !is_empty(dir) {
        return Err(AuthoringError::new(format!(
            "expected nothing or an empty folder at `{}`, found something there",
            dir.display()
        ))
        .hint("name a folder that is not there yet"));
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| AuthoringError::io("make", parent, &error))?;
    let made = tempfile::Builder::new().prefix(".sprag-new-").tempdir_in(parent);
    let made = made.map_err(|error| AuthoringError::io("make a folder in", parent, &error))?;
    // A folder that is made in secret is the author's alone; a project is as open as any other.
    let inside = made.path().join(&name);
    let files = files(language, kind, &name);
    for (path, bytes) in &files {
        write(&inside.join(path), bytes)?;
    }
    fs::rename(&inside, dir).map_err(|error| AuthoringError::io("make", dir, &error))?;
    Ok(Started { name, files: files.len(), source: dir.join(language.source()) })
}

/// The plugin's name: that of its folder.
fn name_of(dir: &Path, language: Language) -> Result<String, AuthoringError> {
    let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_name(name) {
        let message =
            format!("expected a name of lower-case letters, digits and hyphens, beginning with a letter, found `{name}`");
        return Err(AuthoringError::new(message).hint("the folder's name becomes the plugin's"));
    }
    if language == Language::Rust && (RESERVED.contains(&name) || lock::has(name)) {
        let message = format!(
            "expected a name of the plugin's own, found `{name}`, which is that of a crate that it stands on or of cargo's"
        );
        return Err(AuthoringError::new(message).hint(format!("say what it does, too: `{name}-mine`")));
    }
    Ok(name.to_owned())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), AuthoringError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| AuthoringError::io("make", parent, &error))?;
    }
    fs::write(path, bytes).map_err(|error| AuthoringError::io("write", path, &error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_written_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("deep/mine");
        let started = start(&dir, Kind::Train, Language::Python).unwrap();
        assert_eq!((started.name.as_str(), started.source), ("mine", dir.join("plugin.py")));
        assert!(fs::read_to_string(dir.join("pyproject.toml")).unwrap().contains("name = \"mine\""));
        let beside: Vec<_> = fs::read_dir(dir.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(beside, ["mine"], "nothing else is left");
    }

    #[test]
    fn an_empty_folder_is_taken_and_a_full_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("mine");
        fs::create_dir(&dir).unwrap();
        assert!(start(&dir, Kind::Train, Language::JavaScript).is_ok());
        let before = fs::read(dir.join("plugin.js")).unwrap();
        let error = start(&dir, Kind::Notify, Language::JavaScript).unwrap_err();
        assert!(error.message.contains("found something there"), "{error}");
        assert_eq!(fs::read(dir.join("plugin.js")).unwrap(), before);
    }

    #[test]
    fn a_name_is_one_that_every_tool_takes() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Mine", "my_stage", "1st", "-x", "ä", "serde", "sprag-sdk", "test"] {
            let error = start(&folder.path().join(name), Kind::Train, Language::Rust).unwrap_err();
            assert!(error.message.contains(&format!("found `{name}`")), "{error}");
        }
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing was made");
    }

    #[test]
    fn a_kind_that_a_language_lacks_is_named_with_those_that_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let error = start(&folder.path().join("mine"), Kind::Deploy, Language::Python).unwrap_err();
        assert_eq!(
            error.message,
            "expected a kind of stage that can be written in `python` (`sanity-check`, `train`, `evaluate`, `notify`), found `deploy`"
        );
    }
}
