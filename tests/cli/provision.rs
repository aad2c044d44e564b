//! A workspace on this machine, made once.

use serde_json::Value;
use sprag_schemas::exit_code;

use crate::context::Project;

const WORKSPACE: &str = "\n[provision.workspace]\nplugin = \"provision-local\"\ngrants = { folders = [\"../workspace\"] }\n\
                         params = { folder = \"../workspace\", name = \"diabetes\" }\n";

/// What each change does, and to what.
fn changes(project: &Project, args: &[&str]) -> Vec<(String, String)> {
    let all: Value = project.run(&[&["provision", "--json"], args].concat()).ok().json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all[0]["changes"].as_array().unwrap().iter().map(|change| (text(&change["action"]), text(&change["subject"]))).collect()
}

#[test]
fn a_workspace_is_made_once_and_the_second_run_changes_nothing() {
    let project = Project::diabetes();
    project.append(WORKSPACE);
    let folder = project.outside().join("workspace");
    let all = |action: &str| {
        let subjects =
            ["folder ../workspace", "folder ../workspace/data", "folder ../workspace/models", "folder ../workspace/scored"];
        let subjects = subjects.into_iter().chain(["file ../workspace/workspace.json"]);
        subjects.map(|subject| (action.to_owned(), subject.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(changes(&project, &["--plan"]), all("create"));
    assert!(!folder.exists(), "a plan changes nothing");
    assert_eq!(changes(&project, &[]), all("create"));
    let card: Value = serde_json::from_slice(&std::fs::read(folder.join("workspace.json")).unwrap()).unwrap();
    assert_eq!((card["format"].as_str(), card["name"].as_str()), (Some("sprag-workspace/1"), Some("diabetes")));
    std::fs::write(folder.join("data/kept.csv"), "a\n").unwrap();
    assert_eq!(changes(&project, &[]), all("keep"));
    assert_eq!(std::fs::read_to_string(folder.join("data/kept.csv")).unwrap(), "a\n");
    let told = project.run(&["provision"]).ok().stdout;
    assert!(told.starts_with("provision.workspace  everything is as it should be\n"), "{told}");
}

#[test]
fn a_folder_that_is_not_granted_or_somebody_else_s_is_left_alone() {
    let project = Project::diabetes();
    project.append(&WORKSPACE.replace("folders = [\"../workspace\"]", "folders = [\"../other\"]"));
    let refused = project.run(&["provision"]).exits(exit_code::PLUGIN_FAILED).error();
    let line = "set `folders = [\"../other\", \"../workspace\"]` in its grants in sprag.toml";
    assert!(refused.contains(line), "{refused}");
    assert!(!project.outside().join("workspace").exists() && !project.outside().join("other").exists());

    let project = Project::diabetes();
    project.append(WORKSPACE);
    project.write("../workspace/workspace.json", r#"{"format":"sprag-workspace/1","name":"churn"}"#);
    let refused = project.run(&["provision"]).exits(exit_code::PLUGIN_FAILED).error();
    assert!(refused.contains("to name the workspace `diabetes`, found `churn`; name another folder"), "{refused}");
    assert!(!project.outside().join("workspace/data").exists());
}

#[test]
fn only_a_provisioner_may_be_granted_folders() {
    let project = Project::diabetes();
    project.append("\n[stages.train.grants]\nfolders = [\"/\"]\n");
    let refused = project.run(&["check"]).exits(exit_code::BAD_PROJECT).error();
    assert!(
        refused.contains("`folders` is a grant for stages of the kinds `provision`, found it on one of the kind `train`"),
        "{refused}"
    );
}
