//! ARCHITECTURE.md names everything that there is.

use std::collections::BTreeSet;

use toml::Table;

use crate::manifests::{Section, crates};
use crate::repository::{assert_none, read};

/// What stands in the first column of a table row, between backticks.
fn rows(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")).filter_map(|row| row.split(" |").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_dependency_from_elsewhere_has_its_reason() {
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    let outside = dependencies.iter().filter(|(_, value)| value.get("path").is_none()).map(|(name, _)| name.clone());
    let named = rows(&read("ARCHITECTURE.md"));
    let missing: Vec<_> = outside.filter(|name| !named.contains(name)).map(|name| format!("`{name}`")).collect();
    assert_none("every entry of `[workspace.dependencies]` has a row with its reason in ARCHITECTURE.md", &missing);
}

#[test]
fn every_dependency_is_used() {
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    let sections = [Section::Normal, Section::Build, Section::Dev];
    let used: BTreeSet<String> =
        crates().iter().flat_map(|krate| sections.map(|section| krate.dependencies(section)).concat()).collect();
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    let idle: Vec<_> = dependencies.keys().filter(|name| !used.contains(*name)).map(|name| format!("`{name}`")).collect();
    assert_none("every entry of `[workspace.dependencies]` is used by a crate", &idle);
}

#[test]
fn every_crate_has_its_paragraph() {
    let text = read("ARCHITECTURE.md");
    let missing: Vec<_> = crates()
        .iter()
        .filter(|krate| !krate.is_in("tests/programs"))
        .map(|krate| krate.dir.display().to_string())
        .filter(|dir| !text.contains(&format!("`{dir}`")))
        .collect();
    assert_none("every crate's folder is named in ARCHITECTURE.md", &missing);
}
