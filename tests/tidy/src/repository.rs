//! The files of the repository, as the other rules look at them.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are made, not written.
const MADE: [&str; 5] = ["target", ".git", ".sprag", "node_modules", "__pycache__"];

/// The folder of the workspace's manifest.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two folders below the root").to_owned()
}

/// Every file that people write, by its path from the root, sorted.
pub(crate) fn files() -> Vec<PathBuf> {
    let root = root();
    let mut found = vec![];
    collect(&root, &mut found);
    let mut files: Vec<_> = found.iter().map(|path| path.strip_prefix(&root).unwrap().to_owned()).collect();
    files.sort();
    files
}

/// Every file that people write with one of these extensions.
pub(crate) fn files_of(extensions: &[&str]) -> Vec<PathBuf> {
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted));
    files().into_iter().filter(is_wanted).collect()
}

/// The text of a file, by its path from the root.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()))
}

/// Fails with every problem that was found, each on a line of its own.
pub(crate) fn assert_none(rule: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{rule}\n\n  {}\n", problems.join("\n  "));
}

/// Compares a file that is made with what it should be. `SPRAG_BLESS=1` writes it instead.
pub(crate) fn assert_made(path: &str, expected: &str) {
    let at = root().join(path);
    if std::env::var_os("SPRAG_BLESS").is_some() {
        fs::write(&at, expected).unwrap_or_else(|error| panic!("failed to write {}: {error}", at.display()));
    }
    let found = fs::read_to_string(&at).unwrap_or_default();
    let first = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    let line = first.unwrap_or_else(|| found.lines().count().min(expected.lines().count()));
    assert!(
        found == expected,
        "`{path}` is not what it is made from, from line {} on\n  expected {:?}\n  found    {:?}\n\nhint: write it with SPRAG_BLESS=1 cargo test --release -p sprag-tidy",
        line + 1,
        expected.lines().nth(line).unwrap_or_default(),
        found.lines().nth(line).unwrap_or_default(),
    );
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("failed to read {}: {error}", dir.display())) {
        let path = entry.expect("the folder was opened a moment ago").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_symlink() || MADE.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}
