//! Files whose content starts a run when it is another.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sprag_core::digest::Hasher;
use sprag_schemas::pipeline::Cause;

use super::Look;

/// More files than this are not watched.
const MOST_FILES: usize = 100_000;

/// Looks at a file or a folder. Its content is read when two looks in a row found the same sizes and times, so that nothing half written is believed.
pub(super) fn look(path: &Path, shown: &str, state: Option<&str>, last: &mut String) -> Result<Look, String> {
    let files = files(path)?;
    if files.is_empty() {
        // A file that is being replaced is away for a moment.
        return Ok(Look::Nothing);
    }
    let stamp = stamp(&files)?;
    // The state is the content's digest and the stamp that it had then.
    let (known, known_stamp) = state.and_then(|state| state.split_once(' ')).unzip();
    if known_stamp == Some(stamp.as_str()) {
        return Ok(Look::Nothing);
    }
    if *last != stamp {
        *last = stamp;
        return Ok(Look::Nothing);
    }
    let content = content(path, &files)?;
    let now = format!("{content} {stamp}");
    Ok(match known {
        // What is there at first is what the last run had.
        None => Look::Remember(now),
        Some(known) if known == content => Look::Remember(now),
        Some(_) => Look::Start(Cause::Watch, format!("`{shown}` has other content: {}", &content[..19]), now),
    })
}

/// Looks at what an address lists, as one digest, which is believed when two looks in a row found the same.
pub(super) fn listed(found: String, address: &str, state: Option<&str>, last: &mut String) -> Look {
    if *last != found {
        *last = found;
        return Look::Nothing;
    }
    // What follows a question mark may be a secret.
    let shown = address.split('?').next().unwrap_or_default();
    match state {
        Some(known) if known == found => Look::Nothing,
        None => Look::Remember(found),
        Some(_) => Look::Start(Cause::Watch, format!("`{shown}` has other objects: {}", &found[..19]), found),
    }
}

/// The file itself, or the files below a folder, in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |path: &Path, error: std::io::Error| format!("failed to read `{}`: {error}", path.display());
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(failed(path, error)),
        Ok(found) if found.is_file() => return Ok(vec![path.to_owned()]),
        Ok(_) => {}
    }
    let (mut open, mut found) = (vec![path.to_owned()], vec![]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let entry = entry.map_err(|error| failed(&folder, error))?;
            let kind = entry.file_type().map_err(|error| failed(&folder, error))?;
            // A link could lead round in a circle.
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
            if found.len() > MOST_FILES {
                return Err(format!("expected at most {MOST_FILES} files below `{}`, found more", path.display()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What tells without reading them whether files are what they were.
fn stamp(files: &[PathBuf]) -> Result<String, String> {
    use std::os::unix::fs::MetadataExt;
    let mut hasher = Hasher::new();
    for file in files {
        let Ok(found) = std::fs::metadata(file) else { continue };
        hasher.field(file.as_os_str().as_encoded_bytes());
        for number in [found.len().cast_signed(), found.mtime(), found.mtime_nsec(), found.ino().cast_signed()] {
            hasher.field(&number.to_le_bytes());
        }
    }
    Ok(hasher.finish().short())
}

fn content(root: &Path, files: &[PathBuf]) -> Result<String, String> {
    let mut whole = Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    for path in files {
        let failed = |error: std::io::Error| format!("failed to read `{}`: {error}", path.display());
        whole.field(path.strip_prefix(root).unwrap_or(path).as_os_str().as_encoded_bytes());
        let (mut file, mut one) = (File::open(path).map_err(failed)?, Hasher::new());
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => break,
                count => {
                    one.update(&buffer[..count]);
                }
            }
        }
        whole.field(one.finish().as_bytes());
    }
    Ok(whole.finish().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks as often as it takes: what is to be remembered is.
    fn looks(path: &Path, state: &mut Option<String>) -> Vec<&'static str> {
        let mut last = String::new();
        let look = || match look(path, "data", state.as_deref(), &mut last).unwrap() {
            Look::Nothing => "nothing",
            Look::Remember(now) => {
                *state = Some(now);
                "remember"
            }
            Look::Start(_, _, now) => {
                *state = Some(now);
                "start"
            }
        };
        std::iter::repeat_with(look).take(3).collect()
    }

    #[test]
    fn other_content_starts_a_run_once() {
        let dir = tempfile::tempdir().unwrap();
        let (data, mut state) = (dir.path().join("data"), None);
        assert_eq!(looks(&data, &mut state), ["nothing"; 3], "nothing is there");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("a.csv"), "1").unwrap();
        assert_eq!(looks(&data, &mut state), ["nothing", "remember", "nothing"]);
        std::fs::write(data.join("b.csv"), "2").unwrap();
        assert_eq!(looks(&data, &mut state), ["nothing", "start", "nothing"]);
        // The same bytes, written anew.
        std::fs::remove_file(data.join("b.csv")).unwrap();
        std::fs::write(data.join("b.csv"), "2").unwrap();
        assert!(!looks(&data, &mut state).contains(&"start"));
        std::fs::remove_file(data.join("b.csv")).unwrap();
        assert!(looks(&data, &mut state).contains(&"start"), "a file that is gone is other content");
    }

    #[test]
    fn what_is_being_written_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let (data, mut last) = (dir.path().join("data.csv"), String::new());
        let state = Some("sha256:0 0".to_owned());
        for text in ["a", "ab", "abc"] {
            std::fs::write(&data, text).unwrap();
            assert!(matches!(look(&data, "data", state.as_deref(), &mut last), Ok(Look::Nothing)), "{text}");
        }
        assert!(matches!(look(&data, "data", state.as_deref(), &mut last), Ok(Look::Start(..))));
    }
}
