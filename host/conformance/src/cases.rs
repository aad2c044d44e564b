//! Where cases come from: the kit's own, baked in, and an author's.

use std::path::Path;

use crate::case::{Case, CaseError, FILE};

/// The kit's cases, in the order in which they run: folder, file, bytes. A test holds them against the folders.
const STANDARD: [(&str, &str, &str); 23] = [
    ("contract", FILE, include_str!("../cases/contract/case.toml")),
    ("golden", FILE, include_str!("../cases/golden/case.toml")),
    ("golden", "rows.csv", include_str!("../cases/golden/rows.csv")),
    ("release", FILE, include_str!("../cases/release/case.toml")),
    ("release", "event.json", include_str!("../cases/release/event.json")),
    ("same-twice", FILE, include_str!("../cases/same-twice/case.toml")),
    ("same-in-pieces", FILE, include_str!("../cases/same-in-pieces/case.toml")),
    ("damaged-state", FILE, include_str!("../cases/damaged-state/case.toml")),
    ("one-row", FILE, include_str!("../cases/one-row/case.toml")),
    ("no-rows", FILE, include_str!("../cases/no-rows/case.toml")),
    ("not-a-number", FILE, include_str!("../cases/not-a-number/case.toml")),
    ("infinite", FILE, include_str!("../cases/infinite/case.toml")),
    ("gaps", FILE, include_str!("../cases/gaps/case.toml")),
    ("text", FILE, include_str!("../cases/text/case.toml")),
    ("constant", FILE, include_str!("../cases/constant/case.toml")),
    ("no-target", FILE, include_str!("../cases/no-target/case.toml")),
    ("unknown-parameter", FILE, include_str!("../cases/unknown-parameter/case.toml")),
    ("malformed-event", FILE, include_str!("../cases/malformed-event/case.toml")),
    ("denied", FILE, include_str!("../cases/denied/case.toml")),
    ("million-rows", FILE, include_str!("../cases/million-rows/case.toml")),
    ("out-of-memory", FILE, include_str!("../cases/out-of-memory/case.toml")),
    ("out-of-time", FILE, include_str!("../cases/out-of-time/case.toml")),
    ("cancelled", FILE, include_str!("../cases/cancelled/case.toml")),
];

/// The kit's cases, which are written into a folder, since cases are read from folders.
///
/// # Errors
/// The folder cannot be written to.
pub fn standard_cases(into: &Path) -> Result<Vec<Case>, CaseError> {
    let mut cases = vec![];
    for (name, file, text) in STANDARD {
        let folder = into.join(name);
        let path = folder.join(file);
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
        written.map_err(|source| CaseError::Read { path, source })?;
        if file == FILE {
            cases.push(folder);
        }
    }
    cases.iter().map(|folder| Case::read(folder)).collect()
}

/// The cases in the folders of a folder, in the order of their names.
///
/// # Errors
/// The folder cannot be read, or one in it is no case.
pub fn own_cases(dir: &Path) -> Result<Vec<Case>, CaseError> {
    let failed = |source| CaseError::Read { path: dir.to_owned(), source };
    let entries = std::fs::read_dir(dir).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut folders: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.iter().map(|folder| Case::read(folder)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_folder_is_baked_in_and_reads() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let files = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        let there: BTreeSet<_> = files(&dir).iter().flat_map(|folder| files(folder)).collect();
        let baked: BTreeSet<_> = STANDARD.iter().map(|(name, file, _)| dir.join(name).join(file)).collect();
        assert_eq!(there, baked);
        let into = tempfile::tempdir().unwrap();
        let cases = standard_cases(into.path()).unwrap();
        assert_eq!(cases.len(), baked.iter().filter(|path| path.ends_with(FILE)).count());
        for case in cases {
            assert!(
                !case.must.ends_with('.') && case.must.starts_with(|c: char| c.is_lowercase()),
                "{}: {}",
                case.name,
                case.must
            );
        }
    }
}
