//! What a registered version says of where it came from.

use std::process::Command;

use sprag_builtin::PLUGINS;
use sprag_core::digest::Digest;
use sprag_schemas::record::{DecisionOutcome, Lineage, ModelVersion, Tier};

use crate::context::Project;

fn lineage(project: &Project) -> Lineage {
    project.run(&["model", "show", "diabetes", "--json"]).ok().json::<ModelVersion>().lineage
}

fn git(project: &Project, args: &[&str]) -> String {
    let who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
    let output =
        Command::new("git").args(who).args(args).current_dir(project.root()).env("HOME", project.outside()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn data_components_parameters_and_decision() {
    let project = Project::diabetes();
    let trained = project.record(&["--param", "train.alpha=0.4"]);
    let lineage = lineage(&project);
    assert_eq!((&lineage.run_id, &lineage.trained_in), (&trained.id, &trained.id));
    assert_eq!((lineage.origin.by.as_str(), lineage.origin.sprag_version.as_str()), ("tester", env!("CARGO_PKG_VERSION")));
    let file = std::fs::read(project.path("data/diabetes.csv")).unwrap();
    assert_eq!((lineage.data.path.as_str(), lineage.data.file_digest), ("data/diabetes.csv", Digest::of(&file).to_string()));
    assert_eq!((lineage.data.target.as_str(), lineage.data.rows), ("Y", Some(442)));
    assert_eq!(lineage.params["train"]["alpha"], 0.4);
    assert_eq!(lineage.params["evaluate"]["metric"], "mse");
    let plugins = ["check-tabular", "test-regressor", "train-ridge", "evaluate-regression", "register-local"];
    let stages = ["sanity-check", "unit-test", "train", "evaluate", "register"];
    for (stage, plugin) in stages.into_iter().zip(plugins) {
        let (_, _, digest) = PLUGINS.iter().find(|(name, ..)| *name == plugin).unwrap();
        assert_eq!(lineage.components[stage].digest, digest.to_string(), "{stage}");
    }
    assert_eq!((lineage.tier, lineage.decision.unwrap().outcome), (Tier::Hermetic, DecisionOutcome::Promote));
}

#[test]
fn training_from_the_cache_names_the_run_that_trained() {
    let project = Project::diabetes();
    project.edit("at_least = 0.25", "at_least = 0.9");
    let blocked = project.record(&[]);
    project.edit("at_least = 0.9", "at_least = 0.25");
    let promoted = project.record(&[]);
    let lineage = lineage(&project);
    assert_eq!((lineage.run_id, lineage.trained_in), (promoted.id, blocked.id));
    assert_eq!(lineage.data.rows, Some(442));
}

#[test]
fn the_commit_and_whether_the_work_tree_differs_from_it() {
    let project = Project::diabetes();
    project.write(".gitignore", ".sprag/\n");
    let _ = project.run(&["lock"]).ok();
    for args in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
        git(&project, args);
    }
    let commit = git(&project, &["rev-parse", "HEAD"]);
    let _ = project.run(&["run"]).ok();
    let clean = lineage(&project).origin;
    assert_eq!((clean.git_commit.as_deref(), clean.git_dirty), (Some(&*commit), Some(false)));
    project.edit("alpha = 0.5", "alpha = 0.4");
    let _ = project.run(&["run"]).ok();
    let dirty = lineage(&project).origin;
    assert_eq!((dirty.git_commit.as_deref(), dirty.git_dirty), (Some(&*commit), Some(true)));
    let shown = project.run(&["model", "show", "diabetes"]).ok().stdout;
    assert!(shown.contains(&format!("{commit} and changes")), "{shown}");
}

#[test]
fn no_repository_and_no_git_are_no_obstacle() {
    let project = Project::diabetes();
    let _ = project.sprag(&["run"]).env("GIT_CEILING_DIRECTORIES", project.outside()).run().ok();
    assert_eq!(lineage(&project).origin.git_commit, None);
    let project = Project::diabetes();
    let _ = project.sprag(&["run"]).env("PATH", "/nowhere").run().ok();
    assert_eq!(lineage(&project).origin.git_commit, None);
}

/// The build's id and address of a run in a CI system's environment.
fn build(environment: &[(&str, &str)]) -> (String, Option<String>, Option<String>) {
    let project = Project::small("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,9.5\n");
    let mut sprag = project.sprag(&["run"]).env_remove("SPRAG_USER");
    for (name, value) in environment {
        sprag = sprag.env(name, value);
    }
    let _ = sprag.run().ok();
    let origin = project.run(&["show", "--json"]).ok().json::<sprag_schemas::record::RunRecord>().origin;
    (origin.by, origin.build_id, origin.build_uri)
}

#[test]
fn the_build_is_known_on_every_ci_system() {
    type Environment = &'static [(&'static str, &'static str)];
    let cases: [(Environment, [&str; 3]); 5] = [
        (
            &[
                ("GITHUB_RUN_ID", "77"),
                ("GITHUB_SERVER_URL", "https://example.org"),
                ("GITHUB_REPOSITORY", "ada/engine"),
                ("GITHUB_ACTOR", "ada"),
            ],
            ["ada", "77", "https://example.org/ada/engine/actions/runs/77"],
        ),
        (
            &[
                ("BUILD_BUILDID", "78"),
                ("SYSTEM_COLLECTIONURI", "https://example.org/team/"),
                ("SYSTEM_TEAMPROJECT", "engine"),
                ("BUILD_REQUESTEDFOR", "Ada"),
            ],
            ["Ada", "78", "https://example.org/team/engine/_build/results?buildId=78"],
        ),
        (
            &[("CI_PIPELINE_ID", "79"), ("CI_PIPELINE_URL", "https://example.org/-/pipelines/79"), ("GITLAB_USER_LOGIN", "ada")],
            ["ada", "79", "https://example.org/-/pipelines/79"],
        ),
        (
            &[("BUILD_ID", "80"), ("BUILD_URL", "https://example.org/job/80/"), ("USER", "jenkins")],
            ["jenkins", "80", "https://example.org/job/80/"],
        ),
        (
            &[
                ("SPRAG_BUILD_ID", "81"),
                ("SPRAG_BUILD_URI", "https://example.org/81"),
                ("SPRAG_USER", "me"),
                ("GITHUB_RUN_ID", "1"),
            ],
            ["me", "81", "https://example.org/81"],
        ),
    ];
    for (environment, [by, id, uri]) in cases {
        assert_eq!(build(environment), (by.to_owned(), Some(id.to_owned()), Some(uri.to_owned())), "{environment:?}");
    }
    let (_, id, uri) = build(&[]);
    assert_eq!((id, uri), (None, None));
}

#[test]
fn a_clock_makes_the_lineage_external() {
    let project = Project::diabetes();
    project.edit("[stages.train]", "[stages.train]\ngrants = { clock = \"real\" }");
    let _ = project.run(&["run"]).ok();
    assert_eq!(lineage(&project).tier, Tier::External);
}
