//! What the program `sprag` is made of, as a CycloneDX bill of materials: every crate that it can be linked with, from the lockfile of this build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use toml::Table;

/// The program's package.
const ROOT: &str = "sprag";

/// A package of the lockfile.
struct Package {
    name: String,
    version: String,
    /// The checksum of a crate of the registry; none for a crate of this workspace.
    checksum: Option<String>,
    /// The packages that it depends on, as the lockfile names them: the name, and the version where the name alone is not enough.
    dependencies: Vec<String>,
}

impl Package {
    fn reference(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// The bill as JSON.
pub(crate) fn bill(root: &Path) -> String {
    let packages = packages(root);
    let mut reached = BTreeSet::new();
    let mut open = vec![find(&packages, ROOT)];
    let (mut components, mut dependencies) = (vec![], vec![]);
    while let Some(index) = open.pop() {
        if !reached.insert(index) {
            continue;
        }
        let package = &packages[index];
        let direct: BTreeSet<usize> = package.dependencies.iter().map(|name| find(&packages, name)).collect();
        open.extend(&direct);
    }
    for &index in &reached {
        let package = &packages[index];
        let direct: BTreeSet<String> =
            package.dependencies.iter().map(|name| packages[find(&packages, name)].reference()).collect();
        dependencies.push(json!({ "ref": package.reference(), "dependsOn": direct }));
        if package.name != ROOT {
            components.push(component(package, "library"));
        }
    }
    let main = component(&packages[find(&packages, ROOT)], "application");
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": main },
        "components": components,
        "dependencies": dependencies,
    });
    bill.to_string()
}

fn component(package: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": package.reference(),
        "name": package.name,
        "version": package.version,
        "purl": package.reference(),
    });
    if let Some(checksum) = &package.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

/// The package that a dependency of the lockfile means: `name`, or `name version` where there are several.
fn find(packages: &[Package], text: &str) -> usize {
    let mut words = text.split(' ');
    let (name, version) = (words.next().unwrap_or_default(), words.next());
    let fits = |package: &Package| package.name == name && version.is_none_or(|version| package.version == version);
    packages.iter().position(fits).unwrap_or_else(|| panic!("expected `{text}` in Cargo.lock, found no such package"))
}

/// All packages of the lockfile. Those of this workspace keep only what they are linked with: the lockfile names what their tests use, too.
fn packages(root: &Path) -> Vec<Package> {
    let members = members(root);
    let lock = read(&root.join("Cargo.lock"));
    let packages = lock["package"].as_array().into_iter().flatten().filter_map(|package| {
        let text = |key: &str| package.get(key)?.as_str().map(str::to_owned);
        let (name, version, checksum) = (text("name")?, text("version")?, text("checksum"));
        let all = package.get("dependencies").and_then(|list| list.as_array()).into_iter().flatten();
        let all = all.filter_map(|name| name.as_str().map(str::to_owned));
        let linked = |dependency: &String| match members.get(&name) {
            Some(linked) => linked.contains(dependency.split(' ').next().unwrap_or_default()),
            None => true,
        };
        let dependencies = all.filter(linked).collect();
        Some(Package { name, version, checksum, dependencies })
    });
    packages.collect()
}

/// The host's crates, each with the names of what it is linked with.
fn members(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let folders = fs::read_dir(root.join("host")).expect("the workspace has this folder");
    let manifests = folders.map(|entry| entry.expect("the folder was just opened").path().join("Cargo.toml"));
    let manifests = manifests.filter(|path| path.is_file()).map(|path| {
        let manifest = read(&path);
        let name = manifest["package"]["name"].as_str().expect("a package has a name").to_owned();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        (name, dependencies.into_iter().map(|(name, _)| name).collect())
    });
    manifests.collect()
}

fn read(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()))
}
