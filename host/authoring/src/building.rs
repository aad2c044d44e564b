//! Building a project: `build/plugin.wasm`, by the language's own tools.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::{digest, digest_of_file};
use crate::tool::Stop;
use crate::{AuthoringError, Language, javascript, python, rust};

/// Where the component lies, from the project's folder.
pub const BUILT: &str = "build/plugin.wasm";

/// What it was made from and what it is, from the project's folder.
const STAMP: &str = "build/plugin.stamp";

/// A project that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The component.
    pub component: PathBuf,
    /// Whether anything was built: nothing is where nothing changed.
    pub is_new: bool,
    /// The language.
    pub language: Language,
}

/// Builds the project in a folder where anything in it changed since it was last built. The tools speak to standard error.
///
/// # Errors
/// There is no project, a tool is missing, or the tools could not build it: they said why.
pub fn build(dir: &Path, stop: Stop<'_>) -> Result<Built, AuthoringError> {
    let language = Language::of(dir)?;
    let component = dir.join(BUILT);
    let made = dir.join("build");
    fs::create_dir_all(&made).map_err(|error| AuthoringError::io("make", &made, &error))?;
    let is_new = match language {
        // Cargo knows what changed, in folders beside the project as well.
        Language::Rust => rust::build(dir, &component, stop)?,
        Language::Python => stamped(dir, &component, || python::build(dir, BUILT, stop))?,
        Language::JavaScript => stamped(dir, &component, || javascript::build(dir, BUILT, stop))?,
    };
    if !component.is_file() {
        return Err(AuthoringError::new(format!("expected the build to make `{}`, found none", component.display())));
    }
    Ok(Built { component, is_new, language })
}

/// Builds unless sources and component are those of the last build.
fn stamped(dir: &Path, component: &Path, build: impl FnOnce() -> Result<(), AuthoringError>) -> Result<bool, AuthoringError> {
    let stamp = dir.join(STAMP);
    let line = |sources: &str, component: &str| format!("{sources} {component}\n");
    // Taken before the build: what is saved while it runs is for the next one.
    let sources = digest(dir)?;
    if let (Ok(known), Some(found)) = (fs::read_to_string(&stamp), digest_of_file(component))
        && known == line(&sources, &found)
    {
        return Ok(false);
    }
    build()?;
    let found = digest_of_file(component).unwrap_or_default();
    fs::write(&stamp, line(&sources, &found)).map_err(|error| AuthoringError::io("write", &stamp, &error))?;
    Ok(true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn nothing_is_built_twice() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let component = dir.join(BUILT);
        fs::create_dir(dir.join("build")).unwrap();
        fs::write(dir.join("plugin.py"), "1").unwrap();
        let times = Cell::new(0);
        let build = || {
            stamped(dir, &component, || {
                times.set(times.get() + 1);
                fs::write(&component, "wasm").map_err(|error| AuthoringError::io("write", &component, &error))
            })
            .unwrap()
        };
        assert_eq!((build(), build(), times.get()), (true, false, 1));
        fs::write(dir.join("plugin.py"), "2").unwrap();
        assert_eq!((build(), build(), times.get()), (true, false, 2));
        fs::write(&component, "damaged").unwrap();
        assert_eq!((build(), build(), times.get()), (true, false, 3));
        fs::remove_file(&component).unwrap();
        assert_eq!((build(), build(), times.get()), (true, false, 4));
    }

    #[test]
    fn a_folder_without_a_project_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let error = build(folder.path(), &|| false).unwrap_err();
        assert!(error.message.contains("`Cargo.toml` or `pyproject.toml` or `package.json`"), "{error}");
        assert!(!folder.path().join("build").exists());
    }
}
