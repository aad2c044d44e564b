//! Which crate may depend on which.

use std::collections::BTreeMap;

use crate::manifests::{Crate, Section, crates};
use crate::repository::{assert_none, files_of, read};

/// The host's crates, each with those that it may depend on. A new edge is a decision: it changes this table and the map in ARCHITECTURE.md.
const HOST: [(&str, &[&str]); 32] = [
    ("sprag-schemas", &[]),
    ("sprag-core", &["sprag-schemas"]),
    ("sprag-data", &["sprag-schemas", "sprag-core"]),
    ("sprag-store", &["sprag-schemas", "sprag-core"]),
    ("sprag-linalg-host", &[]),
    ("sprag-runtime", &["sprag-schemas", "sprag-core", "sprag-data", "sprag-linalg-host"]),
    (
        "sprag-lifecycle",
        &["sprag-schemas", "sprag-core", "sprag-data", "sprag-store", "sprag-runtime", "sprag-python", "sprag-batch"],
    ),
    ("sprag-scoring", &[]),
    ("sprag-serve", &["sprag-schemas", "sprag-core", "sprag-data", "sprag-runtime", "sprag-scoring", "sprag-tls"]),
    ("sprag-tls", &[]),
    ("sprag-http", &[]),
    ("sprag-sso", &["sprag-schemas", "sprag-http"]),
    ("sprag-telemetry", &["sprag-schemas", "sprag-core", "sprag-http"]),
    ("sprag-batch", &["sprag-schemas", "sprag-core", "sprag-data", "sprag-runtime"]),
    ("sprag-conformance", &["sprag-schemas", "sprag-core", "sprag-data", "sprag-runtime"]),
    ("sprag-egress", &["sprag-schemas", "sprag-core", "sprag-runtime"]),
    (
        "sprag-release",
        &[
            "sprag-schemas",
            "sprag-core",
            "sprag-data",
            "sprag-store",
            "sprag-runtime",
            "sprag-lifecycle",
            "sprag-egress",
            "sprag-package",
        ],
    ),
    ("sprag-ci", &["sprag-schemas"]),
    ("sprag-confine", &[]),
    ("sprag-python", &["sprag-schemas", "sprag-core", "sprag-data", "sprag-runtime", "sprag-confine"]),
    (
        "sprag-server",
        &[
            "sprag-schemas",
            "sprag-core",
            "sprag-store",
            "sprag-lifecycle",
            "sprag-pages",
            "sprag-pipelines",
            "sprag-release",
            "sprag-sso",
        ],
    ),
    ("sprag-services", &["sprag-schemas", "sprag-runtime"]),
    ("sprag-package", &["sprag-schemas", "sprag-core", "sprag-store", "sprag-runtime", "sprag-guest-build"]),
    ("sprag-pages", &["sprag-schemas"]),
    ("sprag-pipelines", &["sprag-schemas", "sprag-core", "sprag-store", "sprag-lifecycle"]),
    ("sprag-plugins", &["sprag-core", "sprag-store", "sprag-lifecycle", "sprag-package"]),
    ("sprag-packaged-imports", &[]),
    ("sprag-packaged-shell", &["sprag-scoring"]),
    ("sprag-authoring", &["sprag-schemas", "sprag-core"]),
    ("sprag-guest-build", &[]),
    ("sprag-builtin", &["sprag-core", "sprag-guest-build"]),
    (
        "sprag",
        &[
            "sprag-schemas",
            "sprag-core",
            "sprag-data",
            "sprag-store",
            "sprag-runtime",
            "sprag-authoring",
            "sprag-batch",
            "sprag-ci",
            "sprag-confine",
            "sprag-conformance",
            "sprag-egress",
            "sprag-lifecycle",
            "sprag-package",
            "sprag-pages",
            "sprag-pipelines",
            "sprag-plugins",
            "sprag-python",
            "sprag-release",
            "sprag-serve",
            "sprag-server",
            "sprag-services",
            "sprag-http",
            "sprag-sso",
            "sprag-telemetry",
            "sprag-tls",
            "sprag-builtin",
        ],
    ),
];

/// Dependencies from elsewhere that one crate of the host has to itself: the beginning of the name, and the crate.
const ALONE: [(&str, &str); 7] = [
    ("wasmtime", "sprag-runtime"),
    ("clap", "sprag"),
    ("indicatif", "sprag"),
    ("landlock", "sprag-confine"),
    ("rusqlite", "sprag-store"),
    ("arrow", "sprag-data"),
    ("parquet", "sprag-data"),
];

/// What the pure crates may not name: the world outside.
const WORLD: [&str; 8] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "SystemTime::now",
];

fn ours() -> BTreeMap<String, Crate> {
    crates().into_iter().map(|krate| (krate.name.clone(), krate)).collect()
}

#[test]
fn the_host_s_crates_depend_one_way() {
    let ours = ours();
    let mut problems = vec![];
    for krate in ours.values().filter(|krate| krate.is_in("host")) {
        let Some((_, allowed)) = HOST.iter().find(|(name, _)| *name == krate.name) else {
            problems.push(format!("`{}` is new: give it a place in this test and in ARCHITECTURE.md", krate.name));
            continue;
        };
        for section in [Section::Normal, Section::Build] {
            let inside = krate.dependencies(section).into_iter().filter(|name| ours.contains_key(name));
            let wrong = inside.filter(|name| !allowed.contains(&name.as_str()));
            problems.extend(wrong.map(|name| format!("`{}` depends on `{name}`", krate.name)));
        }
        let beyond = |name: &String| ours.get(name).is_some_and(|other| other.is_in("plugins"));
        let wrong = krate.dependencies(Section::Dev).into_iter().filter(beyond);
        problems.extend(wrong.map(|name| format!("the tests of `{}` depend on the plugin crate `{name}`", krate.name)));
    }
    for (name, _) in HOST {
        if !ours.contains_key(name) {
            problems.push(format!("`{name}` is gone: take it out of this test and of ARCHITECTURE.md"));
        }
    }
    assert_none(
        "the host's crates depend one way: schemas, core, then data and store, runtime, lifecycle, command line",
        &problems,
    );
}

#[test]
fn plugins_depend_on_plugins_only() {
    let ours = ours();
    let mut problems = vec![];
    for krate in ours.values().filter(|krate| krate.is_in("plugins")) {
        for section in [Section::Normal, Section::Build, Section::Dev] {
            let outside = |name: &String| ours.get(name).is_some_and(|other| !other.is_in("plugins"));
            let wrong = krate.dependencies(section).into_iter().filter(outside);
            problems.extend(wrong.map(|name| format!("`{}` depends on `{name}`", krate.name)));
        }
    }
    assert_none("a plugin crate depends on no crate of the host or of the tests", &problems);
}

#[test]
fn a_few_dependencies_have_one_home() {
    let ours = ours();
    let mut problems = vec![];
    for krate in ours.values().filter(|krate| krate.is_in("host") || krate.is_in("plugins")) {
        for dependency in [Section::Normal, Section::Build].into_iter().flat_map(|section| krate.dependencies(section)) {
            let strayed = |(start, home): &&(&str, &str)| dependency.starts_with(start) && krate.name != *home;
            let wrong = ALONE.iter().find(strayed);
            problems.extend(
                wrong.map(|(_, home)| format!("`{}` depends on `{dependency}`, which is for `{home}` alone", krate.name)),
            );
        }
    }
    assert_none("a dependency that shapes a crate stays in it", &problems);
}

#[test]
fn the_pure_crates_know_nothing_of_the_world() {
    let ours = ours();
    let mut problems = vec![];
    for (name, dir) in [("sprag-schemas", "host/schemas"), ("sprag-core", "host/core")] {
        for dependency in ours[name].dependencies(Section::Normal) {
            if ["tokio", "wasmtime", "clap", "rusqlite", "tempfile"].iter().any(|banned| dependency.starts_with(banned)) {
                problems.push(format!("`{name}` depends on `{dependency}`"));
            }
        }
        for path in files_of(&["rs"]).into_iter().filter(|path| path.starts_with(dir)) {
            let text = read(&path);
            let named = WORLD.iter().filter(|banned| text.contains(**banned));
            problems.extend(named.map(|banned| format!("{} names `{banned}`", path.display())));
        }
    }
    assert_none("schemas and core read no file, clock, environment or network, and start nothing", &problems);
}
