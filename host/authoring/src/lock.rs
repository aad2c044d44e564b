//! The lockfile of a Rust project: the very versions that sprag's own plugins are built with, so that a project builds without a network where those are
//! downloaded.

use sprag_schemas::manifest::Kind;

use crate::files::text;

/// A package of this folder, and what it needs.
fn package(name: &str, dependencies: &[&str]) -> String {
    let dependencies: String = dependencies.iter().map(|dependency| format!(" \"{dependency}\",\n")).collect();
    format!("name = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n")
}

/// What stands between two packages.
const BETWEEN: &str = "\n[[package]]\n";

/// The lockfile of a project: in the order in which cargo writes it.
pub(crate) fn of(name: &str, kind: Kind) -> String {
    let common = text("plugins/templates/rust/manifests/Cargo.lock");
    let mut parts = common.split(BETWEEN).map(str::to_owned);
    let head = parts.next().unwrap_or_default();
    let mut packages: Vec<_> = parts.collect();
    let mut needs = vec!["serde", "serde_json", "sprag-sdk"];
    if kind == Kind::UnitTest {
        needs.push("sprag-sdk-unit-test");
        packages.push(package("sprag-sdk-unit-test", &["serde", "sprag-sdk", "wit-bindgen"]));
    }
    packages.push(package(name, &needs));
    packages.sort_by(|left, right| key(left).cmp(key(right)));
    packages.iter().fold(head, |text, package| text + BETWEEN + package)
}

/// A package's name, by which cargo sorts.
fn key(package: &str) -> &str {
    package.split('"').nth(1).unwrap_or_default()
}

/// Whether a crate of this name is among those that a plugin stands on.
pub(crate) fn has(name: &str) -> bool {
    of("-", Kind::UnitTest).split(BETWEEN).any(|package| key(package) == name)
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
        for package in packages(&of("mine", Kind::UnitTest)) {
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
            assert!(!names.contains(&"sprag-sdk-unit-test"));
        }
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
    }
}
