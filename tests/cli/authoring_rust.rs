//! Projects in Rust as `sprag plugin new` makes them: each builds without a network, passes its own tests and keeps the contract, and a whole pipeline of them runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::{RunOutcome, StageStatus};

use crate::context::{Project, Serving, Sprag, metric, ran, stage};

/// One cargo at a time: a second would only wait for the target folder.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Where all tests build: what the projects stand on is built once.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("authoring")
}

/// What cargo is told: no network, one target folder, and a build that is quick rather than good.
fn variables() -> Vec<(&'static str, String)> {
    let kept =
        ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"].into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let home = std::env::var("HOME").unwrap_or_default();
    let usual = [("CARGO_HOME", format!("{home}/.cargo")), ("RUSTUP_HOME", format!("{home}/.rustup"))];
    let ours = [
        ("CARGO_TARGET_DIR", target().display().to_string()),
        ("CARGO_NET_OFFLINE", "true".to_owned()),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0".to_owned()),
        ("CARGO_PROFILE_RELEASE_LTO", "off".to_owned()),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16".to_owned()),
    ];
    let usual = usual.into_iter().filter(|(_, path)| Path::new(path).is_dir());
    usual.chain(kept).chain(ours.map(|(name, value)| (name, value))).collect()
}

fn with_cargo<'a>(project: &'a Project, args: &[&str]) -> Sprag<'a> {
    variables().into_iter().fold(project.sprag(args), |sprag, (name, value)| sprag.env(name, value))
}

/// Starts and builds a project of a kind.
fn built(project: &Project, kind: Kind) -> String {
    let name = format!("my-{kind}");
    let _ = project.run(&["plugin", "new", "--stage", kind.name(), "--lang", "rust", &name]).ok();
    let lock = project.read(&format!("{name}/Cargo.lock"));
    let told: Value = with_cargo(project, &["plugin", "build", &name, "--json"]).run().ok().json();
    assert_eq!((&told["built"], told["plugin"].as_str()), (&Value::Bool(true), Some(&*format!("{name} 0.1.0"))));
    assert_eq!(project.read(&format!("{name}/Cargo.lock")), lock, "{kind}: cargo found the lockfile to be right");
    let again = with_cargo(project, &["plugin", "build", &name]).run().ok();
    assert!(again.stdout.starts_with("nothing changed: "), "{}", again.stdout);
    name
}

/// Runs a project's own tests, by the compiler's results that the build left.
fn passes_its_tests(project: &Project, name: &str) {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--release", "--locked", "--quiet"]).current_dir(project.path(name)).envs(variables());
    // The profile's `panic` does not hold for tests, and no flag of this build is meant for those.
    let output = cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !said.contains("warning"), "{name}: {said}");
    assert!(!said.contains("running 0 tests"), "{name} has tests: {said}");
}

/// Builds, tests and checks every one of these.
fn each(project: &Project, kinds: &[Kind]) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for kind in kinds {
        let name = built(project, *kind);
        passes_its_tests(project, &name);
        let fits: Value = project.run(&["plugin", "check", &name, "--json"]).ok().json();
        assert_eq!((&fits["fits"], fits["kind"].as_str()), (&Value::Bool(true), Some(kind.name())), "{fits}");
    }
}

#[test]
fn the_stages_of_a_run_build_and_run() {
    let project = Project::diabetes();
    let kinds = [Kind::SanityCheck, Kind::UnitTest, Kind::Train, Kind::Evaluate, Kind::Register];
    each(&project, &kinds);
    let stages = kinds.map(|kind| format!("[stages.{kind}]\nplugin = \"./my-{kind}/build/plugin.wasm\"\n\n")).concat();
    let text = project.read("sprag.toml");
    let (head, _) = text.split_once("[stages.").expect("the example has stages");
    project.write("sprag.toml", format!("{head}{stages}"));
    let record = project.record(&["--param", "train.alpha=0.5"]);
    // What scikit-learn's ridge regression gives.
    let mse = metric(&record, "candidate", "mse");
    assert!((mse - 3_298.885_589_364_046).abs() < 1e-9, "{mse}");
    assert_eq!(record.outcome, RunOutcome::Promoted, "{record:?}");
    assert_eq!(ran(&record), kinds.map(Kind::name));
    assert!(record.stages.iter().all(|stage| stage.status == StageStatus::Passed), "{record:?}");
    assert!(stage(&record, "unit-test").report.test_cases.len() > 2);
    assert_eq!(record.registered.unwrap().to_string(), "diabetes@1");
}

/// The end of a project file: what a release goes through, with the plugins in the folders beside it.
const RELEASE: &str = r#"
[provision.workspace]
plugin = "./my-provision/build/plugin.wasm"
params = { folder = "../workspace" }
grants = { folders = ["../workspace"] }

[environments.staging.deploy]
plugin = "./my-deploy/build/plugin.wasm"
grants = { services = true }

[environments.staging.smoke-test]
plugin = "./my-smoke-test/build/plugin.wasm"

[environments.staging.approve.mine]
plugin = "./my-approve/build/plugin.wasm"
"#;

#[test]
fn the_stages_of_a_release_build_and_run() {
    let site = Serving::of(Project::diabetes());
    each(&site, &[Kind::Package, Kind::Provision, Kind::Deploy, Kind::SmokeTest, Kind::Notify, Kind::Approve]);
    site.append(RELEASE);
    let _ = site.run(&["run"]).ok();
    let _ = site.run(&["provision"]).ok();
    assert!(site.outside().join("workspace/models").is_dir());
    let told = site.run(&["release", "diabetes@1"]).ok().stdout;
    assert!(told.contains("`mine` agrees: mse has nothing to beat"), "{told}");
    assert!(told.contains("staging.smoke-test        my-smoke-test 0.1.0"), "{told}");
    assert_eq!(site.services()[0]["name"], "diabetes-staging");
    let _ = site.run(&["destroy", "staging", "--reason", "the test is over", "--yes"]).ok();
    assert!(site.services().is_empty());

    // It makes no image, and so is not what `services` can run.
    site.edit("[stages.register]", "[stages.package]\nplugin = \"./my-package/build/plugin.wasm\"\n\n[stages.register]");
    let package: Value = site.run(&["package", "diabetes@1", "--json"]).ok().json();
    assert!(package.to_string().contains("sha256:"), "{package}");
}

#[test]
fn the_same_sources_give_the_same_component_in_every_folder() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let project = Project::none();
    let digests = ["here/mine", "there/deeper/mine"].map(|dir| {
        let _ = project.run(&["plugin", "new", "--stage", "approve", "--lang", "rust", dir]).ok();
        let told: Value = with_cargo(&project, &["plugin", "build", dir, "--json"]).run().ok().json();
        told["digest"].clone()
    });
    assert_eq!(digests[0], digests[1]);
}
