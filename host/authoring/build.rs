//! Writes the table of all files that a plugin's project can be made of, so that the program needs no file beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folders of the repository that projects are made of.
const FOLDERS: [&str; 12] = [
    "plugins/templates/js",
    "plugins/templates/python",
    "plugins/templates/rust",
    "plugins/sdk-js/sprag",
    "plugins/sdk-python/sprag",
    "plugins/sdk",
    "plugins/sdk-unit-test",
    "plugins/linalg",
    "wit/data",
    "wit/linalg",
    "wit/run",
    "wit/stage",
];

/// What tests and tools leave behind.
const MADE: [&str; 5] = ["__pycache__", "node_modules", "build", "target", ".pytest_cache"];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = here.ancestors().nth(2).expect("the crate lies two folders below the root");
    let mut files = vec![];
    for folder in FOLDERS {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
        collect(&root.join(folder), &mut files);
    }
    let mut source = String::from("/// Every file by its path from the top of the repository, with its bytes.\n");
    let _ = writeln!(source, "pub(crate) static FILES: [(&str, &[u8]); {}] = [", files.len());
    for path in &files {
        let name = path.strip_prefix(root).expect("it was found below the root").display().to_string();
        let path = path.display().to_string();
        let _ = writeln!(source, "    ({name:?}, include_bytes!({path:?})),");
    }
    source += "];\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("files.rs");
    fs::write(out, source).expect("cargo made the folder");
}

/// The files below a folder, in the order of their names, so that the same sources give the same program.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("expected a folder at {}: {error}", dir.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder was opened a moment ago").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !MADE.contains(&name) {
            collect(&path, files);
        } else if path.is_file() && !name.ends_with(".pyc") {
            files.push(path);
        }
    }
}
