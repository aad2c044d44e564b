//! A file that is no plugin for its stage is refused before anything runs.

use insta::assert_snapshot;
use sprag_builtin::PLUGINS;
use sprag_schemas::exit_code::{self, ExitCode};

use crate::context::Project;

/// The bytes of a standard plugin.
fn built_in(name: &str) -> &'static [u8] {
    PLUGINS.iter().find(|(known, ..)| *known == name).unwrap().1
}

/// What `check` and `run` say of a trainer, which is the same.
fn refused(bytes: &[u8], code: ExitCode) -> String {
    let project = Project::diabetes();
    project.edit("plugin = \"train-ridge\"", "plugin = \"./trainer.wasm\"");
    project.write("trainer.wasm", bytes);
    let [check, run] = ["check", "run"].map(|command| project.run(&[command]).exits(code).error());
    assert_eq!(check, run);
    assert!(!project.path(".sprag").exists() && !project.path("sprag.lock").exists(), "nothing was begun");
    run
}

#[test]
fn a_file_that_is_not_wasm() {
    assert_snapshot!(refused(b"#!/bin/sh\necho hello\n", exit_code::BAD_PROJECT), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: expected a WebAssembly component, found a file that begins with `#!/bin/s`

    hint: name the `.wasm` file that the build of the plugin made
    ");
    assert_snapshot!(refused(b"", exit_code::BAD_PROJECT), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: expected a WebAssembly component, found a file that begins with nothing: it is empty

    hint: name the `.wasm` file that the build of the plugin made
    ");
}

#[test]
fn a_core_module() {
    assert_snapshot!(refused(b"\0asm\x01\0\0\0", exit_code::BAD_PROJECT), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: expected a WebAssembly component, found a core module

    hint: build with `cargo build --target wasm32-wasip2`, which makes a component
    ");
}

#[test]
fn a_component_that_is_cut_short() {
    let whole = built_in("train-ridge");
    let error = refused(&whole[..whole.len() / 2], exit_code::BAD_PROJECT);
    let (before, after) = error.split_once("at byte ").unwrap();
    assert_snapshot!(format!("{before}at byte [N]{}", after.trim_start_matches(|c: char| c.is_ascii_digit())), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: expected a valid WebAssembly component, found a fault at byte [N]: unexpected end-of-file

    hint: build or copy the component again: the file is damaged or cut short
    ");
}

#[test]
fn a_component_with_damaged_code() {
    let mut bytes = built_in("train-ridge").to_vec();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 64].fill(0xff);
    let error = refused(&bytes, exit_code::BAD_PROJECT);
    assert!(error.contains("plugin `./trainer.wasm`: expected a valid WebAssembly component, found a fault at byte "), "{error}");
}

#[test]
fn a_component_of_another_world() {
    assert_snapshot!(refused(built_in("register-local"), exit_code::BAD_PROJECT), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: expected a component of the world `trainer`, which exports `sprag:stage/train@0.1.0`; found a plugin of the kind `register`

    hint: name a plugin of this stage's kind, or set `kind` of the stage to the plugin's
    ");
}

#[test]
fn a_component_that_exports_nothing() {
    assert_snapshot!(refused(b"\0asm\x0d\0\x01\0", exit_code::BAD_PROJECT), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: expected a component of the world `trainer`, which exports `sprag:stage/train@0.1.0`; found a component that exports nothing

    hint: name a plugin of this stage's kind, or set `kind` of the stage to the plugin's
    ");
}

#[test]
fn a_component_that_asks_for_the_network() {
    let bytes = std::fs::read(sprag_test_programs::NETWORK).unwrap();
    assert_snapshot!(refused(&bytes, exit_code::REFUSED), @r"
    exit code 4
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:http/client@0.2.6` (send HTTP requests to granted origins), which the world `trainer` does not have
    [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:sockets/instance-network@0.2.6` (open network sockets), which the world `trainer` does not have
    [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:sockets/ip-name-lookup@0.2.6` (open network sockets), which the world `trainer` does not have
    [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:sockets/network@0.2.6` (open network sockets), which the world `trainer` does not have
    [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:sockets/tcp-create-socket@0.2.6` (open network sockets), which the world `trainer` does not have
    [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:sockets/tcp@0.2.6` (open network sockets), which the world `trainer` does not have
    [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:sockets/udp-create-socket@0.2.6` (open network sockets), which the world `trainer` does not have
    [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `wasi:sockets/udp@0.2.6` (open network sockets), which the world `trainer` does not have

    hint: no grant gives a stage of this kind that right; build the plugin without it
    ");
}

#[test]
fn a_trainer_that_would_register_its_own_model() {
    let bytes = std::fs::read(sprag_test_programs::OVERREACH).unwrap();
    assert_snapshot!(refused(&bytes, exit_code::REFUSED), @r"
    exit code 4
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: asks for `sprag:stage/registry@0.1.0` (register this run's candidate and move aliases), which the world `trainer` does not have

    hint: a stage of this kind never gets that interface; build the plugin without it
    ");
}

#[test]
fn a_path_that_leads_nowhere() {
    let project = Project::diabetes();
    project.edit("plugin = \"train-ridge\"", "plugin = \"./trainer.wasm\"");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `./trainer.wasm`: failed to read `[TEMP]/diabetes/trainer.wasm`: No such file or directory (os error 2)
    ");
}

#[test]
fn an_unknown_name_with_the_known_ones() {
    let project = Project::diabetes();
    project.edit("plugin = \"train-ridge\"", "plugin = \"train-rigde\"");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:27: stage `train`: plugin `train-rigde`: expected a built-in plugin (`check-tabular`, `test-regressor`, `test-classifier`, `train-ridge`, `train-logistic`, `train-python`, `train-onnx`, `evaluate-regression`, `evaluate-classification`, `register-local`, `package-oci`, `provision-local`, `provision-azure`, `import-mlflow`, `deploy-local`, `deploy-kubernetes`, `deploy-aci`, `deploy-webapp`, `deploy-azureml`, `smoke-test-http`, `notify-webhook`, `notify-email`, `notify-mlflow`, `approve-by-rule`), found `train-rigde`

    hint: a component file is named by a path: `./train-rigde.wasm`
    ");
}

#[test]
fn two_components_of_one_name() {
    let project = Project::diabetes();
    let mut other = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "check-tabular").unwrap().1.to_vec();
    other.extend([0, 3, 1, b'b', 0]);
    project.write("check.wasm", &other);
    project.append("\n[stages.second]\nkind = \"sanity-check\"\nplugin = \"./check.wasm\"\n");
    assert_snapshot!(project.run(&["check"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:46: stage `second`: plugin `./check.wasm`: expected one component of the name `check-tabular` and version 0.1.0, found two: sha256:[DIGEST] here, and sha256:[DIGEST] in the stage `sanity-check`

    hint: give one of them another version, or both stages the same component
    ");
    project.edit("plugin = \"./check.wasm\"", "plugin = \"check-tabular\"");
    let _ = project.run(&["check"]).ok();
}
