//! Builds plugin crates of this workspace as components, from within a build script.
//!
//! A build script calls [`build`] and bakes the paths, or the bytes behind them, into its crate. The plugins are built by a cargo of their own: it has a
//! target folder beside the outer one's profile folders, whose lock is held for as long as the build script runs, and none of the flags
//! that the outer build was given, so that the same sources give the same components whoever asks.
//!
//! It deliberately looks at no binary: whether a component keeps the contract is for tests to say.

mod environment;
mod target;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that a plugin is built for: `cargo build` makes a component for it without any further tool.
pub const TARGET: &str = "wasm32-wasip2";

/// The profile that a plugin is built with: see the workspace's manifest.
pub const PROFILE: &str = "plugin";

/// Builds packages of this workspace as components and gives, for each in the same order, its name and the path of its `.wasm` file.
///
/// To be called from a build script: it prints `cargo:rerun-if-changed` for everything that goes into a plugin.
///
/// # Panics
///
/// When it is not called from a build script, when the target is missing and cannot be added, or when the build fails. Cargo shows the
/// message to the person at the terminal, so it says what to do.
pub fn build(packages: &[&str]) -> Vec<(String, PathBuf)> {
    build_from(packages, &["plugins", "wit", "tests/programs"])
}

/// The same, for packages that are made from these folders of the workspace.
///
/// # Panics
///
/// As [`build`].
#[expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
pub fn build_from(packages: &[&str], folders: &[&str]) -> Vec<(String, PathBuf)> {
    let root = workspace_root();
    for path in folders.iter().chain(&["Cargo.lock", "Cargo.toml"]) {
        println!("cargo:rerun-if-changed={}", root.join(path).display());
    }
    target::ensure();
    let dir = target_dir();
    let mut cargo = Command::new(environment::variable("CARGO"));
    environment::clear(&mut cargo);
    cargo.current_dir(&root).arg("build").args(["--profile", PROFILE, "--target", TARGET]).arg("--target-dir").arg(&dir);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", environment::path_flags(&root));
    // The outer cargo has settled the lockfile: a build script that changed it would build something else than was asked for.
    cargo.args(["--locked", "--lib"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let status = cargo.status().unwrap_or_else(|error| panic!("failed to start cargo for the plugins: {error}"));
    assert!(status.success(), "failed to build the plugins {} for {TARGET}: cargo's errors are above", packages.join(", "));
    let built = dir.join(TARGET).join(PROFILE);
    packages.iter().map(|package| (String::from(*package), component(&built, package))).collect()
}

/// The file that cargo made of a package.
fn component(dir: &Path, package: &str) -> PathBuf {
    let path = dir.join(package.replace('-', "_")).with_extension("wasm");
    assert!(path.is_file(), "expected the component of `{package}` at {}, found nothing: is it a `cdylib`?", path.display());
    path
}

/// Where the plugins are built: `plugins` in the outer target folder, for all build scripts and profiles together.
fn target_dir() -> PathBuf {
    let out = PathBuf::from(environment::variable("OUT_DIR"));
    // `OUT_DIR` is `<target>/<triple>/<profile>/build/<package>/out`, since the workspace's configuration names a target.
    let target = out.ancestors().nth(4).unwrap_or_else(|| panic!("expected cargo's layout in OUT_DIR, found {}", out.display()));
    target.join("plugins")
}

/// The folder of the workspace's manifest: this crate lies in its `host/guest-build`.
fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two folders below the root").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_the_plugins_are() {
        let root = workspace_root();
        assert!(root.join("plugins/sdk/Cargo.toml").is_file() && root.join("wit/stage").is_dir());
    }
}
