//! Runs what a stage asks for in a Python that is WebAssembly: in this process, over folders of its own, and nothing else of the machine.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sprag_confine::{Input, InputSource};
use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_runtime::interpreter::{Entry, Folder, Interpreter, Output, Script, ScriptEnd, ScriptRun, Watch};
use sprag_runtime::process::{ProcessEnding, ProcessError, ProcessFinished, ProcessJob, ProcessOutput, ProcessWatch};
use sprag_schemas::record::{LogLevel, LogLine, ProcessConfinement, ProcessRecord, Tier};
use tempfile::TempDir;

use crate::files::{self, LeftFile};
use crate::hermetic;
use crate::run::{Staged, io, stage};

/// How often the disk is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Files that a script may leave.
const MOST_FILES: usize = 1000;

/// A Python that is ready.
#[derive(Debug, Clone)]
pub struct Sandbox {
    pub(crate) interpreter: Interpreter,
    /// The folder of Python's own library.
    pub(crate) library: PathBuf,
    /// The memory of a Python that has done its imports.
    pub(crate) image: PathBuf,
}

/// What a script of a stage finds imported already. Each takes its time in a stage no more, and all of them some of its memory.
pub(crate) const IMPORTS: &str = "\
import atexit, importlib.util, inspect, io, json, math, os, pickle, random, runpy, sys, traceback
import numpy, pandas, scipy.linalg, scipy.optimize, scipy.sparse, scipy.special, scipy.stats
import sklearn.cluster, sklearn.compose, sklearn.decomposition, sklearn.ensemble, sklearn.feature_extraction.text
import sklearn.feature_selection, sklearn.impute, sklearn.linear_model, sklearn.metrics, sklearn.model_selection
import sklearn.naive_bayes, sklearn.neighbors, sklearn.neural_network, sklearn.pipeline, sklearn.preprocessing
import sklearn.svm, sklearn.tree
";

/// How a script is begun: what an image has from the time it was made is set to what is so now. WASI has no working folder, so that it is entered here.
fn source(seed: u64) -> String {
    format!(
        "\
import atexit, importlib, numpy, os, random, runpy, sys
os.environ['SPRAG_SEED'] = '{seed}'
os.chdir('/job')
importlib.invalidate_caches()
random.seed({seed})
numpy.random.seed({seed} % 2**32)
try:
    runpy.run_path('/job/main.py', run_name='__main__')
finally:
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
"
    )
}

/// Makes the image that scripts start from.
pub(crate) fn imprint(interpreter: &Interpreter, library: &Path, image: &Path) -> std::io::Result<ScriptRun> {
    let folder = tempfile::Builder::new().prefix("sprag-job-").tempdir()?;
    folders(folder.path())?;
    let entry = Entry::Turn { source: IMPORTS.to_owned(), image: None };
    let script = script(library, folder.path(), entry, IMPRINT_MEMORY, IMPRINT_KEPT);
    interpreter.imprint(script, image, Arc::new(Unwatched))
}

/// The most memory that the imports may take; they take a tenth of it.
const IMPRINT_MEMORY: u64 = 2 << 30;

/// How much of what is written while an image is made is kept, to say what went wrong.
const IMPRINT_KEPT: u64 = 16 << 10;

/// Nobody.
struct Unwatched;

impl Watch for Unwatched {
    fn goes_on(&self) -> bool {
        true
    }

    fn told(&self, _: Output, _: &str) {}
}

/// Runs a script to its end.
pub(crate) fn run(
    name: &str,
    sandbox: &Sandbox,
    job: ProcessJob,
    watch: &Arc<dyn ProcessWatch>,
) -> Result<ProcessFinished, ProcessError> {
    let folder = Arc::new(tempfile::Builder::new().prefix("sprag-job-").tempdir().map_err(io("make a temporary folder"))?);
    let Staged { inputs, digests } = lay_out(folder.path(), job.inputs, &job.script)?;
    let entry = Entry::Turn { source: source(job.seed), image: Some(sandbox.image.clone()) };
    let mut script = script(&sandbox.library, folder.path(), entry, job.limits.memory, job.limits.stderr);
    script.seed = job.seed;
    let (started, deadline) = (Instant::now(), Instant::now() + job.time);
    let overseer = Arc::new(Overseer::new(folder.path(), &job.limits, deadline, watch.clone()));
    let ran = sandbox.interpreter.run(script, overseer.clone()).map_err(io("run the script"))?;
    drop(inputs);
    let ending = overseer.ending(&ran.end);
    let (outputs, ending) = match ending {
        ProcessEnding::Exited(_) => left(&folder, job.limits.artifacts.saturating_add(job.limits.model), ending)
            .map_err(io("read what the script left"))?,
        ending => (vec![], ending),
    };
    let mut output_digests = BTreeMap::new();
    for output in &outputs {
        let digest = files::digest(output.bytes.as_ref()).map_err(io("read what the script left"))?;
        output_digests.insert(output.name.clone(), digest.to_string());
    }
    let record = ProcessRecord {
        environment: name.to_owned(),
        tier: Tier::Hermetic,
        lock: hermetic::digest().to_string(),
        python: hermetic::PYTHON.to_owned(),
        platform: "wasm32-wasip1".to_owned(),
        script: Digest::of(job.script.as_bytes()).to_string(),
        inputs: digests,
        outputs: output_digests,
        ended: ended(&ending),
        confinement: ProcessConfinement {
            file_system: "WebAssembly".to_owned(),
            network: "WebAssembly".to_owned(),
            processes: "WebAssembly".to_owned(),
            privileges: "dropped".to_owned(),
        },
        duration_ms: started.elapsed().as_secs_f64() * 1000.0,
        peak_memory: Some(ran.peak_memory),
    };
    Ok(ProcessFinished { ending, outputs, stderr: last_words(&ran, job.limits.stderr), record })
}

/// Makes the folders that there are for every script.
fn folders(root: &Path) -> std::io::Result<()> {
    let all = ["job/in", "job/out", "tmp", "root/usr/local/lib", "root/job", "root/tmp", "staged"];
    all.into_iter().try_for_each(|folder| std::fs::create_dir_all(root.join(folder)))
}

/// Lays out the folders that a script sees: those of a process in the other tier, so that one script runs in either.
fn lay_out(
    root: &Path,
    given: Vec<(String, sprag_runtime::process::ProcessInput)>,
    script: &str,
) -> Result<Staged, ProcessError> {
    let failed = io("lay out the folders of a script");
    folders(root).map_err(&failed)?;
    std::fs::write(root.join("job/main.py"), script).map_err(&failed)?;
    let staged = stage(&root.join("staged"), given)?;
    for Input { name, source } in &staged.inputs {
        let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) && !name.is_empty();
        if !is_plain {
            return Err(ProcessError::BadJob(format!(
                "expected the name of an input to be a path below its folder, found `{name}`"
            )));
        }
        let path = root.join("job/in").join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(root)).map_err(&failed)?;
        match source {
            InputSource::Bytes(bytes) => std::fs::write(&path, bytes).map_err(&failed)?,
            InputSource::File(from) => std::fs::rename(from, &path).map_err(&failed)?,
        }
    }
    Ok(staged)
}

/// A script over the folders below `root`: always the same ones in the same order, as an image asks for.
fn script(library: &Path, root: &Path, entry: Entry, memory: u64, kept: u64) -> Script {
    let variables = [
        ("HOME", "/tmp"),
        ("TMPDIR", "/tmp"),
        ("LANG", "C.UTF-8"),
        ("PYTHONHASHSEED", "0"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONTZPATH", ""),
    ];
    let folder = |here: PathBuf, there: &str, is_writable: bool| Folder { here, there: there.to_owned(), is_writable };
    Script {
        entry,
        variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        folders: vec![
            folder(library.to_owned(), "/usr/local/lib", false),
            folder(root.join("root"), "/", false),
            folder(root.join("job"), "/job", true),
            folder(root.join("tmp"), "/tmp", true),
        ],
        memory,
        seed: 0,
        kept,
    }
}

/// Looks after a script while it runs, and knows why it was ended.
struct Overseer {
    root: PathBuf,
    disk: u64,
    deadline: Instant,
    watch: Arc<dyn ProcessWatch>,
    looked: std::sync::Mutex<Instant>,
    is_full: AtomicBool,
    is_late: AtomicBool,
    /// How many more bytes of lines go into the log of the run.
    left_to_tell: AtomicU64,
}

impl Overseer {
    fn new(root: &Path, limits: &Limits, deadline: Instant, watch: Arc<dyn ProcessWatch>) -> Self {
        let looked = std::sync::Mutex::new(Instant::now());
        Self {
            root: root.to_owned(),
            disk: limits.disk,
            deadline,
            watch,
            looked,
            is_full: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
            left_to_tell: AtomicU64::new(limits.logs),
        }
    }

    fn ending(&self, end: &ScriptEnd) -> ProcessEnding {
        match end {
            // A script may be faster than the look at what it wrote.
            ScriptEnd::Exited(_) if size(&self.root.join("job/out")) > self.disk => ProcessEnding::Limit("disk"),
            ScriptEnd::Exited(code) => ProcessEnding::Exited(*code),
            ScriptEnd::Memory => ProcessEnding::Limit("memory"),
            ScriptEnd::Stopped if self.is_full.load(Ordering::Relaxed) => ProcessEnding::Limit("disk"),
            ScriptEnd::Stopped if self.is_late.load(Ordering::Relaxed) => ProcessEnding::Limit("time"),
            ScriptEnd::Stopped => ProcessEnding::Cancelled,
            ScriptEnd::Trapped(_) => ProcessEnding::Exited(1),
        }
    }
}

impl Watch for Overseer {
    fn goes_on(&self) -> bool {
        let now = Instant::now();
        if now >= self.deadline {
            self.is_late.store(true, Ordering::Relaxed);
            return false;
        }
        let mut looked = self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if now.duration_since(*looked) >= LOOK {
            *looked = now;
            if size(&self.root.join("job/out")) + size(&self.root.join("tmp")) > self.disk {
                self.is_full.store(true, Ordering::Relaxed);
                return false;
            }
        }
        !self.watch.is_over()
    }

    fn told(&self, from: Output, line: &str) {
        let length = line.len() as u64 + 1;
        let is_told = self.left_to_tell.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(length)).is_ok();
        if !is_told {
            self.left_to_tell.store(0, Ordering::Relaxed);
            return;
        }
        let stream = match from {
            Output::Stdout => "stdout",
            Output::Stderr => "stderr",
        };
        let fields = [("stream".to_owned(), stream.to_owned())].into();
        self.watch.told(LogLine { level: LogLevel::Info, message: escaped(line), fields });
    }
}

/// The bytes of the files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The files that a script left, in the order of their names. What is no file, and what is too much, is refused.
fn left(folder: &Arc<TempDir>, most: u64, ending: ProcessEnding) -> std::io::Result<(Vec<ProcessOutput>, ProcessEnding)> {
    let root = folder.path().join("job/out");
    let (mut open, mut found, mut total) = (vec![root.clone()], vec![], 0);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let metadata = std::fs::symlink_metadata(&path)?;
            let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
            if metadata.is_dir() {
                open.push(path);
            } else if metadata.is_file() {
                total += metadata.len();
                found.push((name, path, metadata.len()));
            } else {
                return Ok((vec![], ProcessEnding::Refused(format!("`out/{name}`: no regular file"))));
            }
            if found.len() > MOST_FILES || total > most {
                return Ok((vec![], ProcessEnding::Refused(format!("`out`: more than {MOST_FILES} files or {most} bytes"))));
            }
        }
    }
    found.sort();
    let keeper: Arc<dyn std::any::Any + Send + Sync> = folder.clone();
    let outputs = found
        .into_iter()
        .map(|(name, path, length)| Ok(ProcessOutput { name, bytes: Arc::new(LeftFile::open(&path, length, keeper.clone())?) }));
    Ok((outputs.collect::<std::io::Result<_>>()?, ending))
}

/// A line in which no character acts on a terminal.
fn escaped(line: &str) -> String {
    line.chars().fold(String::new(), |mut text, c| {
        if c.is_control() && c != '\t' {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
        text
    })
}

fn last_words(ran: &ScriptRun, most: u64) -> String {
    let words = match &ran.end {
        ScriptEnd::Trapped(how) => format!("{}\ntrapped: {how}", ran.stderr),
        _ => ran.stderr.clone(),
    };
    let cut = words.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
    words[words.ceil_char_boundary(cut)..].to_owned()
}

fn ended(ending: &ProcessEnding) -> String {
    match ending {
        ProcessEnding::Exited(code) => format!("exit code {code}"),
        ProcessEnding::Signalled(signal) => format!("signal {signal}"),
        ProcessEnding::Refused(what) => format!("left {what}"),
        ProcessEnding::Limit(key) => format!("limit `{key}`"),
        ProcessEnding::Cancelled => "cancelled".to_owned(),
    }
}
