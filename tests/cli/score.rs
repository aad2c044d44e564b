//! Batch scoring: files through a registered model, whatever the files are and whatever happens on the way.

use std::time::{Duration, Instant};

use sprag_schemas::batch::BatchSummary;
use sprag_schemas::exit_code;

use crate::context::{Project, Sprag};

/// A project whose model predicts `y` from `a`, with an input of so many rows beside it.
fn project(rows: usize) -> Project {
    let project = Project::small("a,y\n1.5,2\n2,4.5\n3,6.5\n4,8\n5,9.5\n6,12.5\n7,14\n8,15.5\n9,18.5\n10,20\n");
    project.append("\n[stages.register]\nplugin = \"register-local\"\n");
    let _ = project.run(&["run"]).ok();
    let rows: String = (0..rows).map(|id| format!("{id},{},note {id}\n", id as f64 * 0.25)).collect();
    project.write("in.csv", format!("id,a,note\n{rows}"));
    project
}

const SCORE: [&str; 6] = ["score", "small", "-i", "in.csv", "-o", "out.csv"];

fn score<'a>(project: &'a Project, args: &[&str]) -> Sprag<'a> {
    project.sprag(&[&SCORE[..], args].concat())
}

/// What is said of an input that cannot be scored.
#[track_caller]
fn refused(project: &Project, args: &[&str]) -> String {
    let said = score(project, args).run().exits(exit_code::BAD_PROJECT).error();
    assert!(!project.path("out.csv").exists(), "nothing is committed");
    let names: Vec<_> = std::fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("sprag-p")), "nothing is left: {names:?}");
    said
}

#[test]
fn a_version_is_named_as_everywhere() {
    let project = project(3);
    for (model, output) in [("small", "a.csv"), ("small@1", "b.csv"), ("1", "c.csv"), ("@production", "d.csv")] {
        let _ = project.run(&["score", model, "-i", "in.csv", "-o", output]).ok();
        assert_eq!(project.read(output), project.read("a.csv"), "{model}");
        let _ = project.run(&["model", "show", model]).ok();
    }
}

#[test]
fn the_scorer_of_the_evaluation_gives_the_predictions() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let score = |output: &str, args: &[&str]| {
        let args = [&["score", "diabetes@production", "-i", "data/diabetes.csv", "-o", output, "--json"], args].concat();
        project.run(&args).ok().json::<BatchSummary>()
    };
    let csv = score("out.csv", &[]);
    assert_eq!((csv.input.rows, csv.output.rows, csv.rejects, csv.model.as_str()), (442, 442, None, "diabetes@1"));
    let text = project.read("out.csv");
    let (input, mut lines) = (project.read("data/diabetes.csv"), text.lines());
    assert_eq!(lines.next(), Some("AGE,SEX,BMI,BP,S1,S2,S3,S4,S5,S6,Y,prediction"));
    for (before, after) in input.lines().skip(1).zip(lines) {
        assert!(after.starts_with(&format!("{before},")), "the row is as it was: {after}");
    }
    // Through Parquet and back to CSV, in other blocks: the same predictions to the last digit.
    score("out.parquet", &["--threads", "3", "--batch-rows", "100"]);
    let back = ["score", "diabetes@1", "-i", "out.parquet", "-o", "back.csv", "--prefix", "again_", "--json"];
    let back: BatchSummary = project.run(&back).ok().json();
    assert_eq!(back.model_digest, csv.model_digest);
    for line in project.read("back.csv").lines().skip(1) {
        let fields: Vec<_> = line.split(',').collect();
        assert_eq!(fields[11], fields[12], "{line}");
    }
    let predictions =
        |file: &str| project.read(file).lines().map(|line| line.split(',').nth(11).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(predictions("out.csv"), predictions("back.csv"));
}

#[test]
fn a_person_reads_what_was_done() {
    let project = project(3);
    project.write("in.csv", "id,a\n1,1\n2,x\n3,3\n");
    let told = score(&project, &["--max-errors", "1"]).run().ok().text();
    assert!(told.starts_with("2 rows scored with small@1 in "), "{told}");
    assert!(told.contains("\n  rejects   out.rejects.csv ") && told.ends_with(" 1 rows refused\n"), "{told}");
    assert_eq!(
        project.read("out.rejects.csv"),
        "refused_row,refused_line,refused_column,refused_reason,id,a\n2,3,a,\"expected float, found `x`\",2,x\n"
    );
    assert_eq!(project.read("out.csv").lines().map(|line| line.split(',').count()).collect::<Vec<_>>(), [3, 3, 3]);
}

#[test]
fn bad_input_is_told_and_nothing_is_left() {
    let project = project(3);
    let cases: [(&[u8], &str); 9] = [
        (b"", "expected a header line in `in.csv`, found an empty file"),
        (b"id,b\n1,2\n", "`in.csv` lacks the columns `a`, which the model reads; its columns are `id`, `b`"),
        (
            b"a\nx\n",
            "1 of 1 rows cannot be scored, and 0 may be refused; the first is row 1, line 2, column `a`: expected float, found `x`",
        ),
        (b"id,a\n1,\n", "row 1, line 2, column `a`: expected float, found no value"),
        (b"id,a\n1,2\n3\n", "row 2, line 3: expected 2 fields, found 1"),
        (b"id,a\n1,2\n3,\"4\n", "expected a closing quote in the quoted field that begins on line 3 of `in.csv`"),
        (b"id,a\n1,2\n\xff,3\n", "expected UTF-8 text in `in.csv`, found invalid UTF-8 on line 3"),
        (b"PAR1 and more", "found a Parquet file on line 1"),
        (b"a,a\n1,2\n", "two columns of `in.csv` are named `a`"),
    ];
    for (bytes, expected) in cases {
        project.write("in.csv", bytes);
        let said = refused(&project, &[]);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let long = format!("id,a\n1,{}\n", "7".repeat(17 << 20));
    project.write("in.csv", long);
    assert!(refused(&project, &[]).contains("line 2 of `in.csv` is longer than the limit of 16777216 bytes"));
    std::fs::remove_file(project.path("in.csv")).unwrap();
    assert!(refused(&project, &[]).contains("no file at `in.csv`"));
}

#[test]
fn a_parquet_file_that_is_cut_off_is_told() {
    let project = project(50_000);
    let whole = ["score", "small", "-i", "in.csv", "-o", "in.parquet"];
    let _ = project.run(&whole).ok();
    let bytes = std::fs::read(project.path("in.parquet")).unwrap();
    let run = || {
        let args = ["score", "small", "-i", "in.parquet", "-o", "again.parquet", "--prefix", "again_"];
        let run = project.run(&args);
        assert_eq!(project.path("again.parquet").exists(), run.code == Some(0));
        run
    };
    project.write("in.parquet", &bytes[..bytes.len() / 2]);
    let said = run().exits(exit_code::BAD_PROJECT).error();
    assert!(said.contains("the file does not end with `PAR1`: is it truncated?"), "{said}");
    project.write("in.parquet", b"");
    assert!(run().exits(exit_code::BAD_PROJECT).error().contains("the file is empty"));
    // Its ends are there, and what is between them is not what they say.
    let mut damaged = bytes.clone();
    damaged[4..4000].fill(0xa5);
    project.write("in.parquet", damaged);
    let _ = run().exits(exit_code::BAD_PROJECT);
    project.write("in.parquet", &bytes);
    let _ = run().ok();
}

#[test]
fn what_was_asked_for_must_make_sense() {
    let project = project(3);
    let said = |args: &[&str]| project.run(args).exits(exit_code::BAD_PROJECT).error();
    let with = |model: &str, output: &str| said(&["score", model, "-i", "in.csv", "-o", output]);
    assert!(with("other", "out.csv").contains("`other`"));
    assert!(with("small@9", "out.csv").contains("small@9") || with("small@9", "out.csv").contains("version 9"));
    assert!(with("small@staging", "out.csv").contains("staging"));
    assert!(with("small", "in.csv").contains("expected different files for the input and the output"));
    assert!(with("small", "none/out.csv").contains("expected a folder `none` to write in, found none"));
    assert!(with("small", "out.xlsx").contains("cannot tell the format of `out.xlsx`"));
    project.write("out.csv", "mine");
    let there = with("small", "out.csv");
    assert!(there.contains("`out.csv` is there already") && there.contains("hint: replace it with `--force`"), "{there}");
    assert_eq!(project.read("out.csv"), "mine");
    let _ = score(&project, &["--force"]).run().ok();
    assert_eq!(project.read("out.csv").lines().count(), 4);
    project.write("in.csv", "a,prediction\n1,2\n");
    let clash = with("small", "new.csv");
    assert!(
        clash.contains("the output `prediction` of the model has the name of a column") && clash.contains("--prefix"),
        "{clash}"
    );
}

#[test]
fn a_job_that_was_killed_goes_on_and_makes_the_same_file() {
    let project = project(400_000);
    let args = ["--batch-rows", "500", "--columns", "id"];
    let whole: BatchSummary = score(&project, &[&args[..], &["--json"]].concat()).run().ok().json();
    std::fs::remove_file(project.path("out.csv")).unwrap();
    let journal = project.path(".out.csv.sprag-progress");
    for lines in [3, 20, 60] {
        let job = score(&project, &args).start();
        let started = Instant::now();
        while std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count()) < lines {
            assert!(started.elapsed() < Duration::from_secs(60), "the journal has no {lines} lines");
            std::thread::sleep(Duration::from_millis(1));
        }
        job.kill();
        if project.path("out.csv").exists() {
            break;
        }
    }
    assert!(!project.path("out.csv").exists(), "it was killed before it was done");
    let resumed: BatchSummary = score(&project, &[&args[..], &["--json"]].concat()).run().ok().json();
    assert!(resumed.resumed_at.is_some_and(|row| row > 0 && row < 400_000), "{:?}", resumed.resumed_at);
    assert_eq!(resumed.output, whole.output);
}

#[test]
fn a_disk_that_fills_is_told_and_the_job_goes_on_afterwards() {
    let project = project(100_000);
    let script = format!("trap '' XFSZ; ulimit -f 1000; exec \"$SPRAG\" {} --batch-rows 500", SCORE.join(" "));
    let said = Sprag::of(&project, "sh".as_ref(), &["-c", &script]).run().exits(exit_code::INTERNAL).error();
    assert!(said.contains("the disk is full") && said.contains("hint: free some space and run again"), "{said}");
    assert!(!project.path("out.csv").exists());
    let summary: BatchSummary = score(&project, &["--batch-rows", "500", "--json"]).run().ok().json();
    assert!(summary.resumed_at.is_some_and(|row| row > 0), "{:?}", summary.resumed_at);
    assert_eq!(project.read("out.csv").lines().count(), 100_001);
}

#[test]
fn outputs_can_be_read_with_the_columns_that_were_asked_for() {
    let project = project(10);
    let _ = score(&project, &["--columns", "none"]).run().ok();
    assert_eq!(project.read("out.csv").lines().next(), Some("prediction"));
    let _ = score(&project, &["--columns", "note, id", "--force"]).run().ok();
    let csv = project.read("out.csv");
    assert!(csv.starts_with("id,note,prediction\n0,note 0,"), "{csv}");
}
