//! What a document shows of a file is what the file says: a block of code that names a file of the repository after its language is a part of that file.

use crate::repository::{assert_none, files_of, read, root};

#[test]
fn quoted_code_is_what_the_file_says() {
    let (mut problems, mut count) = (vec![], 0);
    for path in files_of(&["md"]) {
        for (line, file, text) in quotes(&read(&path)) {
            count += 1;
            let place = format!("{}:{line}", path.display());
            match std::fs::read_to_string(root().join(&file)) {
                Err(error) => problems.push(format!("{place}: `{file}`: {error}")),
                Ok(whole) if !whole.contains(&text) => problems.push(format!("{place}: `{file}` does not say this any more")),
                Ok(_) => {}
            }
        }
    }
    assert_none("code that names its file is a part of that file", &problems);
    assert!(count >= 6, "found {count} quotes: the guides have more");
}

/// The blocks of code that name a file, with the line where they begin.
fn quotes(text: &str) -> Vec<(usize, String, String)> {
    let mut found = vec![];
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(head) = line.strip_prefix("```") else { continue };
        let body: Vec<_> = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
        if let Some((_, file)) = head.split_once(' ') {
            found.push((number + 1, file.to_owned(), body.join("\n")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_a_file_are_left_alone() {
        let text = "```sh\nls\n```\n\n```rust src/a.rs\nfn a() {}\n```\n";
        assert_eq!(quotes(text), [(5, "src/a.rs".to_owned(), "fn a() {}".to_owned())]);
    }
}
