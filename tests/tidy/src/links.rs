//! Links in Markdown lead somewhere.

use std::path::{Component, Path, PathBuf};

use crate::repository::{assert_none, files_of, read, root};

#[test]
fn links_in_documents_resolve() {
    let mut problems = vec![];
    for path in files_of(&["md"]) {
        for (line, target) in links(&read(&path)) {
            if let Err(problem) = resolve(&path, &target) {
                problems.push(format!("{}:{line}: `{target}` {problem}", path.display()));
            }
        }
    }
    assert_none("every link to a file or heading of the repository leads there", &problems);
}

/// The targets of `[text](target)` outside code, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = vec![];
    let mut fenced = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced || line.starts_with("    ") {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.extend(targets.map(|(target, _)| (number + 1, target.to_owned())));
    }
    found
}

fn resolve(from: &Path, target: &str) -> Result<(), &'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (file, heading) = target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
    let path = if file.is_empty() { from.to_owned() } else { normal(&from.parent().unwrap_or(Path::new("")).join(file)) };
    if !root().join(&path).exists() {
        return Err("is not there");
    }
    match heading {
        Some(heading) if !headings(&read(&path)).contains(&heading.to_owned()) => Err("has no such heading"),
        _ => Ok(()),
    }
}

/// The anchors of a document's headings, as code forges make them.
fn headings(text: &str) -> Vec<String> {
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    titles.map(|title| title.chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[test]
fn links_and_headings_are_read_as_forges_read_them() {
    assert_eq!(links("see [a](x.md) and `[b](y)`\n```\n[c](z)\n```\n[d](#e)"), [(1, "x.md".into()), (5, "#e".into())]);
    assert_eq!(headings("# The `sprag.toml` file\n## What's cached?"), ["the-spragtoml-file", "whats-cached"]);
}
