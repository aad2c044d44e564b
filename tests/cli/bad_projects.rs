//! A project file or a command line that is wrong gets an error with the line and the known names.

use insta::assert_snapshot;
use sprag_schemas::exit_code;

use crate::context::Project;

fn error(project: &Project, args: &[&str]) -> String {
    let error = project.run(args).exits(exit_code::BAD_PROJECT).error();
    assert!(!project.path(".sprag").exists(), "nothing is made for a project that is wrong");
    error
}

fn edited(from: &str, to: &str) -> String {
    let project = Project::diabetes();
    project.edit(from, to);
    error(&project, &["run"])
}

#[test]
fn no_project() {
    assert_snapshot!(error(&Project::none(), &["run"]), @r"
    exit code 2
    error: expected a project file `sprag.toml` in `[TEMP]/project`, found none

    hint: make one with `sprag new`, or name the folder with `--project`
    ");
}

#[test]
fn an_unknown_key_with_its_line_and_the_known_ones() {
    assert_snapshot!(edited("target = \"Y\"", "traget = \"Y\""), @r#"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml: TOML parse error at line 10, column 1
       |
    10 | traget = "Y"
       | ^^^^^^
    unknown field `traget`, expected one of `path`, `format`, `target`, `features`, `columns`, `delimiter`, `null-values`, `max-line`
    "#);
}

#[test]
fn an_unknown_key_of_a_stage() {
    assert_snapshot!(edited("plugin = \"train-ridge\"", "plugin = \"train-ridge\"\nseed = 3"), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml: TOML parse error at line 28, column 1
       |
    28 | seed = 3
       | ^^^^
    unknown field `seed`, expected one of `kind`, `plugin`, `params`, `inputs`, `grants`, `limits`
    ");
}

#[test]
fn a_limit_without_a_unit() {
    assert_snapshot!(edited("[split]", "[limits]\nmemory = \"512\"\n\n[split]"), @r#"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml: TOML parse error at line 14, column 10
       |
    14 | memory = "512"
       |          ^^^^^
    expected a size such as `64KiB`, `512MiB` or `2GiB`, found `512`
    "#);
}

#[test]
fn a_share_that_is_none() {
    assert_snapshot!(edited("test-size = 0.2", "test-size = 1.2"), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml: TOML parse error at line 14, column 13
       |
    14 | test-size = 1.2
       |             ^^^
    invalid value: floating point `1.2`, expected a share between 0 and 1, such as `0.2`, or a number of rows, such as `100`
    ");
}

#[test]
fn text_that_is_not_toml() {
    assert_snapshot!(edited("[split]", "[split"), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml: TOML parse error at line 13, column 7
       |
    13 | [split
       |       ^
    unclosed table, expected `]`
    ");
}

#[test]
fn a_parameter_of_the_wrong_type_and_out_of_range() {
    assert_snapshot!(edited("alpha = 0.5", "alpha = \"high\""), @r#"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:28: stage `train`: plugin `train-ridge` 0.1.0: `params.alpha`: "high" is not of type "number"
    "#);
    assert_snapshot!(edited("alpha = 0.5", "alpha = -1"), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:28: stage `train`: plugin `train-ridge` 0.1.0: `params.alpha`: -1 is less than the minimum of 0.0
    ");
}

#[test]
fn an_unknown_parameter_with_the_known_ones() {
    assert_snapshot!(edited("alpha = 0.5", "alhpa = 0.5"), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:28: stage `train`: plugin `train-ridge` 0.1.0: `params`: Additional properties are not allowed ('alhpa' was unexpected); the known parameters are `alpha`, `fit_intercept`
    ");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let project = Project::diabetes();
    project.edit("alpha = 0.5", "alpha = -1");
    project.edit("area = \"diabetes\"", "area = 7");
    assert_snapshot!(error(&project, &["check"]), @r#"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:28: stage `train`: plugin `train-ridge` 0.1.0: `params.alpha`: -1 is less than the minimum of 0.0
    [TEMP]/diabetes/sprag.toml:42: stage `register`: plugin `register-local` 0.1.0: `params.tags.area`: 7 is not of type "string"
    "#);
}

#[test]
fn a_parameter_on_the_command_line() {
    let project = Project::diabetes();
    assert_snapshot!(error(&project, &["run", "--param", "alpha=0.4"]), @r"
    exit code 2
    error: `--param alpha=0.4`: expected `STAGE.NAME=VALUE`, found no `.`

    hint: write `--param STAGE.NAME=VALUE`, such as `--param train.alpha=0.4`
    ");
    assert_snapshot!(error(&project, &["run", "--param", "fit.alpha=0.4"]), @r"
    exit code 2
    error: `--param fit.alpha=0.4`: expected a stage of the project (`evaluate`, `register`, `sanity-check`, `train`, `unit-test`), found `fit`

    hint: write `--param STAGE.NAME=VALUE`, such as `--param train.alpha=0.4`
    ");
    assert_snapshot!(error(&project, &["run", "--param", "train.alpha"]), @r"
    exit code 2
    error: `--param train.alpha`: expected `STAGE.NAME=VALUE`, found no `=`

    hint: write `--param STAGE.NAME=VALUE`, such as `--param train.alpha=0.4`
    ");
    assert_snapshot!(error(&project, &["run", "--param", "train.alpha=-1"]), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.toml:28: stage `train`: plugin `train-ridge` 0.1.0: `params.alpha`: -1 is less than the minimum of 0.0
    ");
}

#[test]
fn a_stage_without_its_forerunner() {
    let project = Project::none();
    project.write(
        "sprag.toml",
        "[project]\nname = \"p\"\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n[stages.register]\nplugin = \"register-local\"\n",
    );
    assert_snapshot!(error(&project, &["run"]), @r"
    exit code 2
    error: [TEMP]/project/sprag.toml:6: expected a stage of the kind `evaluate` before one of the kind `register`, found none

    hint: add `[stages.evaluate]` with a `plugin`
    ");
}

#[test]
fn a_file_for_a_plugin_that_is_not_there() {
    let project = Project::diabetes();
    std::fs::remove_file(project.path("profile.json")).unwrap();
    assert_snapshot!(project.run(&["check"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: stage `sanity-check`: input `profile`: no file at `[TEMP]/diabetes/profile.json`
    ");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).told(), @r"
    exit code 2

    failed: stage `sanity-check`: input `profile`: no file at `[TEMP]/diabetes/profile.json`
      run         [RUN]
    --- standard error
    error: stage `sanity-check`: input `profile`: no file at `[TEMP]/diabetes/profile.json`
    ");
}

#[test]
fn a_command_line_that_makes_no_sense() {
    assert_snapshot!(error(&Project::none(), &["rnu"]), @r"
    exit code 2
    error: unrecognized subcommand 'rnu'

      tip: a similar subcommand exists: 'runs'

    Usage: sprag [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(error(&Project::none(), &["run", "--format", "yaml"]), @r"
    exit code 2
    error: invalid value 'yaml' for '--format <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    ");
}

#[test]
fn commands_that_need_a_run_say_so() {
    let project = Project::diabetes();
    assert_snapshot!(error(&project, &["runs"]), @r"
    exit code 2
    error: expected the runs of a project in `[TEMP]/diabetes`, found none

    hint: `sprag run` makes the first
    ");
    assert_snapshot!(error(&project, &["show"]), @r"
    exit code 2
    error: expected the runs of a project in `[TEMP]/diabetes`, found none

    hint: `sprag run` makes the first
    ");
    assert_snapshot!(error(&project, &["model", "history"]), @r"
    exit code 2
    error: expected the runs of a project in `[TEMP]/diabetes`, found none

    hint: `sprag run` makes the first
    ");
}
