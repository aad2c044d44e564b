//! A stage's work is done again exactly when something that goes into it has changed.

use std::fs;
use std::time::{Duration, SystemTime};

use sprag_builtin::PLUGINS;

use crate::context::{Csv, Project, ran};

/// A project with one run behind it.
fn project() -> Project {
    let project = Project::diabetes();
    project.edit("params = { alpha = 0.5 }", "params = { alpha = 0.5 }\ngrants = { env = [\"SEASON\"] }");
    let _ = project.sprag(&["run"]).env("SEASON", "spring").run().ok();
    project
}

/// Which stages do their work again after a change.
fn again(change: impl Fn(&Project)) -> Vec<String> {
    let project = project();
    change(&project);
    // A change of components or rights is not what is looked at here.
    let _ = project.run(&["lock"]).ok();
    let run = project.sprag(&["run", "--format", "json"]).env("SEASON", "spring").run();
    ran_in(&run)
}

fn ran_in(run: &crate::context::Outcome) -> Vec<String> {
    match run.events().pop() {
        Some(sprag_schemas::event::Event::RunFinished { record, .. }) => ran(&record).into_iter().map(str::to_owned).collect(),
        other => panic!("{other:?}"),
    }
}

/// The same component, with a custom section more.
fn rebuild(project: &Project, plugin: &str) {
    let mut bytes = PLUGINS.iter().find(|(name, ..)| *name == plugin).unwrap().1.to_vec();
    bytes.extend(b"\0\x03\x01xy");
    project.write("mine.wasm", bytes);
    project.edit(&format!("plugin = \"{plugin}\""), "plugin = \"./mine.wasm\"");
}

#[test]
fn nothing_is_done_again_when_nothing_changed() {
    assert_eq!(again(|_| {}), [""; 0]);
}

#[test]
fn a_component_is_an_ingredient_of_its_stage_and_of_what_depends_on_it() {
    assert_eq!(again(|project| rebuild(project, "check-tabular")), ["sanity-check"]);
    assert_eq!(again(|project| rebuild(project, "test-regressor")), ["unit-test"]);
    // The trainer is also the scorer of its models, so the candidate is another one.
    assert_eq!(again(|project| rebuild(project, "train-ridge")), ["unit-test", "train", "evaluate"]);
    assert_eq!(again(|project| rebuild(project, "evaluate-regression")), ["evaluate"]);
    assert_eq!(again(|project| rebuild(project, "register-local")), [""; 0], "there is nothing to register");
}

#[test]
fn one_byte_of_the_data() {
    let change = |project: &Project| {
        let text = project.read("data/diabetes.csv");
        project.write("data/diabetes.csv", text.replacen(",151.0\n", ",152.0\n", 1));
    };
    assert_eq!(again(change), ["sanity-check", "train", "evaluate"]);
}

#[test]
fn the_roles_of_the_columns() {
    let features = "target = \"Y\"\nfeatures = [\"BMI\", \"BP\"]";
    let done = again(|project| project.edit("target = \"Y\"", features));
    assert_eq!(done, ["sanity-check", "train", "evaluate"]);
}

#[test]
fn the_split() {
    assert_eq!(again(|project| project.edit("random-state = 0", "random-state = 1"))[..2], ["train", "evaluate"]);
    assert_eq!(again(|project| project.edit("test-size = 0.2", "test-size = 0.25"))[..2], ["train", "evaluate"]);
}

#[test]
fn parameters() {
    assert_eq!(again(|project| project.edit("alpha = 0.5", "alpha = 0.6")), ["train", "evaluate"]);
    assert_eq!(again(|project| project.edit("alpha = 0.5", "alpha = 0.4")), ["train", "evaluate", "register"]);
    assert_eq!(again(|project| project.edit("at_least = 0.25", "at_least = 0.26")), ["evaluate"]);
    let check = "[stages.sanity-check]\nparams = { min_rows = 5 }";
    assert_eq!(again(|project| project.edit("[stages.sanity-check]", check)), ["sanity-check"]);
}

#[test]
fn a_file_that_a_plugin_reads() {
    let change = |project: &Project| project.write("profile.json", project.read("profile.json") + "\n");
    assert_eq!(again(change), ["sanity-check"]);
}

#[test]
fn the_seed_of_the_run() {
    let change = |project: &Project| project.edit("[split]", "[run]\nseed = 7\n\n[split]");
    assert_eq!(again(change), ["sanity-check", "unit-test", "train", "evaluate"]);
}

#[test]
fn an_environment_variable_that_is_granted_and_no_other() {
    let project = project();
    let run = |season: Option<&str>| {
        let sprag = project.sprag(&["run", "--format", "json"]).env("WEATHER", "rain");
        ran_in(&season.map_or_else(|| project.sprag(&["run", "--format", "json"]), |season| sprag.env("SEASON", season)).run())
    };
    assert_eq!(run(Some("spring")), [""; 0]);
    // The model comes out the same, so nothing that depends on it is done again.
    assert_eq!(run(Some("autumn")), ["train"]);
    assert_eq!(run(Some("")), ["train"]);
    assert_eq!(run(None), ["train"]);
    assert_eq!(run(Some("spring")), [""; 0], "what was done before is still there");
}

#[test]
fn a_stage_that_sees_the_real_clock_is_never_taken_from_the_cache() {
    let project = Project::diabetes();
    project.edit("[stages.train]", "[stages.train]\ngrants = { clock = \"real\" }");
    let _ = project.run(&["run"]).ok();
    for _ in 0..2 {
        assert_eq!(ran(&project.record(&[])), ["train"]);
    }
}

#[test]
fn whatever_is_no_ingredient_changes_nothing() {
    let touched = |file: &'static str| {
        move |project: &Project| {
            let file = fs::File::options().append(true).open(project.path(file)).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        }
    };
    assert_eq!(again(touched("data/diabetes.csv")), [""; 0]);
    assert_eq!(again(touched("profile.json")), [""; 0]);
    assert_eq!(again(|project| project.edit("description = \"", "description = \"New: ")), [""; 0]);
    assert_eq!(again(|project| project.append("# A comment.\n")), [""; 0]);
    assert_eq!(again(|project| project.edit("[split]", "[limits]\nmemory = \"1GiB\"\ntime = \"1m\"\n\n[split]")), [""; 0]);
    let rename = |project: &Project| {
        fs::rename(project.path("data/diabetes.csv"), project.path("data/patients.csv")).unwrap();
        project.edit("data/diabetes.csv", "data/patients.csv");
    };
    assert_eq!(again(rename), [""; 0]);
    let name = "[stages.fit]\nkind = \"train\"";
    assert_eq!(again(|project| project.edit("[stages.train]", name)), [""; 0]);
    let built_in = |project: &Project| {
        project.write("mine.wasm", PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").unwrap().1);
        project.edit("plugin = \"train-ridge\"", "plugin = \"./mine.wasm\"");
    };
    assert_eq!(again(built_in), [""; 0], "the same bytes are the same component, wherever they come from");
}

#[test]
fn a_project_may_move() {
    let project = project();
    let moved = project.outside().join("elsewhere");
    fs::rename(project.root(), &moved).unwrap();
    fs::create_dir(project.root()).unwrap();
    let run = project.sprag(&["run", "--format", "json", "--project"]).env("SEASON", "spring").arg(&moved).run();
    assert_eq!(ran_in(&run), [""; 0]);
}

#[test]
fn data_that_changes_within_the_clocks_resolution_is_seen() {
    let project = Project::small("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,9.5\n");
    for last in ["9.5", "9.6", "9.7", "9.8"] {
        project.write("data.csv", format!("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,{last}\n"));
        let record = project.record(&[]);
        assert_eq!(ran(&record), ["train", "evaluate"], "{last}");
    }
}

#[test]
fn the_good_data_put_back_is_found_again() {
    let project = project();
    let good = project.read("data/diabetes.csv");
    let run = || ran_in(&project.sprag(&["run", "--format", "json"]).env("SEASON", "spring").run());
    project.write("data/diabetes.csv", Csv::diabetes().without("S6").text());
    assert_eq!(run(), ["sanity-check"]);
    project.write("data/diabetes.csv", good);
    assert_eq!(run(), [""; 0]);
}
