//! Rules for the text of every file.

use std::path::{Path, PathBuf};

use crate::repository::{assert_none, files, files_of, read};

/// A file that is longer has more than one thing in it.
const MOST_LINES: usize = 600;

/// What is promised and not there. Put together here, so that this file does not hold them.
const PROMISES: [&str; 5] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ign", "ore")];

/// The kinds of text that people write here.
const TEXT: [&str; 9] = ["rs", "toml", "wit", "md", "py", "sql", "sh", "yml", "js"];

#[test]
fn no_source_file_is_long() {
    let long = files_of(&["rs", "wit", "py", "sql"]).into_iter().filter_map(|path| {
        let lines = read(&path).lines().count();
        (lines > MOST_LINES).then(|| format!("{}: {lines} lines", path.display()))
    });
    assert_none(&format!("a source file has at most {MOST_LINES} lines"), &long.collect::<Vec<_>>());
}

#[test]
fn the_program_s_main_only_calls_the_library() {
    let long = files_of(&["rs"]).into_iter().filter(|path| path.starts_with("host") && path.ends_with("src/main.rs"));
    let long = long.map(|path| (read(&path).lines().count(), path)).filter(|(lines, _)| *lines > 15);
    let problems: Vec<_> = long.map(|(lines, path)| format!("{}: {lines} lines", path.display())).collect();
    assert_none("a `main.rs` has at most 15 lines: all else is in a library, where a test can call it", &problems);
}

#[test]
fn nothing_is_left_for_later() {
    let mut problems = vec![];
    for path in files().into_iter().filter(is_text).filter(|path| path.extension().is_none_or(|found| found != "md")) {
        for (number, line) in read(&path).lines().enumerate() {
            let promise = PROMISES.iter().find(|promise| line.contains(**promise));
            problems.extend(promise.map(|promise| format!("{}:{}: `{promise}`", path.display(), number + 1)));
        }
    }
    assert_none("what is in the repository is done, and every test runs", &problems);
}

#[test]
fn lines_end_where_they_end() {
    let mut problems = vec![];
    for path in files().into_iter().filter(is_text) {
        let text = read(&path);
        let where_ = path.display();
        let trailing = text.lines().position(|line| line.ends_with([' ', '\t', '\r']));
        problems.extend(trailing.map(|line| format!("{where_}:{}: white space at the end of the line", line + 1)));
        if !text.is_empty() && !text.ends_with('\n') {
            problems.push(format!("{where_}: no line feed at the end"));
        }
        if text.ends_with("\n\n") {
            problems.push(format!("{where_}: empty lines at the end"));
        }
    }
    assert_none("no white space at the end of a line, and one line feed at the end of a file", &problems);
}

fn is_text(path: &PathBuf) -> bool {
    let known = path.extension().is_some_and(|found| TEXT.iter().any(|known| found == *known));
    known || path == Path::new(".ci/run")
}
