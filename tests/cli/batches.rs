//! Files that a project scores with each run and on demand.

use serde_json::Value;
use sprag_schemas::exit_code;
use sprag_schemas::record::RunRecord;

use crate::context::Project;

/// A project whose production is to score a file with each run.
fn project() -> Project {
    let project = Project::diabetes();
    project.append("\n[batch.patients]\ninput = \"new.csv\"\noutput = \"scored.csv\"\ncolumns = [\"id\"]\n");
    project.write("new.csv", "id,AGE,SEX,BMI,BP,S1,S2,S3,S4,S5,S6\n1,1,2,3,4,5,6,7,8,9,10\n2,10,9,8,7,6,5,4,3,2,1\n");
    project
}

#[test]
fn a_run_scores_its_files_with_what_is_in_production_by_then() {
    let project = project();
    let planned = project.run(&["run", "--dry-run"]).ok().stdout;
    assert!(planned.ends_with("patients  batch with @production  new.csv -> scored.csv\n"), "{planned}");
    let told = project.run(&["run"]).ok().stdout;
    assert!(told.contains("scored    patients") && told.contains("2 rows: new.csv -> scored.csv"), "{told}");
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    let summary = record.batches[0].summary.as_ref().unwrap();
    assert_eq!((record.batches[0].name.as_str(), summary.model.as_str()), ("patients", "diabetes@1"));
    assert_eq!((summary.input.path.as_str(), summary.output.rows, summary.rejects.as_ref()), ("new.csv", 2, None));
    assert_eq!(summary.model_digest, record.candidate.as_ref().unwrap().digest);
    // What the service answers for these two rows, to the whole number.
    let scored = project.read("scored.csv");
    assert!(scored.starts_with("id,prediction\n1,5113.") && scored.contains("\n2,3713."), "{scored}");

    // A candidate that is kept out leaves production as it is, and the file is scored all the same.
    project.write("new.csv", "id,AGE,SEX,BMI,BP,S1,S2,S3,S4,S5,S6\n9,1,2,3,4,5,6,7,8,9,10\n");
    let kept = project.record(&["--param", "train.alpha=1"]);
    assert_eq!(kept.outcome, sprag_schemas::record::RunOutcome::Kept);
    assert_eq!(kept.batches[0].summary.as_ref().unwrap().output.rows, 1);
    assert!(project.read("scored.csv").starts_with("id,prediction\n9,5113."), "one that is there is replaced");
}

#[test]
fn a_batch_alone_is_a_run_without_stages() {
    let project = project();
    project.append("when = \"asked\"\nmax-errors = \"50%\"\n");
    let _ = project.run(&["run"]).ok();
    assert!(!project.path("scored.csv").exists(), "only when asked");
    project.write("new.csv", "id,AGE,SEX,BMI,BP,S1,S2,S3,S4,S5,S6\n1,1,2,3,4,5,6,7,8,9,10\n2,x,9,8,7,6,5,4,3,2,1\n");
    let record: RunRecord = project.run(&["batch", "patients", "--json"]).ok().json();
    assert_eq!((record.stages.len(), record.data.is_none(), record.reason.as_str()), (0, true, "all files were scored"));
    let summary = record.batches[0].summary.as_ref().unwrap();
    let rejects = summary.rejects.as_ref().unwrap();
    assert_eq!((summary.output.rows, rejects.rows, rejects.path.as_str()), (1, 1, "scored.rejects.csv"));
    let runs: Vec<Value> = project.run(&["runs", "--json"]).ok().json();
    assert_eq!(runs.len(), 2);
    let told = project.run(&["batch"]).ok().stdout;
    assert!(told.contains("1 rows refused: scored.rejects.csv"), "{told}");
}

#[test]
fn a_file_that_cannot_be_scored_fails_the_run_and_what_was_registered_stays() {
    let project = project();
    project.write("new.csv", "id,AGE\n1,1\n");
    let failed = project.run(&["run"]).exits(exit_code::BAD_PROJECT);
    assert!(failed.stdout.contains("failed    patients") && failed.stdout.contains("`SEX`"), "{}", failed.stdout);
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    let error = record.batches[0].error.as_ref().unwrap();
    assert_eq!((error.kind.as_str(), record.registered.is_some()), ("bad-batch", true));
    assert!(record.reason.starts_with("batch `patients` failed: "), "{}", record.reason);
    assert!(!project.path("scored.csv").exists());
    let _ = project.run(&["model", "show", "diabetes@production"]).ok();
}

#[test]
fn what_is_wrong_with_a_batch_is_told_before_anything_runs() {
    let check = |lines: &str, words: &str| {
        let project = Project::diabetes();
        project.append(lines);
        let told = project.run(&["check"]).exits(exit_code::BAD_PROJECT).error();
        assert!(told.contains(words), "`{words}` is not in:\n{told}");
        assert!(!project.path(".sprag").exists());
    };
    check("\n[batch.a]\ninput = \"a.csv\"\n", "missing field `output`");
    check(
        "\n[batch.a]\ninput = \"a.csv\"\noutput = \"b.xlsx\"\n",
        "batch `a`: expected a file with the extension `csv` or `parquet`, found `b.xlsx`",
    );
    check(
        "\n[batch.a]\ninput = \"a.csv\"\noutput = \"a.csv\"\n",
        "batch `a`: expected another file than the input, found `a.csv` for both",
    );
    check(
        "\n[batch.a]\ninput = \"a.csv\"\noutput = \"c.csv\"\n[batch.b]\ninput = \"b.csv\"\noutput = \"c.csv\"\n",
        "batch `b`: expected a file that no other batch writes, found that of `a`: `c.csv`",
    );
    check("\n[batch.a]\ninput = \"a.csv\"\noutput = \"b.csv\"\nmax-errors = \"many\"\n", "a number of rows");
    check("\n[batch.a]\ninput = \"a.csv\"\noutput = \"b.csv\"\nwhen = \"never\"\n", "unknown variant `never`");
    let project = Project::diabetes();
    let none = project.run(&["batch"]).exits(exit_code::BAD_PROJECT).error();
    assert!(none.contains("expected `[batch]` in the project file, found none"), "{none}");
    project.append("\n[batch.a]\ninput = \"a.csv\"\noutput = \"b.csv\"\n");
    let unknown = project.run(&["batch", "b"]).exits(exit_code::BAD_PROJECT).error();
    assert!(unknown.contains("expected a name under `[batch]` (`a`), found `b`"), "{unknown}");
}
