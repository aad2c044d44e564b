//! The checks of cargo's own tools.
//!
//! They run as children of the test: by then the outer cargo has let go of the target folder, and they share its profile and its selection of
//! crates, so that no dependency is built twice.

use std::env;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::repository::root;

/// One cargo at a time: a second would only wait for the target folder.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs cargo at the root and shows its words where it fails.
fn cargo(args: &str, variables: &[(&str, &str)]) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(args.split(' ')).envs(variables.iter().copied());
    // Cargo tells a test about the test's own package, which would make a build script of the child run again.
    for (name, _) in env::vars_os() {
        let about_the_package =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if about_the_package {
            command.env_remove(name);
        }
    }
    let output = command.output().unwrap_or_else(|error| panic!("failed to start cargo: {error}"));
    let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "`cargo {args}` failed:\n{words}");
}

#[test]
fn formatted() {
    cargo("fmt --all --check", &[]);
}

#[test]
fn clippy_has_nothing_to_say() {
    cargo("clippy --release --workspace --all-targets --quiet -- -D warnings", &[]);
}

#[test]
fn documentation_builds_without_a_warning() {
    cargo("doc --release --workspace --no-deps --quiet", &[("RUSTDOCFLAGS", "-D warnings")]);
}

#[test]
#[expect(clippy::print_stderr, reason = "whoever runs the tests must see that a check was left out")]
fn dependencies_are_allowed() {
    if !has_cargo_deny() {
        assert!(env::var_os("CI").is_none(), "expected `cargo-deny` in CI, found none\n\nhint: `.ci/run` installs it");
        eprintln!(
            "SKIPPED: `cargo-deny` is not installed, so that bans, licences and sources were not checked; see CONTRIBUTING.md"
        );
        return;
    }
    cargo("deny --offline --log-level error check bans licenses sources", &[]);
}

fn has_cargo_deny() -> bool {
    Command::new("cargo-deny").arg("--version").output().is_ok_and(|output| output.status.success())
}
