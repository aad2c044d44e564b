//! What the inner cargo may know of the outer one.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that change what rustc makes, or where cargo puts it.
const DROPPED: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "__CARGO_DEFAULT_LIB_METADATA",
];

/// The same, by their beginning: what cargo tells the build script about its own package is not for those of the plugins.
const DROPPED_PREFIXES: [&str; 6] =
    ["CARGO_BUILD_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_PROFILE_", "CARGO_TARGET_WASM32_", "DEP_"];

/// Takes from a command what would change the plugins that it builds.
pub(crate) fn clear(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_dropped) {
            command.env_remove(name);
        }
    }
}

fn is_dropped(name: &str) -> bool {
    DROPPED.contains(&name) || DROPPED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Flags that keep the folders of this machine out of a plugin's panic messages: the same sources then give the same component, and so the same
/// digest, in every checkout.
pub(crate) fn path_flags(root: &Path) -> String {
    let cargo_home =
        env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let flags = cargo_home.iter().map(|home| remap(home, "/cargo")).chain([remap(root, "/sprag")]);
    // The separator that cargo expects in this variable.
    flags.collect::<Vec<_>>().join("\x1f")
}

/// A variable that cargo sets for build scripts.
pub(crate) fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("expected to be called from a build script, where cargo sets `{name}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_dropped_and_the_way_to_rustc_and_crates_is_kept() {
        for name in ["RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS"] {
            assert!(is_dropped(name), "{name}");
        }
        for name in
            ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTC", "CARGO_MAKEFLAGS", "CARGO_NET_OFFLINE"]
        {
            assert!(!is_dropped(name), "{name}");
        }
    }
}
