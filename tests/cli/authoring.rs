//! `sprag plugin new`, `build` and `dev`: what a project begins with, and what an author is told.
//!
//! The tools of Python are played by a script here, so that nothing is asked of the machine; `authoring_rust.rs` builds with cargo, and `tests/real` with the
//! tools themselves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::{Value, json};
use sprag_schemas::exit_code;
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::{RunOutcome, RunRecord, StageStatus};

use crate::context::{Project, Sprag, root};

/// The kinds that Python and JavaScript have.
const INTERPRETED: [Kind; 4] = [Kind::SanityCheck, Kind::Train, Kind::Evaluate, Kind::Notify];

/// What plays `python3`: asked to build, it takes the component whose path is in the source, and refuses a source that is broken.
const PYTHON: &str = r#"#!/bin/sh
case "$*" in
  "-m sprag.build "*)
    if /bin/grep -q broken plugin.py; then echo "SyntaxError: invalid syntax" >&2; exit 1; fi
    echo built >> ../calls
    /bin/cp "$(/bin/sed -n 's/^# component: //p' plugin.py)" "$3" ;;
esac
"#;

/// What plays `componentize-py`: the version is all that is asked of it.
const COMPONENTIZE: &str = "#!/bin/sh\necho componentize-py 0.25.1\n";

/// A folder with tools, to be the whole of the `PATH`.
fn tools(project: &Project) -> PathBuf {
    let dir = project.outside().join("tools");
    fs::create_dir(&dir).unwrap();
    for (name, text) in [("python3", PYTHON), ("componentize-py", COMPONENTIZE)] {
        fs::write(dir.join(name), text).unwrap();
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    dir
}

/// A project in Python in the folder `mine`, whose build gives this component.
fn python(project: &Project, kind: &str, component: &str) {
    let _ = project.run(&["plugin", "new", "--stage", kind, "--lang", "python", "mine"]).ok();
    project.write("mine/plugin.py", format!("# component: {component}\n"));
}

fn with_tools<'a>(project: &'a Project, args: &[&str]) -> Sprag<'a> {
    project.sprag(args).env("PATH", project.outside().join("tools"))
}

#[test]
fn every_kind_of_every_language_begins_with_what_it_needs() {
    let project = Project::none();
    let has = |path: &str| assert!(project.path(path).is_file(), "{path}");
    for (lang, kinds, files) in [
        (
            "rust",
            &Kind::ALL[..],
            &[
                "Cargo.toml",
                "Cargo.lock",
                "params.schema.json",
                "src/lib.rs",
                "sprag/sdk/src/lib.rs",
                "sprag/wit/run/context.wit",
            ][..],
        ),
        (
            "python",
            &INTERPRETED[..],
            &["pyproject.toml", "plugin.py", "test_plugin.py", "sprag/build.py", "sprag/wit/stage/worlds.wit"][..],
        ),
        (
            "js",
            &INTERPRETED[..],
            &["package.json", "package-lock.json", "plugin.js", "plugin.test.js", "sprag/wit/deps/run/context.wit"][..],
        ),
    ] {
        for kind in kinds {
            let name = format!("{lang}-{kind}");
            let _ = project.run(&["plugin", "new", "--stage", kind.name(), "--lang", lang, &name]).ok();
            files.iter().chain(&["README.md", ".gitignore"]).for_each(|file| has(&format!("{name}/{file}")));
            let own = ["README.md", files[0]].map(|file| project.read(&format!("{name}/{file}")));
            own.iter().for_each(|text| assert!(text.contains(&name) && !text.contains("{{"), "{text}"));
            assert!(
                own[0].contains(&format!("./{name}/build/plugin.wasm")),
                "the README says how a project takes it: {}",
                own[0]
            );
        }
    }
    has("rust-unit-test/sprag/sdk-unit-test/Cargo.toml");
}

#[test]
fn the_readme_s_lines_are_of_a_project_file() {
    for kind in Kind::ALL {
        let readme = fs::read_to_string(root().join(format!("plugins/templates/rust/{kind}/README.md"))).unwrap();
        let lines = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let lines: Value = toml::from_str(&lines.replace("{{name}}", "mine")).unwrap();
        let place = lines.to_string();
        assert!(place.contains(kind.name()) || kind == Kind::Provision, "{kind}: {place}");
    }
}

#[test]
fn it_says_what_to_do_next() {
    let project = Project::none();
    assert_snapshot!(project.run(&["plugin", "new", "--stage", "train", "--lang", "rust", "mine"]).ok().text(), @r"
    made `mine`: a plugin for `train` in Rust
      stage  mine/src/lib.rs
      test   cd mine && cargo test
      build  sprag plugin build mine
      check  sprag plugin check mine
    its README.md says how a project takes it: mine/README.md
    ");
    let told: Value = project.run(&["plugin", "new", "--stage", "notify", "--lang", "js", "theirs", "--json"]).ok().json();
    assert!(told["files"].as_u64().is_some_and(|files| files > 20), "{told}");
    let expected = json!({
        "name": "theirs", "kind": "notify", "language": "js", "folder": "theirs", "source": "theirs/plugin.js", "files": told["files"],
        "next": ["cd theirs && node --test", "sprag plugin build theirs", "sprag plugin check theirs"],
    });
    assert_eq!(told, expected);
}

#[test]
fn what_cannot_be_begun_says_why_and_leaves_nothing() {
    let project = Project::none();
    let error = |kind: &str, lang: &str, name: &str| {
        project.run(&["plugin", "new", "--stage", kind, "--lang", lang, name]).exits(exit_code::BAD_PROJECT).error()
    };
    assert_snapshot!(error("train", "rust", "My_Stage"), @r"
    exit code 2
    error: expected a name of lower-case letters, digits and hyphens, beginning with a letter, found `My_Stage`

    hint: the folder's name becomes the plugin's
    ");
    assert_snapshot!(error("train", "rust", "serde"), @r"
    exit code 2
    error: expected a name of the plugin's own, found `serde`, which is that of a crate that it stands on or of cargo's

    hint: say what it does, too: `serde-mine`
    ");
    assert_snapshot!(error("deploy", "python", "mine"), @r"
    exit code 2
    error: expected a kind of stage that can be written in `python` (`sanity-check`, `train`, `evaluate`, `notify`), found `deploy`

    hint: write it in Rust: `--lang rust` has every kind
    ");
    assert_snapshot!(error("tune", "rust", "mine"), @r"
    exit code 2
    error: invalid value 'tune' for '--stage <KIND>'
      [possible values: sanity-check, unit-test, train, evaluate, register, package, provision, deploy, smoke-test, notify, approve]

      tip: a similar value exists: 'unit-test'

    For more information, try '--help'.
    ");
    assert_snapshot!(error("train", "cobol", "mine"), @r"
    exit code 2
    error: invalid value 'cobol' for '--lang <LANGUAGE>'
      [possible values: rust, python, js]

    For more information, try '--help'.
    ");
    assert!(fs::read_dir(project.root()).unwrap().next().is_none(), "nothing was made");
    project.write("mine/notes.txt", "mine");
    assert_snapshot!(error("train", "js", "mine"), @r"
    exit code 2
    error: expected nothing or an empty folder at `mine`, found something there

    hint: name a folder that is not there yet
    ");
    assert_eq!(fs::read_dir(project.path("mine")).unwrap().count(), 1);
    fs::create_dir(project.path("empty")).unwrap();
    let _ = project.run(&["plugin", "new", "--stage", "train", "--lang", "js", "empty"]).ok();
    assert!(project.path("empty/plugin.js").is_file());
}

#[test]
fn a_tool_that_is_missing_is_named_with_the_way_to_get_it() {
    let project = Project::none();
    for lang in ["rust", "python", "js"] {
        let _ = project.run(&["plugin", "new", "--stage", "train", "--lang", lang, lang]).ok();
    }
    let error = |dir: &str| project.sprag(&["plugin", "build", dir]).env("PATH", "").run().exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error("rust"), @r"
    exit code 2
    error: expected `cargo` (which builds Rust) on the PATH, found none

    hint: install Rust with rustup (https://rustup.rs), then run `rustup target add wasm32-wasip2`
    ");
    assert_snapshot!(error("python"), @r"
    exit code 2
    error: expected `python3` (Python 3.11 or later) on the PATH, found none

    hint: install Python 3.11 or later with its module `venv`: the system's packages have it (`python3` and `python3-venv`), or https://www.python.org
    ");
    assert_snapshot!(error("js"), @r"
    exit code 2
    error: expected `node` (Node.js 20 or later) on the PATH, found none

    hint: install Node.js 20 or later, which brings npm: https://nodejs.org
    ");
    assert_snapshot!(error("."), @r"
    exit code 2
    error: expected the project of a plugin (`Cargo.toml` or `pyproject.toml` or `package.json`) in `.`, found none of them

    hint: start one with `sprag plugin new --stage KIND --lang LANGUAGE NAME`
    ");
    assert_snapshot!(error("nowhere"), @r"
    exit code 2
    error: expected the project of a plugin (`Cargo.toml` or `pyproject.toml` or `package.json`) in `nowhere`, found no such folder

    hint: start one with `sprag plugin new --stage KIND --lang LANGUAGE NAME`
    ");
}

#[test]
fn what_did_not_change_is_not_built() {
    let project = Project::none();
    let _ = tools(&project);
    python(&project, "train", sprag_test_programs::MEAN_TRAINER);
    let build = || with_tools(&project, &["plugin", "build", "mine", "--json"]).run().ok().json::<Value>();
    let calls = || fs::read_to_string(project.path("calls")).unwrap_or_default().lines().count();
    let first = build();
    assert_eq!((&first["built"], &first["language"], calls()), (&json!(true), &json!("python"), 1));
    assert_eq!(first["component"], "mine/build/plugin.wasm");
    let second = build();
    assert_eq!((&second["built"], &second["digest"], calls()), (&json!(false), &first["digest"], 1));
    project.write("mine/plugin.py", format!("{}\n", project.read("mine/plugin.py")));
    assert_eq!((&build()["built"], calls()), (&json!(true), 2));
    assert_snapshot!(with_tools(&project, &["plugin", "build", "mine"]).run().ok().text(), @"nothing changed: `mine/build/plugin.wasm` is mean-trainer 0.1.0 as it was built");
    project.write("mine/plugin.py", "broken");
    let error = with_tools(&project, &["plugin", "build", "mine"]).run().exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error, @r"
    exit code 2
    SyntaxError: invalid syntax
    error: componentize-py could not build `mine`: it says why above
    ");
}

/// A diabetes project without its tests of the trainer, whose trainer is the plugin in `mine`.
fn with_trainer(component: &str) -> Project {
    let project = Project::diabetes();
    let _ = tools(&project);
    python(&project, "train", component);
    project.edit("plugin = \"train-ridge\"\nparams = { alpha = 0.5 }", "plugin = \"./mine/build/plugin.wasm\"");
    project.edit("[stages.unit-test]\nplugin = \"test-regressor\"\n", "");
    project
}

#[test]
fn a_stage_runs_again_at_each_save_until_ctrl_c() {
    let project = with_trainer(sprag_test_programs::MEAN_TRAINER);
    let mut dev = with_tools(&project, &["plugin", "dev", "mine", "--stage", "train"]).start();
    dev.wait_for_text("the run was to end after `train`");
    dev.wait_for_text("watching `mine`");
    // At once, as editors do: of a file that is written in two steps, the first could be built too.
    let save = |text: &str| {
        project.write("saved", text);
        fs::rename(project.path("saved"), project.path("mine/plugin.py")).unwrap();
    };
    save("broken");
    dev.wait_for_text("SyntaxError");
    dev.wait_for_text("componentize-py could not build");
    dev.wait_for_text("watching `mine`");
    save(&format!("# component: {}\n# again\n", sprag_test_programs::MEAN_TRAINER));
    dev.wait_for_text("every stage's result was in the cache");
    dev.wait_for_text("watching `mine`");
    dev.signal("INT");
    let _ = dev.finish().ok();
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    assert_eq!(record.outcome, RunOutcome::Succeeded);
    assert!(record.registered.is_none(), "nothing is registered by a save");
    let skipped: Vec<_> =
        record.stages.iter().filter(|stage| stage.status == StageStatus::Skipped).map(|stage| &stage.name).collect();
    assert_eq!(skipped, ["evaluate", "register"]);
}

#[test]
fn a_stage_with_another_plugin_is_told_so() {
    let project = Project::diabetes();
    python(&project, "train", "none");
    let error = |args: &[&str]| {
        let args = [&["plugin", "dev"], args].concat();
        project.run(&args).exits(exit_code::BAD_PROJECT).error()
    };
    assert_snapshot!(error(&["mine", "--stage", "train"]), @r#"
    exit code 2
    error: stage `train`: expected the plugin `[TEMP]/diabetes/mine/build/plugin.wasm`, found `train-ridge`

    hint: set `plugin = "./mine/build/plugin.wasm"` of the stage in `[TEMP]/diabetes/sprag.toml`
    "#);
    assert_snapshot!(error(&["mine", "--stage", "tune"]), @r"
    exit code 2
    error: expected a stage of the project (`evaluate`, `register`, `sanity-check`, `train`, `unit-test`), found `tune`
    ");
    assert_snapshot!(error(&[".", "--stage", "train"]), @r"
    exit code 2
    error: expected the project of a plugin (`Cargo.toml` or `pyproject.toml` or `package.json`) in `.`, found none of them

    hint: start one with `sprag plugin new --stage KIND --lang LANGUAGE NAME`
    ");
}
