//! A whole job, from its options to its summary.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sprag_core::digest::{Digest, Hasher};
use sprag_data::{DataError, Field, Format, Kept, Lane, RowFile, RowPlan, Source, Strip, file_digest};
use sprag_runtime::{Cancel, StageFailure};
use sprag_schemas::batch::{BatchFile, BatchSummary};

use crate::error::BatchError;
use crate::files::{Existing, Files, commit, open_part};
use crate::journal::Identity;
use crate::pool;
use crate::resume::{Earlier, earlier};
use crate::score::Scorers;
use crate::sink::{InputDigest, Setup, Sink};
use crate::tolerance::Tolerance;
use crate::work::work;

/// The rows of a block, unless the job says otherwise: enough that a row group of Parquet is worth its header, few enough that some blocks for each
/// thread take little memory.
const BLOCK_ROWS: u32 = 128 << 10;

/// The most cells of a block, so that wide tables come in blocks of fewer rows.
const BLOCK_CELLS: usize = 4 << 20;

/// How long the digest of the input may still take after the job has stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// A job.
#[derive(Debug, Clone)]
pub struct BatchJob {
    /// The file to score.
    pub input: Source,
    /// The file to make.
    pub output: PathBuf,
    /// The format of the output; none to go by its extension.
    pub output_format: Option<Format>,
    /// The file for rows that are refused; none for one beside the output.
    pub rejects: Option<PathBuf>,
    /// How many rows may be refused.
    pub tolerance: Tolerance,
    /// The columns of the input to write again.
    pub kept: Kept,
    /// What comes before the names of the model's outputs.
    pub prefix: String,
    /// How many threads work; none for as many as there are cores.
    pub threads: Option<usize>,
    /// How many rows are read, scored and written at a time; none for what is best.
    pub block_rows: Option<u32>,
    /// Whether files that are there may be replaced.
    pub replace: bool,
    /// Whether to begin anew where an earlier attempt could be gone on with.
    pub restart: bool,
}

/// The model of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobModel {
    /// Its version or digest, for people.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
    /// What it reads.
    pub inputs: Vec<Field>,
    /// What it gives.
    pub outputs: Vec<Field>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many rows are done.
    pub rows: u64,
    /// How many of them were refused.
    pub refused: u64,
    /// How many rows there are, where the input says so.
    pub total: Option<u64>,
    /// How many bytes of a CSV file are done.
    pub bytes: u64,
}

impl BatchJob {
    /// A job with the defaults for everything that need not be said.
    pub fn new(input: Source, output: impl Into<PathBuf>) -> Self {
        Self {
            input,
            output: output.into(),
            output_format: None,
            rejects: None,
            tolerance: Tolerance::default(),
            kept: Kept::All,
            prefix: String::new(),
            threads: None,
            block_rows: None,
            replace: false,
            restart: false,
        }
    }

    /// Does the job.
    ///
    /// # Errors
    /// See [`BatchError`]. Nothing stands under the output's name then.
    pub fn run(
        &self,
        model: &JobModel,
        scorers: &impl Scorers,
        observer: &(dyn Fn(&Progress) + Send + Sync),
        cancel: &Cancel,
    ) -> Result<BatchSummary, BatchError> {
        let started = Instant::now();
        let format = self.output_format.or_else(|| Format::of_extension(&self.output));
        let format = format.ok_or_else(|| BatchError::UnknownFormat { path: self.output.clone() })?;
        let files = self.files();
        files.check()?;
        let plan = self.plan(model, format)?;
        let before = stamp(&files.input)?;
        let journal = open_part(&files.journal())?;
        if journal.try_lock().is_err() {
            return Err(BatchError::Busy { path: self.output.clone() });
        }
        let attempt = Attempt { job: self, files: &files, plan: &plan, model, format };
        let outcome = attempt.run(journal, scorers, observer, cancel, started).and_then(|summary| {
            let is_same = stamp(&files.input)? == before;
            if is_same { Ok(summary) } else { Err(DataError::Changed { path: files.input.clone() }.into()) }
        });
        match outcome {
            Ok(Done { summary, output, rejects }) => {
                if let Some(rejects) = rejects {
                    commit(&rejects, &files.rejects_part(), &files.rejects)?;
                } else if self.replace {
                    let _gone = std::fs::remove_file(&files.rejects);
                }
                commit(&output, &files.output_part(), &files.output)?;
                files.sweep();
                Ok(BatchSummary { seconds: started.elapsed().as_secs_f64(), ..summary })
            }
            Err(error) => {
                if !error.keeps_progress() {
                    files.sweep();
                }
                Err(error)
            }
        }
    }

    fn files(&self) -> Files {
        let rejects = self.rejects.clone().unwrap_or_else(|| self.output.with_extension("rejects.csv"));
        Files { input: self.input.path.clone(), output: self.output.clone(), rejects }
    }

    fn plan(&self, model: &JobModel, format: Format) -> Result<RowPlan, BatchError> {
        let file = RowFile::open(&self.input)?;
        let most = BLOCK_CELLS / (file.columns().len() + model.outputs.len()).max(1);
        let block_rows = self.block_rows.unwrap_or_else(|| BLOCK_ROWS.min(u32::try_from(most).unwrap_or(BLOCK_ROWS)));
        Ok(RowPlan::new(file, &model.inputs, &self.kept, &self.output_fields(model), format, block_rows)?)
    }

    fn output_fields(&self, model: &JobModel) -> Vec<Field> {
        let named = |field: &Field| Field { name: format!("{}{}", self.prefix, field.name), ..field.clone() };
        model.outputs.iter().map(named).collect()
    }

    /// The options that bear on the bytes, as text.
    fn options(&self, format: Format) -> String {
        let Source { format: input_format, columns, delimiter, null_values, max_line_bytes, .. } = &self.input;
        let input = (input_format, columns, delimiter, null_values, max_line_bytes);
        format!("{input:?} {format:?} {:?} {:?} {:?}", self.kept, self.prefix, self.block_rows)
    }
}

/// One attempt at a job.
struct Attempt<'a> {
    job: &'a BatchJob,
    files: &'a Files,
    plan: &'a RowPlan,
    model: &'a JobModel,
    format: Format,
}

/// An output that is whole and not yet under its name.
struct Done {
    summary: BatchSummary,
    output: std::fs::File,
    rejects: Option<std::fs::File>,
}

impl Attempt<'_> {
    fn run(
        &self,
        mut journal: std::fs::File,
        scorers: &impl Scorers,
        observer: &(dyn Fn(&Progress) + Send + Sync),
        cancel: &Cancel,
        started: Instant,
    ) -> Result<Done, BatchError> {
        let input_digest: InputDigest = OnceLock::new();
        let earlier = self.earlier(&mut journal, &input_digest)?;
        if earlier.entries.is_empty() {
            let existing = if self.job.replace { Existing::Replace } else { Existing::Keep };
            self.files.check_free(existing)?;
        }
        let failed = |error| BatchError::io("write", &self.files.journal(), error);
        journal.set_len(0).and_then(|()| journal.seek(SeekFrom::Start(0))).map_err(failed)?;
        let setup = Setup {
            plan: self.plan,
            files: self.files,
            journal,
            identity: Box::new(|input| self.identity(input)),
            input_digest: &input_digest,
            tolerance: self.job.tolerance,
            observer,
        };
        let mut sink = Sink::new(setup, &earlier)?;
        let resumed_at = sink.position().map(|at| at.rows);
        let threads = self.job.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
        let stopped = OnceLock::new();
        let outcome = std::thread::scope(|scope| {
            // Read once more for its digest, at the same time: the pages are in the system's cache then.
            scope.spawn(|| digest_until(&self.files.input, &input_digest, &stopped));
            let outcome = self.blocks(threads, scorers, &mut sink, cancel);
            if outcome.is_err() {
                let _first = stopped.set(Instant::now());
            }
            outcome
        });
        if outcome.is_err() {
            // What waited for the digest is of use to the next attempt.
            let _kept = sink.write_journal();
        }
        outcome?;
        sink.finish()?;
        let input = match input_digest.get() {
            Some(digest) => *digest,
            None => file_digest(&self.files.input)?,
        };
        let seconds = started.elapsed().as_secs_f64();
        let rejects = (sink.refused > 0).then(|| file(&self.files.rejects, sink.rejects.state(), sink.refused));
        let summary = BatchSummary {
            model: self.model.name.clone(),
            model_digest: self.model.digest.to_string(),
            input: file(&self.files.input, (stamp(&self.files.input)?.0, input), sink.at.rows),
            output: file(&self.files.output, sink.output.state(), sink.written),
            rejects,
            threads,
            resumed_at,
            restarted: earlier.discarded.map(str::to_owned),
            seconds,
            rows_per_second: (sink.at.rows - resumed_at.unwrap_or(0)) as f64 / seconds,
        };
        Ok(Done { summary, rejects: (sink.refused > 0).then_some(sink.rejects.file), output: sink.output.file })
    }

    /// What an earlier attempt has left that is of use, as its journal says.
    fn earlier(&self, journal: &mut std::fs::File, input_digest: &InputDigest) -> Result<Earlier, BatchError> {
        let mut text = Vec::new();
        journal.read_to_end(&mut text).map_err(|error| BatchError::io("read", &self.files.journal(), error))?;
        if text.is_empty() || self.job.restart {
            return Ok(Earlier::default());
        }
        let input = file_digest(&self.files.input)?;
        let _set = input_digest.set(input);
        earlier(self.files, &text, &self.identity(input))
    }

    fn identity(&self, input: Digest) -> Identity {
        Identity::new(input, self.model.digest, self.job.options(self.format))
    }

    fn blocks(&self, threads: usize, scorers: &impl Scorers, sink: &mut Sink<'_>, cancel: &Cancel) -> Result<(), BatchError> {
        let named = |failure: StageFailure| BatchError::Scorer { model: self.model.name.clone(), failure };
        let most = self.job.tolerance.most(self.plan.file().row_count());
        let lanes = self.plan.lanes(sink.position())?;
        let read = |mut lane: Lane| {
            move || -> Result<Option<Strip>, BatchError> {
                if cancel.is_requested() { Err(BatchError::Cancelled) } else { Ok(lane.read_next()?) }
            }
        };
        pool::run(
            threads,
            lanes.into_iter().map(read).collect(),
            || scorers.make().map_err(named),
            |scorer, strips| work(self.plan, scorer, self.plan.block(strips)?, most, &named),
            |worked| sink.take(worked),
            || self.plan.uneven().into(),
        )
    }
}

/// Digests a file, where its digest is not known yet. Some time after the job has stopped the rest of the file is left: a person waits.
fn digest_until(path: &Path, digest: &InputDigest, stopped: &OnceLock<Instant>) {
    let is_over = || stopped.get().is_some_and(|at: &Instant| at.elapsed() > PATIENCE);
    let hash = || -> std::io::Result<Option<Digest>> {
        let (mut file, mut hasher, mut buffer) = (std::fs::File::open(path)?, Hasher::new(), vec![0; 256 << 10]);
        while !is_over() {
            match file.read(&mut buffer)? {
                0 => return Ok(Some(hasher.finish())),
                read => hasher.update(&buffer[..read]),
            }
        }
        Ok(None)
    };
    // A file that cannot be read is an error where it is read for its rows.
    if digest.get().is_none()
        && let Ok(Some(found)) = hash()
    {
        let _set = digest.set(found);
    }
}

fn file(path: &Path, (bytes, digest): (u64, Digest), rows: u64) -> BatchFile {
    BatchFile { path: path.display().to_string(), digest: digest.to_string(), bytes, rows }
}

/// What shows that a file was written to: its length and the time of its last change.
fn stamp(path: &Path) -> Result<(u64, Option<std::time::SystemTime>), BatchError> {
    let metadata = std::fs::metadata(path).map_err(|error| BatchError::io("read", path, error))?;
    Ok((metadata.len(), metadata.modified().ok()))
}
