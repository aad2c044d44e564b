//! Runs a process to its end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::bubblewrap::{self, JOB, Places};
use super::confinement::Confinement;
use super::error::{ProcessError, at};
use super::job::{Job, Limits, NetworkGrant, Program};
use super::means::{Means, Shim, text};
use super::namespaces::Namespaces;
use super::outcome::{Ended, Event, Limit, Outcome, Stream};
use super::spec::{Ceilings, Said, Spec, Step, View};
use super::stop::Stop;
use super::tail::{Lines, Tail};
use super::variables::variables;
use super::workspace::{SCRIPT, WRITABLE, Workspace};
use super::{outputs, tree, watch};
use crate::environment::Environment;

/// How often is looked at what a process does. Between two looks it can pass what is only sampled.
const POLL: Duration = Duration::from_millis(20);
/// How long pipes are read after the outermost helper is gone, and with it all that could write.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs processes, confined in the best way that was found on this machine.
#[derive(Debug, Clone)]
pub struct Supervisor {
    shim: Shim,
    means: Means,
}

/// Something that was heard from a process or its helpers.
enum Heard {
    Bytes(Stream, Vec<u8>),
    Said(Said),
}

impl Supervisor {
    /// Finds out what works on this machine.
    pub fn new(shim: Shim) -> Self {
        let means = Means::best(&shim);
        Self { shim, means }
    }

    /// One that confines in this way, whether or not it works.
    pub fn with(shim: Shim, means: Means) -> Self {
        Self { shim, means }
    }

    /// How it confines.
    pub fn means(&self) -> &Means {
        &self.means
    }

    /// Runs a job in an environment, and blocks until it and all that it started have ended. Whether it was cancelled is asked many times a second.
    pub fn run(
        &self,
        environment: &Environment,
        job: &Job,
        tell: &dyn Fn(Event),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Outcome, ProcessError> {
        let workspace = Workspace::new(job, self.means.view())?;
        let began = Instant::now();
        let (mut child, heard) = self.start(environment, job, workspace.path())?;
        let mut watched = Watched::new(&job.limits, workspace.path(), tell);
        let mut gone: Option<Instant> = None;
        loop {
            match heard.recv_timeout(POLL) {
                Ok(heard) => watched.hear(heard),
                Err(RecvTimeoutError::Disconnected) if gone.is_some() => break,
                Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(1)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if gone.is_some_and(|since| since.elapsed() > DRAIN) {
                break;
            }
            if gone.is_none() {
                gone = child.try_wait().map_err(at(&self.shim.program))?.map(|_| Instant::now());
            }
            if gone.is_none() && watched.is_due() {
                watched.look(child.id(), &self.means, began, cancelled);
            }
        }
        workspace.open_up();
        let program = self.name(job);
        watched.into_outcome(program, workspace, began.elapsed())
    }

    fn name(&self, job: &Job) -> String {
        match &job.program {
            Program::Script(_) => "python".to_owned(),
            Program::Named(name) => name.clone(),
        }
    }

    /// Starts the outermost helper, and threads that hear what comes from it.
    fn start(&self, environment: &Environment, job: &Job, dir: &Path) -> Result<(Child, Receiver<Heard>), ProcessError> {
        let spec = self.spec(environment, job, dir)?;
        let (reader, writer) = std::io::pipe().map_err(at(dir))?;
        let bin = text(&environment.dir().join("bin"))?;
        let tmp = format!("{}/tmp", spec.directory);
        let mut command = Command::new(&self.shim.program);
        command.args(&self.shim.arguments).arg(serde_json::to_string(&spec).expect("texts and numbers alone"));
        command.env_clear().envs(variables(&bin, &tmp, job.seed, job.threads));
        command.stdin(writer).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(at(&self.shim.program))?;
        // The command holds the pipe's writing end: as long as it is there, the reading end has none.
        drop(command);
        // Bounded, so that who writes faster than is read waits.
        let (sender, heard) = sync_channel(64);
        let streams: [(Stream, Option<Box<dyn Read + Send>>); 2] = [
            (Stream::Stdout, child.stdout.take().map(|stream| Box::new(stream) as _)),
            (Stream::Stderr, child.stderr.take().map(|stream| Box::new(stream) as _)),
        ];
        for (stream, source) in streams {
            let sender = sender.clone();
            let mut source = source.expect("both were asked for");
            thread::spawn(move || hear_bytes(stream, &mut source, &sender));
        }
        thread::spawn(move || hear_said(File::from(std::os::fd::OwnedFd::from(reader)), &sender));
        Ok((child, heard))
    }

    fn spec(&self, environment: &Environment, job: &Job, dir: &Path) -> Result<Spec, ProcessError> {
        let limits = &job.limits;
        let view = self.means.view();
        let directory = if view == View::New { JOB.to_owned() } else { text(dir)? };
        let places = environment.readable().map(text).into_iter().collect::<Result<Vec<_>, _>>()?;
        let shared_memory = limits.memory.min(limits.disk);
        let in_bubblewrap = Places { readable: &places, job: Some(dir), writable: &WRITABLE, shared_memory };
        let wrapper = self.means.wrapper(&self.shim, job.network, &in_bubblewrap)?;
        let mut readable = places;
        readable.push(directory.clone());
        readable.extend(bubblewrap::SYSTEM.map(str::to_owned));
        readable.extend(bubblewrap::ROOT.map(|name| format!("/{name}")));
        if job.network == NetworkGrant::Open {
            readable.extend(bubblewrap::NETWORK.map(str::to_owned));
        }
        let mut writable: Vec<_> = WRITABLE.iter().map(|name| format!("{directory}/{name}")).collect();
        if view == View::Private {
            // Its own, both.
            readable.push("/proc".to_owned());
            writable.push("/dev/shm".to_owned());
        }
        Ok(Spec {
            step: Step::Outer,
            supervisor: std::process::id(),
            wrapper,
            shim: self.means.shim(&self.shim)?,
            program: program(environment, job, &directory)?,
            directory,
            view,
            readable,
            writable,
            ceilings: Ceilings {
                cpu_seconds: limits.cpu.map(|time| time.as_secs().max(1)),
                data: limits.memory,
                file: limits.disk,
                open_files: limits.open_files,
                processes: limits.processes,
                shared_memory,
            },
            network: job.network,
            demand: job.demand,
            outside: Namespaces::current(),
        })
    }
}

/// The command line of what runs.
fn program(environment: &Environment, job: &Job, directory: &str) -> Result<Vec<String>, ProcessError> {
    let start = match &job.program {
        Program::Script(_) => vec![text(&environment.program())?, "-s".to_owned(), format!("{directory}/{SCRIPT}")],
        Program::Named(name) => {
            let program = environment.dir().join("bin").join(name);
            let is_one = !name.contains('/') && !name.starts_with('.') && program.is_file();
            if !is_one {
                return Err(ProcessError::NoProgram(name.clone()));
            }
            vec![text(&program)?]
        }
    };
    Ok(start.into_iter().chain(job.arguments.iter().cloned()).collect())
}

fn hear_bytes(stream: Stream, source: &mut dyn Read, heard: &SyncSender<Heard>) {
    let mut buffer = vec![0; 64 << 10];
    // A failure to read is the end of what is written; how the process ended says the rest.
    while let Ok(read @ 1..) = source.read(&mut buffer) {
        if heard.send(Heard::Bytes(stream, buffer[..read].to_vec())).is_err() {
            return;
        }
    }
}

fn hear_said(pipe: File, heard: &SyncSender<Heard>) {
    // What is no line of a helper's is passed over: a process that got at the pipe could write anything.
    for line in BufReader::new(pipe.take(1 << 20)).lines().map_while(Result::ok) {
        let said = serde_json::from_str(&line).map(Heard::Said);
        if said.is_ok_and(|said| heard.send(said).is_err()) {
            return;
        }
    }
}

/// A process as it runs, and what is known of it.
struct Watched<'a> {
    limits: &'a Limits,
    tell: &'a dyn Fn(Event),
    writable: Vec<std::path::PathBuf>,
    device: u64,
    stdout: (Tail, Lines),
    stderr: (Tail, Lines),
    said: Vec<Said>,
    stop: Stop,
    limit: Option<Limit>,
    was_cancelled: bool,
    peak_memory: u64,
    looked: Instant,
    looks: u64,
}

impl<'a> Watched<'a> {
    fn new(limits: &'a Limits, dir: &Path, tell: &'a dyn Fn(Event)) -> Self {
        let stream = || (Tail::new(limits.kept), Lines::new(limits.told));
        Self {
            limits,
            tell,
            writable: WRITABLE.iter().map(|name| dir.join(name)).collect(),
            device: std::fs::metadata(dir).map_or(0, |found| found.dev()),
            stdout: stream(),
            stderr: stream(),
            said: vec![],
            stop: Stop::Not,
            limit: None,
            was_cancelled: false,
            peak_memory: 0,
            looked: Instant::now(),
            looks: 0,
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Bytes(stream, bytes) => {
                let (tail, lines) = if stream == Stream::Stdout { &mut self.stdout } else { &mut self.stderr };
                tail.push(&bytes);
                if !lines.push(&bytes, &mut |line| (self.tell)(Event::Line(stream, line))) {
                    (self.tell)(Event::Silenced(stream));
                }
            }
            Heard::Said(said) => {
                if let Said::Confined(confinement) = said {
                    (self.tell)(Event::Confined(confinement));
                }
                self.said.push(said);
            }
        }
    }

    /// Not after every line of a process that writes many.
    fn is_due(&mut self) -> bool {
        let is_due = self.looked.elapsed() >= POLL;
        if is_due {
            self.looked = Instant::now();
            self.looks += 1;
        }
        is_due
    }

    fn look(&mut self, outer: u32, means: &Means, began: Instant, cancelled: &dyn Fn() -> bool) {
        let helpers = means.helpers();
        let most = usize::try_from(self.limits.processes).unwrap_or(usize::MAX).saturating_add(8);
        // What is being killed is no longer counted but found.
        let all = tree::descendants(outer, if self.stop.is_killing() { usize::MAX } else { most });
        if self.stop.is_killing() {
            return self.stop.go_on(&all, means, self.limits.grace, self.tell);
        }
        let its: Vec<_> = all.iter().copied().filter(|process| process.depth > helpers).collect();
        // Who multiplies is stopped before anything else is asked of so many.
        let mut seen = match its.len() as u64 > self.limits.processes {
            true => watch::Seen { memory: 0, threads: its.len() as u64 },
            false => watch::look(&its, self.limits.memory),
        };
        let mut stored = watch::Stored::default();
        // Walks and lists of open files take longer than the rest, and disks are slower to fill than memory.
        if self.looks.is_multiple_of(3) && seen.threads <= self.limits.processes {
            for found in self.writable.iter().map(|dir| watch::stored(dir)) {
                stored.bytes = stored.bytes.saturating_add(found.bytes);
                stored.entries = stored.entries.saturating_add(found.entries);
            }
            let (disk, memory) = watch::nameless(&its, self.device);
            stored.bytes = stored.bytes.saturating_add(disk);
            seen.memory = seen.memory.saturating_add(memory);
        }
        self.peak_memory = self.peak_memory.max(seen.memory);
        if self.limit.is_none() && !self.was_cancelled {
            if let Some(limit) = watch::passed(self.limits, seen, stored) {
                self.limit = Some(limit);
                (self.tell)(Event::Killed);
                self.stop.kill();
            } else if began.elapsed() > self.limits.time {
                self.limit = Some(Limit::Time);
                self.stop.ask();
            } else if cancelled() {
                self.was_cancelled = true;
                self.stop.ask();
            }
        }
        self.stop.go_on(&all, means, self.limits.grace, self.tell);
    }

    fn into_outcome(mut self, program: String, workspace: Workspace, wall: Duration) -> Result<Outcome, ProcessError> {
        for (stream, (_, lines)) in [(Stream::Stdout, &mut self.stdout), (Stream::Stderr, &mut self.stderr)] {
            lines.finish(&mut |line| (self.tell)(Event::Line(stream, line)));
        }
        let stopped = self.limit.is_some() || self.was_cancelled;
        let (confinement, ended) = told(self.said, stopped, self.stop.is_killing(), program, &self.stderr.0)?;
        let (outputs, refused) = outputs::collect(&workspace.path().join("out"), self.limits);
        let limit = if self.was_cancelled { None } else { self.limit.or_else(|| given_up(ended, &self.stderr.0)) };
        Ok(Outcome {
            ended,
            limit,
            was_cancelled: self.was_cancelled,
            confinement,
            outputs,
            refused,
            stdout: self.stdout.0,
            stderr: self.stderr.0,
            wall,
            peak_memory: Some(self.peak_memory).filter(|peak| *peak > 0),
            _workspace: workspace,
        })
    }
}

/// What the helpers said: what confinement there was, and how the process ended.
fn told(
    said: Vec<Said>,
    stopped: bool,
    was_killed: bool,
    program: String,
    stderr: &Tail,
) -> Result<(Confinement, Ended), ProcessError> {
    let (mut confinement, mut ended, mut wrapper) = (None, None, None);
    for said in said {
        match said {
            // The first word counts: all that comes later may be the process's own.
            Said::Confined(found) => confinement = confinement.or(Some(found)),
            Said::Ended(found) => ended = ended.or(Some(found)),
            Said::Wrapper(found) => wrapper = wrapper.or(Some(found)),
            Said::Unconfined(missing) if confinement.is_none() => return Err(ProcessError::Unconfined { missing }),
            Said::Failed(message) if confinement.is_none() => return Err(ProcessError::Confine { message }),
            Said::NotStarted(message) if ended.is_none() => return Err(ProcessError::Start { program, message }),
            Said::Unconfined(_) | Said::Failed(_) | Said::NotStarted(_) => {}
        }
    }
    // A wrapper whose process was killed says its own end and not that one's.
    match (confinement, ended.or(wrapper.filter(|_| !was_killed))) {
        (Some(confinement), Some(ended)) => Ok((confinement, ended)),
        // The helpers were killed with it, which only a signal can have done.
        (Some(confinement), None) => Ok((confinement, Ended::Signalled(9))),
        (None, _) if stopped => Err(ProcessError::Stopped),
        (None, _) => Err(ProcessError::Confine { message: stderr.text().trim().to_owned() }),
    }
}

/// The limit at which a process gave up by itself. Where the kernel refuses memory, disk or a process, only the process knows why it then failed: Python says it in the last
/// line of its standard error.
fn given_up(ended: Ended, stderr: &Tail) -> Option<Limit> {
    const SIGXCPU: i32 = 24;
    const SIGXFSZ: i32 = 25;
    match ended {
        Ended::Exited(0) => None,
        Ended::Signalled(SIGXCPU) => Some(Limit::Cpu),
        Ended::Signalled(SIGXFSZ) => Some(Limit::Disk),
        Ended::Signalled(_) => None,
        Ended::Exited(_) => {
            let text = stderr.text();
            let last = text.trim_end().lines().last().unwrap_or_default();
            let starts = |words: &[&str]| words.iter().any(|word| last.starts_with(word));
            if starts(&["MemoryError", "numpy._core._exceptions._ArrayMemoryError", "numpy.core._exceptions._ArrayMemoryError"]) {
                Some(Limit::Memory)
            } else if starts(&["OSError: [Errno 27]", "OSError: [Errno 28]"]) {
                Some(Limit::Disk)
            } else if starts(&["BlockingIOError: [Errno 11]", "RuntimeError: can't start new thread"]) {
                Some(Limit::Processes)
            } else {
                None
            }
        }
    }
}
