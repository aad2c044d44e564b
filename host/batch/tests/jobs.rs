//! Whole jobs, with a scorer that is no guest: what the machinery promises whatever the model is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sprag_batch::*;
use sprag_core::digest::Digest;
use sprag_data::*;
use sprag_runtime::{Cancel, StageFailure};
use sprag_schemas::batch::BatchSummary;
use tempfile::TempDir;

/// A model that doubles `x`, refuses rows in which it is 13, and fails where it is -1.
struct Doubler<'a>(&'a AtomicU32);

impl Score for Doubler<'_> {
    fn score(&mut self, rows: &Table) -> Result<Table, Unscored> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let x = rows.column_f64("x").unwrap();
        if x.contains(&-1.0) {
            return Err(Unscored::Failed(StageFailure::Host("it is broken".to_owned())));
        }
        if x.contains(&13.0) {
            return Err(Unscored::Refused("thirteen is refused".to_owned()));
        }
        let column = Column { values: Values::Floats(x.iter().map(|x| 2.0 * x).collect()), validity: None };
        Ok(Table::from_columns(vec![field("prediction")], vec![column]).unwrap())
    }
}

struct Doublers(AtomicU32);

impl<'a> Scorers for &'a Doublers {
    type Score = Doubler<'a>;

    fn make(&self) -> Result<Self::Score, StageFailure> {
        Ok(Doubler(&self.0))
    }
}

fn field(name: &str) -> Field {
    Field { name: name.to_owned(), dtype: DType::Float, nullable: false }
}

fn model() -> JobModel {
    let (inputs, outputs) = (vec![field("x")], vec![field("prediction")]);
    JobModel { name: "doubler@1".to_owned(), digest: Digest::of(b"doubler"), inputs, outputs }
}

struct Place {
    folder: TempDir,
    scorers: Doublers,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), scorers: Doublers(AtomicU32::new(0)) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes an input with these values of `x`.
    fn input(&self, values: impl Iterator<Item = String>) -> PathBuf {
        let text: String = values.enumerate().map(|(id, x)| format!("{id},{x},text {id}\n")).collect();
        std::fs::write(self.path("in.csv"), format!("id,x,note\n{text}")).unwrap();
        self.path("in.csv")
    }

    fn numbers(&self, count: usize) -> PathBuf {
        self.input((0..count).map(|x| format!("{}", x as f64 * 0.5 + 100.0)))
    }

    /// A job with blocks of some tens of rows.
    fn job(&self, output: &str) -> BatchJob {
        BatchJob { block_rows: Some(8), threads: Some(2), ..BatchJob::new(Source::new(self.path("in.csv")), self.path(output)) }
    }

    fn run(&self, job: &BatchJob) -> Result<BatchSummary, BatchError> {
        job.run(&model(), &&self.scorers, &|_| (), &Cancel::default())
    }

    /// Runs a job that is stopped when it has so many rows.
    fn stop_at(&self, job: &BatchJob, rows: u64) {
        let cancel = Cancel::default();
        let observer = |progress: &Progress| {
            if progress.rows >= rows {
                cancel.request();
            }
        };
        assert!(matches!(job.run(&model(), &&self.scorers, &observer, &cancel), Err(BatchError::Cancelled)));
        assert!(!job.output.exists());
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all files there, sorted.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn error(result: Result<BatchSummary, BatchError>, place: &Place) -> String {
    result.unwrap_err().to_string().replace(&format!("{}/", place.folder.path().display()), "")
}

#[test]
fn rows_go_out_with_their_predictions_in_order_and_nothing_else_is_left() {
    let place = Place::new();
    place.numbers(1000);
    let summary = place.run(&place.job("out.csv")).unwrap();
    let expected: String = (0..1000)
        .map(|id| {
            let x = id as f64 * 0.5 + 100.0;
            format!("{id},{x},text {id},{:?}\n", 2.0 * x)
        })
        .collect();
    assert_eq!(place.text("out.csv"), format!("id,x,note,prediction\n{expected}"));
    assert_eq!((summary.input.rows, summary.output.rows, summary.rejects), (1000, 1000, None));
    assert_eq!(summary.output.digest, file_digest(place.path("out.csv")).unwrap().to_string());
    assert_eq!(summary.input.digest, file_digest(place.path("in.csv")).unwrap().to_string());
    assert_eq!(place.names(), ["in.csv", "out.csv"]);
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let place = Place::new();
    place.input((0..1000).map(|x| if x % 50 == 13 { "13".to_owned() } else { format!("{x}") }));
    for output in ["out.csv", "out.parquet"] {
        let digest = |threads| {
            let job = BatchJob { threads: Some(threads), tolerance: Tolerance::Rows(50), replace: true, ..place.job(output) };
            let summary = place.run(&job).unwrap();
            (summary.output.digest, summary.rejects.unwrap().digest)
        };
        let one = digest(1);
        assert_eq!([digest(2), digest(3), digest(8)], [one.clone(), one.clone(), one]);
    }
}

#[test]
fn rows_that_cannot_be_scored_go_elsewhere_up_to_a_limit() {
    let place = Place::new();
    // Rows 3, 14, 40 and 41 of 60: one that is no number, two that the model refuses, one without a value.
    let bad = |id: usize| match id {
        2 => "abc".to_owned(),
        13 | 39 => "13".to_owned(),
        40 => String::new(),
        id => format!("{}", 100 + id),
    };
    place.input((0..60).map(bad));
    let job = |tolerance: &str| BatchJob { tolerance: tolerance.parse().unwrap(), ..place.job("out.csv") };
    for tolerance in ["4", "7%"] {
        let summary = place.run(&BatchJob { replace: true, ..job(tolerance) }).unwrap();
        assert_eq!((summary.output.rows, summary.rejects.unwrap().rows), (56, 4));
    }
    assert_eq!(
        place.text("out.rejects.csv"),
        "refused_row,refused_line,refused_column,refused_reason,id,x,note\n\
         3,4,x,\"expected float, found `abc`\",2,abc,text 2\n\
         14,15,,thirteen is refused,13,13,text 13\n\
         40,41,,thirteen is refused,39,13,text 39\n\
         41,42,x,\"expected float, found no value\",40,,text 40\n"
    );
    assert_eq!(place.text("out.csv").lines().count(), 57);
    for name in ["out.csv", "out.rejects.csv"] {
        std::fs::remove_file(place.path(name)).unwrap();
    }
    for (tolerance, expected) in [
        ("0", "rows cannot be scored, and 0 may be refused; the first is row 3, line 4, column `x`: expected float, found `abc`"),
        ("1", "3 of 60 rows cannot be scored, and 1 may be refused; the first is row 3"),
        ("3", "4 of 60 rows cannot be scored, and 3 may be refused; the first is row 3"),
        ("6%", "4 of 60 rows cannot be scored, and 6% may be refused; the first is row 3"),
    ] {
        let message = error(place.run(&BatchJob { block_rows: Some(1000), ..job(tolerance) }), &place);
        assert!(message.contains(expected), "{tolerance}: {message}");
        assert_eq!(place.names(), ["in.csv"], "{tolerance}");
    }
}

#[test]
fn rejects_can_be_corrected_and_scored_again() {
    let place = Place::new();
    place.input(["1".to_owned(), "x".to_owned(), "3".to_owned()].into_iter());
    place.run(&BatchJob { tolerance: Tolerance::Rows(1), ..place.job("out.csv") }).unwrap();
    let again = Source::new(place.path("out.rejects.csv"));
    let message = error(place.run(&BatchJob::new(again.clone(), place.path("again.csv"))), &place);
    assert!(message.contains("expected float, found `x`"), "{message}");
    let job = BatchJob { tolerance: Tolerance::Rows(1), ..BatchJob::new(again, place.path("again.csv")) };
    place.run(&job).unwrap();
    assert_eq!(place.text("again.rejects.csv").lines().next().unwrap(), place.text("out.rejects.csv").lines().next().unwrap());
}

#[test]
fn a_job_that_was_stopped_goes_on_and_makes_the_same_bytes() {
    let place = Place::new();
    place.input((0..2000).map(|x| if x % 100 == 13 { "13".to_owned() } else { format!("{x}") }));
    for output in ["whole.csv", "whole.parquet"] {
        let tolerant = |name: &str| BatchJob { tolerance: Tolerance::Rows(100), replace: true, ..place.job(name) };
        let whole = place.run(&tolerant(output)).unwrap();
        let stopped = output.replace("whole", "stopped");
        let job = tolerant(&stopped);
        let mut last = 0;
        for rows in [1, 600, 1200] {
            place.stop_at(&job, rows);
            let journal = place.text(&format!(".{stopped}.sprag-progress"));
            assert!(journal.lines().count() > last, "{}", journal.lines().count());
            last = journal.lines().count();
        }
        // Some of a block, as after a kill in the midst of writing.
        use std::io::Write;
        for part in ["part", "progress"] {
            let path = place.path(&format!(".{stopped}.sprag-{part}"));
            std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"half of a line").unwrap();
        }
        let calls = place.scorers.0.load(Ordering::Relaxed);
        let summary = place.run(&job).unwrap();
        assert!(summary.resumed_at.unwrap() >= 1200, "{:?}", summary.resumed_at);
        assert!(place.scorers.0.load(Ordering::Relaxed) - calls < 500, "what was done is not done again");
        assert_eq!((summary.output.digest, summary.output.rows), (whole.output.digest, whole.output.rows));
        assert_eq!(summary.rejects.map(|file| file.digest), whole.rejects.map(|file| file.digest));
    }
    assert!(place.names().iter().all(|name| !name.starts_with('.')), "{:?}", place.names());
}

#[test]
fn a_job_that_is_another_begins_anew_and_says_why() {
    let place = Place::new();
    place.numbers(2000);
    let job = place.job("out.csv");
    let restarted = |changed: &BatchJob, model: &JobModel| {
        let summary = changed.run(model, &&place.scorers, &|_| (), &Cancel::default()).unwrap();
        std::fs::remove_file(place.path("out.csv")).unwrap();
        (summary.resumed_at, summary.restarted)
    };
    let because = |reason: &str| (None, Some(reason.to_owned()));
    place.stop_at(&job, 900);
    assert_eq!(restarted(&job, &JobModel { digest: Digest::of(b"other"), ..model() }), because("the model changed"));
    place.stop_at(&job, 900);
    assert_eq!(restarted(&BatchJob { kept: Kept::Only(vec![]), ..job.clone() }, &model()), because("the options changed"));
    place.stop_at(&job, 900);
    std::fs::write(place.path(".out.csv.sprag-part"), "something else").unwrap();
    assert_eq!(restarted(&job, &model()), because("what it had written is not there any more"));
    place.stop_at(&job, 900);
    assert_eq!(restarted(&BatchJob { restart: true, ..job.clone() }, &model()), (None, None));
    place.stop_at(&job, 900);
    let input = place.text("in.csv").replace("text 1999", "text 2999");
    std::fs::write(place.path("in.csv"), input).unwrap();
    assert_eq!(restarted(&job, &model()), because("the input changed"));
}

#[test]
fn a_model_that_fails_ends_the_job() {
    let place = Place::new();
    place.input((0..1000).map(|x| if x == 700 { "-1".to_owned() } else { format!("{}", x + 20) }));
    let job = BatchJob { tolerance: Tolerance::Percent(100.0), ..place.job("out.csv") };
    assert_eq!(error(place.run(&job), &place), "the scorer of doubler@1 it is broken");
    assert_eq!(place.names(), ["in.csv"]);
}

#[test]
fn what_cannot_be_done_is_said_at_once() {
    let place = Place::new();
    place.numbers(10);
    std::fs::write(place.path("there.csv"), "mine").unwrap();
    let refused = |job: BatchJob| error(place.run(&job), &place);
    assert_eq!(refused(place.job("there.csv")), "`there.csv` is there already");
    assert_eq!(refused(place.job("in.csv")), "expected different files for the input and the output, found `in.csv` for both");
    let rejects = BatchJob { rejects: Some(place.path("out.csv")), ..place.job("out.csv") };
    assert_eq!(refused(rejects), "expected different files for the output and the rejects, found `out.csv` for both");
    assert!(refused(place.job("none/out.csv")).contains("expected a folder"));
    assert_eq!(refused(place.job("out.xlsx")), "cannot tell the format of `out.xlsx`: expected an extension `csv` or `parquet`");
    let clash = JobModel { outputs: vec![field("x")], ..model() };
    let job = place.job("out.csv");
    let clashed = job.run(&clash, &&place.scorers, &|_| (), &Cancel::default());
    assert_eq!(error(clashed, &place), "the output `x` of the model has the name of a column of `in.csv`");
    let prefixed = BatchJob { prefix: "scored_".to_owned(), ..job };
    prefixed.run(&clash, &&place.scorers, &|_| (), &Cancel::default()).unwrap();
    assert!(place.text("out.csv").starts_with("id,x,note,scored_x\n"));
    assert_eq!(place.text("there.csv"), "mine");
    assert_eq!(place.names(), ["in.csv", "out.csv", "there.csv"]);
}

#[test]
fn two_jobs_do_not_write_one_output() {
    let place = Place::new();
    place.numbers(1000);
    let job = place.job("out.csv");
    let second = std::sync::OnceLock::new();
    let observer = |_: &Progress| {
        second.get_or_init(|| error(place.run(&job), &place));
    };
    job.run(&model(), &&place.scorers, &observer, &Cancel::default()).unwrap();
    assert_eq!(second.get().unwrap(), "another job is writing `out.csv`");
}

#[test]
fn an_input_that_changes_under_the_job_is_an_error() {
    let place = Place::new();
    let path: &Path = &place.numbers(1000);
    let observer = |progress: &Progress| {
        if progress.rows > 500 {
            use std::io::Write;
            std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"1,1,more\n").unwrap();
        }
    };
    let job = place.job("out.csv");
    let changed = job.run(&model(), &&place.scorers, &observer, &Cancel::default());
    assert_eq!(error(changed, &place), "`in.csv` changed while it was read");
    assert!(!place.path("out.csv").exists());
}
