//! CI systems: the pipelines that are written for them, and what they are told of a run.

use std::fs;

use sprag_schemas::exit_code;

use crate::context::Project;

/// The file of each system, and the published schema that `check-jsonschema` holds it against; Jenkins has none, and its file is Groovy.
const SYSTEMS: [(&str, &str, Option<&str>); 5] = [
    ("github", ".github/workflows/model.yml", Some("vendor.github-workflows")),
    ("azure-pipelines", "azure-pipelines.yml", Some("vendor.azure-pipelines")),
    ("gitlab", ".gitlab-ci.yml", Some("vendor.gitlab-ci")),
    ("jenkins", "Jenkinsfile", None),
    ("travis", ".travis.yml", Some("vendor.travis")),
];

#[test]
fn each_pipeline_is_what_its_system_s_published_schema_says() {
    for project in [Project::example("diabetes"), Project::diabetes()] {
        for (system, path, schema) in SYSTEMS {
            let _ = project.run(&["ci", "init", system]).ok();
            let text = project.read(path);
            assert!(text.contains("sprag run --locked"), "{text}");
            let Some(schema) = schema else { continue };
            let mut check = std::process::Command::new("check-jsonschema");
            check.args(["--builtin-schema", schema]);
            if system == "azure-pipelines" {
                check.args(["--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"]);
            }
            if system == "gitlab" {
                check.args(["--data-transform", "gitlab-ci"]);
            }
            let Ok(output) = check.arg(project.path(path)).output() else {
                assert!(std::env::var_os("CI").is_none(), "expected `check-jsonschema`: .ci/run installs it");
                eprintln!("not tested here: `check-jsonschema` is not there");
                return;
            };
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{system}: {said}");
        }
    }
}

#[test]
fn a_jenkinsfile_is_groovy() {
    let lint = crate::context::root().join("target/ci-node/node_modules/.bin/npm-groovy-lint");
    let has_java = std::process::Command::new("java").arg("-version").output().is_ok_and(|output| output.status.success());
    if !lint.exists() || !has_java {
        let without = std::env::var("SPRAG_TESTS_WITHOUT").unwrap_or_default();
        let may_be = std::env::var_os("CI").is_none() || without.split_whitespace().any(|name| name == "java" || name == "npm");
        assert!(may_be, "expected `npm-groovy-lint` and `java`: .ci/run installs them");
        eprintln!("not tested here: `npm-groovy-lint` or `java` is not there");
        return;
    }
    let faults = |project: &Project| {
        let mut command = std::process::Command::new(&lint);
        command.args(["--noserver", "--no-insight", "--output", "json", "--files", "Jenkinsfile", "--path"]).arg(project.root());
        let output = command.env("HOME", project.outside()).current_dir(project.outside()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let told: serde_json::Value =
            serde_json::from_str(&text[text.find('{').unwrap_or_default()..]).unwrap_or_else(|error| panic!("{error}: {text}"));
        let files = told["files"].as_object().unwrap().values().cloned().collect::<Vec<_>>();
        assert_eq!(files.len(), 1, "{text}");
        let errors = files[0]["errors"].as_array().unwrap().clone();
        errors.iter().filter(|error| error["severity"] == "error").map(|error| error["msg"].to_string()).collect::<Vec<_>>()
    };
    let project = Project::example("diabetes");
    let _ = project.run(&["ci", "init", "jenkins"]).ok();
    assert_eq!(faults(&project), Vec::<String>::new());
    // The parser finds what is none.
    project.write("Jenkinsfile", project.read("Jenkinsfile").replace("agent any", "agent any }"));
    assert_eq!(faults(&project).len(), 1);
}

#[test]
fn a_pipeline_that_is_there_is_not_written_over() {
    let project = Project::example("diabetes");
    project.write(".travis.yml", "mine: true\n");
    let refused = project.run(&["ci", "init", "travis"]).exits(exit_code::BAD_PROJECT);
    assert!(refused.stderr.contains("expected no `") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(project.read(".travis.yml"), "mine: true\n");
    let printed = project.run(&["ci", "init", "travis", "--print", "--branch", "trunk"]).ok().stdout;
    assert!(printed.contains("branch = trunk"), "{printed}");
    let _ = project.run(&["ci", "init", "travis", "--force"]).ok();
    assert!(project.read(".travis.yml").contains("sprag release"));
    let bad = project.run(&["ci", "init", "travis", "--branch", "a\"b"]).exits(exit_code::BAD_PROJECT);
    assert!(bad.stderr.contains("expected the name of a branch"), "{}", bad.stderr);
}

#[test]
fn a_project_below_a_repository_is_run_from_there() {
    let project = Project::example("diabetes");
    fs::create_dir(project.outside().join(".git")).unwrap();
    let _ = project.run(&["ci", "init", "github"]).ok();
    let text = fs::read_to_string(project.outside().join(".github/workflows/model.yml")).unwrap();
    let folder = project.root().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(text.contains(&format!("SPRAG_PROJECT: \"{folder}\"")), "{text}");
}

#[test]
fn a_system_is_told_of_a_run_in_its_own_words() {
    let project = Project::diabetes();
    let github = |args: &[&str]| {
        let (outputs, summary) = (project.path("outputs"), project.path("summary"));
        let sprag = project.sprag(&[&["run", "--ci", "github"], args].concat());
        sprag.env("GITHUB_OUTPUT", &outputs).env("GITHUB_STEP_SUMMARY", &summary).run()
    };
    let told = github(&[]).ok();
    let (first, last) = (told.stdout.lines().next().unwrap(), told.stdout.lines().last().unwrap());
    let token = first.strip_prefix("::stop-commands::").unwrap();
    assert!(told.stdout.contains(&format!("\n::{token}::\n")), "plugins' words are no commands in between: {}", told.stdout);
    assert!(last.starts_with("::notice title=diabetes::promoted: "), "{last}");
    let outputs = project.read("outputs");
    assert!(outputs.contains("decision=promoted\n") && outputs.contains("model-version=diabetes@1\n"), "{outputs}");
    assert!(project.read("summary").starts_with("## diabetes"), "{}", project.read("summary"));
    let azure = project.run(&["run", "--ci", "azure-pipelines", "--summary", "s.md", "--param", "train.alpha=0.4"]).ok().stdout;
    assert!(azure.contains("##vso[task.setvariable variable=model-version;isOutput=true]diabetes@2\n"), "{azure}");
    assert!(azure.contains("##vso[task.uploadsummary]/") && azure.contains("/s.md\n"), "{azure}");
    let _ = project.run(&["run", "--ci", "gitlab"]).ok();
    assert!(project.read("sprag.env").contains("SPRAG_DECISION=kept\nSPRAG_MODEL_VERSION=\n"), "{}", project.read("sprag.env"));
    let both = project.run(&["run", "--ci", "github", "--format", "json"]).exits(exit_code::BAD_PROJECT);
    assert!(both.stderr.contains("each has standard output to itself"), "{}", both.stderr);
}

#[test]
fn what_went_wrong_is_an_annotation() {
    let project = Project::diabetes();
    let words = format!("plugin = \"{}\"\nparams = {{ act = \"failure\", with = \"bad-input\" }}", sprag_test_programs::CHECK);
    project.edit("plugin = \"check-tabular\"", &words);
    let failed = project.run(&["run", "--ci", "github"]).stdout;
    assert!(failed.contains("::error title=sanity-check::") && failed.contains("::error title=diabetes::error: "), "{failed}");
    project.edit("alpha = 0.5", "alpha = \"much\"");
    let none = project.run(&["run", "--ci", "azure-pipelines"]).exits(exit_code::BAD_PROJECT).stdout;
    assert!(none.starts_with("##vso[task.logissue type=error]sprag: ") && none.contains("alpha"), "{none}");
}
