//! The lockfile of a Rust project: the very versions that sprag's own plugins are built with, so that a project builds without a network where those are
//! downloaded.

use std::collections::BTreeSet;

use sprag_schemas::manifest::Kind;

use crate::files::text;

/// A package of this folder, and what it needs.
fn package(name: &str, dependencies: &[&str]) -> String {
    let dependencies: String = dependencies.iter().map(|dependency| format!(" \"{dependency}\",\n")).collect();
    format!("name = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n")
}

/// What stands between two packages.
const BETWEEN: &str = "\n[[package]]\n";

/// What a project of a kind stands on beside the SDK, by the lines of its manifest.
pub(crate) const fn needs(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::UnitTest => &[("sprag-sdk-unit-test", "{ path = \"sprag/sdk-unit-test\" }")],
        // What is in a package is named by its digest.
        Kind::Package => &[("sha2", "\"0.11\"")],
        _ => &[],
    }
}

/// The lockfile of a project: in the order in which cargo writes it, and with nothing that the project does not stand on.
pub(crate) fn of(name: &str, kind: Kind) -> String {
    let common = text("plugins/templates/rust/manifests/Cargo.lock");
    let mut parts = common.split(BETWEEN).map(str::to_owned);
    let head = parts.next().unwrap_or_default();
    let own = ["serde", "serde_json", "sprag-sdk"].into_iter().chain(needs(kind).iter().map(|(name, _)| *name));
    let mut own: Vec<_> = own.collect();
    own.sort_unstable();
    let mut packages: Vec<_> = parts.collect();
    packages.push(package("sprag-sdk-unit-test", &["serde", "sprag-sdk", "wit-bindgen"]));
    packages.push(package(name, &own));
    packages.sort_by(|left, right| (key(left), version(left)).cmp(&(key(right), version(right))));
    let used = reached(&packages, name);
    packages.iter().enumerate().filter(|(at, _)| used.contains(at)).fold(head, |text, (_, package)| text + BETWEEN + package)
}

/// The places of all packages that one of them stands on, itself among them.
fn reached(packages: &[String], name: &str) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut left = vec![name];
    while let Some(wanted) = left.pop() {
        // Cargo adds the version where there are two of the name.
        let is_it = |package: &String| wanted == key(package) || wanted.split_once(' ') == Some((key(package), version(package)));
        let Some(at) = packages.iter().position(is_it) else { continue };
        if found.insert(at) {
            let (_, list) = packages[at].split_once("dependencies = [").unwrap_or_default();
            left.extend(list.split('"').skip(1).step_by(2));
        }
    }
    found
}

/// A package's version.
fn version(package: &str) -> &str {
    package.split('"').nth(3).unwrap_or_default()
}

/// A package's name, by which cargo sorts.
fn key(package: &str) -> &str {
    package.split('"').nth(1).unwrap_or_default()
}

/// Whether a crate of this name is among those that a plugin stands on.
pub(crate) fn has(name: &str) -> bool {
    let common = text("plugins/templates/rust/manifests/Cargo.lock");
    name == "sprag-sdk-unit-test" || common.split(BETWEEN).skip(1).any(|package| key(package) == name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use toml::{Table, Value};

    use super::*;

    /// The packages of a lockfile by name and version, with what they are.
    fn packages(text: &str) -> Vec<Value> {
        let table: Table = text.parse().unwrap();
        table["package"].as_array().unwrap().clone()
    }

    #[test]
    fn it_names_the_versions_of_sprag_s_own_lockfile() {
        let ours = packages(include_str!("../../../Cargo.lock"));
        let is_ours = |package: &Value| {
            ours.iter().any(|our| ["name", "version", "checksum"].iter().all(|key| our.get(key) == package.get(key)))
        };
        for package in Kind::ALL.iter().flat_map(|kind| packages(&of("mine", *kind))) {
            let is_local = package.get("source").is_none();
            assert!(is_local || is_ours(&package), "sprag's own lockfile has another version: {package:?}");
        }
    }

    #[test]
    fn it_is_sorted_and_has_the_project() {
        for name in ["a", "mine", "zz"] {
            let packages = packages(&of(name, Kind::Train));
            let names: Vec<_> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
            assert!(names.is_sorted() && names.contains(&name) && names.contains(&"wit-bindgen"), "{names:?}");
            assert!(!names.contains(&"sprag-sdk-unit-test") && !names.contains(&"sha2"));
        }
        let packaging = of("mine", Kind::Package);
        assert!(packaging.contains("name = \"sha2\"") && packaging.contains("name = \"digest\""));
        assert!(has("serde") && has("sprag-sdk-unit-test") && !has("mine"));
    }

    #[test]
    fn the_manifests_ask_for_what_the_workspace_asks_for() {
        let workspace: Table = include_str!("../../../Cargo.toml").parse().unwrap();
        let ours = workspace["workspace"]["dependencies"].as_table().unwrap();
        for krate in ["project", "sdk", "sdk-unit-test", "linalg"] {
            let manifest: Table = text(&format!("plugins/templates/rust/manifests/{krate}.toml")).parse().unwrap();
            for (name, value) in manifest.get("dependencies").and_then(Value::as_table).into_iter().flatten() {
                assert!(value.get("path").is_some() || ours.get(name) == Some(value), "{krate}: `{name}` is {value}");
            }
        }
        for (name, value) in Kind::ALL.iter().flat_map(|kind| needs(*kind)) {
            let ours = ours.get(*name).map(ToString::to_string);
            assert!(value.contains("path") || ours.as_deref() == Some(value), "`{name}` is {value}");
        }
    }
}
