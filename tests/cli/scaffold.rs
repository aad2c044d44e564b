//! `sprag new`: what it makes runs as it is.

use insta::assert_snapshot;
use sprag_schemas::exit_code;
use sprag_schemas::record::{RunOutcome, RunRecord};

use crate::context::{Csv, Project, root};

/// Makes a project and runs it.
fn made(project: &Project, args: &[&str]) -> RunRecord {
    let _ = project.run(&[&["new", "mine"], args].concat()).ok();
    let _ = project.run(&["check", "--project", "mine"]).ok();
    let _ = project.run(&["run", "--project", "mine"]).ok();
    project.run(&["show", "--project", "mine", "--json"]).ok().json()
}

#[test]
fn each_template_runs() {
    for template in ["diabetes", "breast-cancer"] {
        let project = Project::none();
        let record = made(&project, &["--template", template]);
        assert_eq!((record.outcome, record.project.as_str()), (RunOutcome::Promoted, "mine"), "{template}");
        assert_eq!(record.registered.unwrap().to_string(), "mine@1");
        assert_eq!(project.read("mine/.gitignore"), ".sprag/\n");
    }
}

#[test]
fn it_says_what_to_do_next() {
    let project = Project::none();
    assert_snapshot!(project.run(&["new", "mine", "--template", "diabetes"]).ok().text(), @r"
    made `mine`
    run it with sprag run --project mine
    ");
}

#[test]
fn a_file_with_a_numeric_target_becomes_a_regression() {
    let project = Project::none();
    project.write("progress.csv", Csv::diabetes().text());
    let record = made(&project, &["--data", "progress.csv", "--target", "Y"]);
    assert_eq!(record.outcome, RunOutcome::Promoted);
    assert_snapshot!(project.read("mine/sprag.toml"), @r#"
    [project]
    name = "mine"

    [data]
    path = "data/progress.csv"
    target = "Y"
    features = ["AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6"]

    [split]
    test-size = 0.2
    random-state = 0

    [stages.sanity-check]
    plugin = "check-tabular"
    inputs = { profile = "profile.json" }

    [stages.unit-test]
    plugin = "test-regressor"

    [stages.train]
    plugin = "train-ridge"

    [stages.evaluate]
    plugin = "evaluate-regression"
    params = { metric = "mse" }

    [stages.register]
    plugin = "register-local"
    "#);
}

#[test]
fn a_file_with_a_target_of_text_becomes_a_classification() {
    let project = Project::none();
    let data = root().join("examples/breast-cancer/data/breast_cancer.csv");
    let record = made(&project, &["--data", data.to_str().unwrap(), "--target", "diagnosis"]);
    assert_eq!(record.outcome, RunOutcome::Promoted);
    assert!(project.read("mine/sprag.toml").contains("plugin = \"train-logistic\""));
}

#[test]
fn what_cannot_be_made_says_why_and_leaves_nothing() {
    let project = Project::none();
    project.write("data.csv", "a,y\n1,2\n");
    let error = |args: &[&str]| {
        let error = project.run(&[&["new"], args].concat()).exits(exit_code::BAD_PROJECT).error();
        assert!(!project.path("mine").exists(), "{args:?}");
        error
    };
    assert_snapshot!(error(&["Mine", "--template", "diabetes"]), @r"
    exit code 2
    error: expected a folder name of lower-case letters, digits and hyphens, beginning with a letter, found `Mine`

    hint: the folder's name becomes the project's
    ");
    assert_snapshot!(error(&["mine", "--template", "titanic"]), @r"
    exit code 2
    error: invalid value 'titanic' for '--template <NAME>'
      [possible values: diabetes, breast-cancer]

    For more information, try '--help'.
    ");
    assert_snapshot!(error(&["mine"]), @r"
    exit code 2
    error: the following required arguments were not provided:
      --template <NAME>

    Usage: sprag new --template <NAME> <DIR>

    For more information, try '--help'.
    ");
    assert_snapshot!(error(&["mine", "--data", "data.csv"]), @r"
    exit code 2
    error: the following required arguments were not provided:
      --target <COLUMN>

    Usage: sprag new --data <FILE> --target <COLUMN> <DIR>

    For more information, try '--help'.
    ");
    assert_snapshot!(error(&["mine", "--data", "data.csv", "--target", "z"]), @r"
    exit code 2
    error: data: no column `z`; known columns are `a`, `y`
    ");
    assert_snapshot!(error(&["mine", "--data", "other.csv", "--target", "y"]), @r"
    exit code 2
    error: data: no file at `other.csv`
    ");
    assert_snapshot!(error(&[".", "--template", "diabetes"]), @r"
    exit code 2
    error: expected a folder name of lower-case letters, digits and hyphens, beginning with a letter, found ``

    hint: the folder's name becomes the project's
    ");
    std::fs::create_dir(project.path("there")).unwrap();
    assert_snapshot!(error(&["there", "--template", "diabetes"]), @r"
    exit code 2
    error: `there` is there already

    hint: name a folder that is not there yet
    ");
}

#[test]
fn a_profile_is_written_once_and_replaced_on_request() {
    let project = Project::diabetes();
    let shipped = project.read("profile.json");
    let error = project.run(&["profile", "-o", "profile.json"]).exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error, @r"
    exit code 2
    error: `profile.json` is there already

    hint: replace it with `--force`; later checks then hold new data against the new profile
    ");
    assert_snapshot!(project.run(&["profile", "-o", "profile.json", "--force"]).ok().text(), @"wrote `profile.json`: 442 rows, 11 columns");
    assert_eq!(project.read("profile.json"), shipped, "the example's profile is the one that `sprag profile` writes");
    assert_eq!(project.run(&["profile"]).ok().stdout, shipped);
}
