//! A ridge fit by a guest whose host computes, beside scikit-learn and beside the arithmetic alone in NumPy: data in memory, as many threads, in turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use sprag_runtime::Runtime;

use crate::inside::{call, table};
use crate::measure::{Report, Times, ms};
use crate::python::Python;

const ROUNDS: usize = 7;

/// What the guest may have: it is the same for both sizes, and a fiftieth of the larger table.
const GUEST_MEMORY: u64 = 16 << 20;

/// Fits once by each way for each line on standard input. `floor` checks and copies nothing, and takes the means out of the sums.
const RIVALS: &str = r#"
import sys, time
import numpy as np, scipy.linalg
from sklearn.linear_model import Ridge
rows, columns = int(sys.argv[1]), int(sys.argv[2])
random = np.random.default_rng(7)
x = random.random((rows, columns)) - 0.5
y = random.random(rows) - 0.5
def scikit():
    Ridge(alpha=1.0, solver="cholesky").fit(x, y)
def floor():
    mean, centre = x.mean(axis=0), y.mean()
    gram = x.T @ x - rows * np.outer(mean, mean)
    gram[np.diag_indices_from(gram)] += 1.0
    scipy.linalg.cho_solve(scipy.linalg.cho_factor(gram), x.T @ y - rows * mean * centre)
for line in sys.stdin:
    for way in (scikit, floor):
        t = time.perf_counter(); way(); print(time.perf_counter() - t, flush=True)
"#;

pub(crate) fn run(report: &mut Report, scratch: &Path, python: &Python) {
    let runtime = Runtime::new(Some(&scratch.join("code"))).expect("the engine starts");
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts");
    let (_, trainer, digest) = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").expect("it is built in");
    let trainer = runtime.load(*digest, trainer).expect("it compiles");
    let mut call = call(trainer, r#"{"alpha":1.0}"#);
    call.limits.memory = GUEST_MEMORY;
    for (rows, columns) in [(100_000, 50), (1_000_000, 100)] {
        let table = table(rows, columns + 1).with_roles(Some("c0"), None).expect("the column is there");
        let fit = || {
            let start = Instant::now();
            tokio.block_on(runtime.train(&call, &table, None)).result.expect("it trains, in the memory that it has");
            start.elapsed().as_secs_f64()
        };
        let what = format!("ridge fit, {rows} x {columns}, by the host for a guest of {} MiB", GUEST_MEMORY >> 20);
        let mut rivals = Rivals::start(python, rows, columns);
        let (mut ours, mut scikit, mut floor) = (vec![], vec![], vec![]);
        for round in 0..=ROUNDS {
            let taken = fit();
            let beside = rivals.as_mut().and_then(Rivals::fit);
            if round > 0 {
                ours.push(taken);
                scikit.extend(beside.map(|(scikit, _)| scikit));
                floor.extend(beside.map(|(_, floor)| floor));
            }
        }
        let ours = Times::of(ours).median();
        if scikit.is_empty() {
            report.add(&what, ms(ours), "no scikit-learn here".to_owned(), String::new(), None);
            continue;
        }
        for (theirs, whose, goal) in
            [(scikit, "scikit-learn, cholesky", Some("at or below it")), (floor, "NumPy, Gram and Cholesky alone", None)]
        {
            let theirs = Times::of(theirs).median();
            let ratio = format!("{:.2} of its time", ours / theirs);
            report.add(&what, ms(ours), format!("{} ({whose})", ms(theirs)), ratio, goal.map(|goal| (goal, ours <= theirs)));
        }
    }
}

/// A Python that fits when it is asked to.
struct Rivals {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Rivals {
    /// None where there is no scikit-learn.
    fn start(python: &Python, rows: usize, columns: usize) -> Option<Self> {
        if !python.has("sklearn") {
            return None;
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
        let mut child = Command::new(python.program())
            .args(["-c", RIVALS, &rows.to_string(), &columns.to_string()])
            .envs([("OPENBLAS_NUM_THREADS", &threads), ("OMP_NUM_THREADS", &threads), ("MKL_NUM_THREADS", &threads)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (ask, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self { child, ask, answers })
    }

    /// The seconds that scikit-learn took, and those of the arithmetic alone.
    fn fit(&mut self) -> Option<(f64, f64)> {
        writeln!(self.ask).ok()?;
        let mut seconds = || {
            let mut line = String::new();
            self.answers.read_line(&mut line).ok()?;
            line.trim().parse().ok()
        };
        Some((seconds()?, seconds()?))
    }
}

impl Drop for Rivals {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
