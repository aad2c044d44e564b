//! A language's interpreter as one WebAssembly module, which runs scripts in this very process: of the machine there is nothing but the folders that it is given.
//!
//! The module is one of WASI preview 1 that exports `run` (a reactor, with `_initialize` beside it) or `_start`. Clocks, random numbers and the environment are made from the seed, so that
//! the same script over the same folders gives the same bits. One that also exports `turn` and `host_alloc` takes sources one after another, and its memory can be kept between two of them:
//! imports are done once for a machine, not once for a script.

mod image;
mod output;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sprag_core::digest::Digest;
use sprag_schemas::manifest::Clock;
use wasmtime::{
    AsContextMut, Collector, Config, Engine, Instance, InstancePre, Linker, OptLevel, ResourceLimiter, Store, Trap,
    UpdateDeadline, WasmBacktraceDetails,
};
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_sync};
use wasmtime_wasi::{FsPerms, I32Exit};

use crate::code_cache;
use crate::engine::{LoadError, tick};
use crate::inert_wasi::sealed;
use output::Told;

/// Native recursion of interpreters is deep: CPython's own limit is reached before this one.
const WASM_STACK: usize = 16 << 20;

/// The stack of the thread that runs a script: that of WebAssembly, and what the host needs above it.
const THREAD_STACK: usize = WASM_STACK + (8 << 20);

/// An interpreter that is ready to run scripts. Cloning it is cheap.
#[derive(Clone)]
pub struct Interpreter(Arc<Ready>);

struct Ready {
    engine: Engine,
    script: InstancePre<State>,
    /// The digest of the module.
    digest: Digest,
}

/// A script to run once.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What is run.
    pub entry: Entry,
    /// The environment variables.
    pub variables: Vec<(String, String)>,
    /// The folders that it sees.
    pub folders: Vec<Folder>,
    /// The most bytes of memory that it may have.
    pub memory: u64,
    /// The seed of clocks and random numbers.
    pub seed: u64,
    /// How many bytes of each of standard output and error are kept: the last ones.
    pub kept: u64,
}

/// What is run of a script.
#[derive(Debug, Clone)]
pub enum Entry {
    /// The whole program, with these arguments: its own name first.
    Program(Vec<String>),
    /// A source that is handed to the module's `turn`.
    Turn {
        /// The source.
        source: String,
        /// An image of [`Interpreter::imprint`] to start from; else the module starts from its own beginning.
        image: Option<PathBuf>,
    },
}

impl Default for Entry {
    fn default() -> Self {
        Self::Program(vec![])
    }
}

/// A folder of this machine, as a script sees it.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is on this machine.
    pub here: PathBuf,
    /// Where the script finds it.
    pub there: String,
    /// Whether it may write there.
    pub is_writable: bool,
}

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptEnd {
    /// By itself, with this code.
    Exited(i32),
    /// It wanted more memory than it may have, and fell over that.
    Memory,
    /// It was ended, since it was not to go on.
    Stopped,
    /// It trapped: says how.
    Trapped(String),
}

/// What came of a script.
#[derive(Debug, Clone)]
pub struct ScriptRun {
    /// How it ended.
    pub end: ScriptEnd,
    /// The last of its standard output.
    pub stdout: String,
    /// The last of its standard error.
    pub stderr: String,
    /// The most bytes of memory that it had.
    pub peak_memory: u64,
}

/// A stream of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// Who looks after a script while it runs.
pub trait Watch: Send + Sync {
    /// Asked many times a second: whether the script is to go on.
    fn goes_on(&self) -> bool;

    /// A line that it wrote, without its end, or a piece of a very long one.
    fn told(&self, from: Output, line: &str);
}

struct State {
    wasi: WasiP1Ctx,
    ceiling: Ceiling,
}

/// The memory of a script.
struct Ceiling {
    most: usize,
    peak: usize,
    was_hit: bool,
}

impl ResourceLimiter for Ceiling {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.most {
            self.was_hit = true;
            return Ok(false);
        }
        self.peak = self.peak.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 10_000_000)
    }
}

/// The engine of interpreters. Stages have another: exceptions and garbage collection are in no world.
fn engine() -> Result<Engine, LoadError> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .relaxed_simd_deterministic(true)
        .wasm_exceptions(true)
        .collector(Collector::DeferredReferenceCounting)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + (1 << 20));
    Engine::new(&config).map_err(|error| LoadError::Engine(format!("{error:#}")))
}

impl Interpreter {
    /// Whether the module's compiled code is kept from an earlier process.
    ///
    /// # Errors
    /// The engine cannot run on this machine.
    pub fn is_compiled(code_dir: &Path, digest: &Digest) -> Result<bool, LoadError> {
        Ok(code_cache::path(code_dir, &engine()?, digest).exists())
    }

    /// Makes an interpreter ready: from the code cache, else by compiling it, which takes minutes where it is large.
    ///
    /// # Errors
    /// The module cannot be read, or the engine refuses it.
    pub fn load(
        code_dir: Option<&Path>,
        digest: Digest,
        binary: impl FnOnce() -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, LoadError> {
        let engine = engine()?;
        let failed = |error: wasmtime::Error| LoadError::Compile { digest, message: format!("{error:#}") };
        let module = code_cache::load_module(&engine, code_dir, &digest, binary).map_err(failed)?;
        let mut linker: Linker<State> = Linker::new(&engine);
        add_to_linker_sync(&mut linker, |state: &mut State| &mut state.wasi).map_err(failed)?;
        // What else it imports is a way to its own host, which there is none of here.
        linker.define_unknown_imports_as_traps(&module).map_err(failed)?;
        let script = linker.instantiate_pre(&module).map_err(failed)?;
        tick(&engine)?;
        Ok(Self(Arc::new(Ready { engine, script, digest })))
    }

    /// The digest of the module.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Runs a script to its end, on a thread of its own.
    ///
    /// # Errors
    /// A folder cannot be opened, or there is no thread.
    pub fn run(&self, script: Script, watch: Arc<dyn Watch>) -> std::io::Result<ScriptRun> {
        self.on_its_thread(script, None, watch)
    }

    /// Runs a script to its end and, where that is a good one, keeps the memory as it is then: a script can start from there. The file is made whole or not at all.
    ///
    /// # Errors
    /// As [`Interpreter::run`]; or the file cannot be written.
    pub fn imprint(&self, script: Script, image: &Path, watch: Arc<dyn Watch>) -> std::io::Result<ScriptRun> {
        self.on_its_thread(script, Some(image.to_owned()), watch)
    }

    fn on_its_thread(&self, script: Script, keep: Option<PathBuf>, watch: Arc<dyn Watch>) -> std::io::Result<ScriptRun> {
        let ready = self.0.clone();
        let thread = std::thread::Builder::new().name("sprag-script".to_owned()).stack_size(THREAD_STACK);
        let running = thread.spawn(move || ready.run(&script, keep.as_deref(), watch))?;
        running.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread of the script ended")))
    }
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter").field("digest", &self.0.digest).finish_non_exhaustive()
    }
}

impl Ready {
    fn run(&self, script: &Script, keep: Option<&Path>, watch: Arc<dyn Watch>) -> std::io::Result<ScriptRun> {
        let stdout = Told::new(Output::Stdout, script.kept, watch.clone());
        let stderr = Told::new(Output::Stderr, script.kept, watch.clone());
        let mut builder = sealed(script.seed, Clock::Frozen);
        builder.envs(&script.variables).stdout(stdout.stream()).stderr(stderr.stream());
        if let Entry::Program(arguments) = &script.entry {
            builder.args(arguments);
        }
        // The thread is the script's own, so that nobody else waits while it reads a file.
        builder.allow_blocking_current_thread(true);
        for Folder { here, there, is_writable } in &script.folders {
            let permissions = if *is_writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder.preopened_dir(here, there, permissions).map_err(std::io::Error::other)?;
        }
        let most = usize::try_from(script.memory).unwrap_or(usize::MAX);
        let state = State { wasi: builder.build_p1(), ceiling: Ceiling { most, peak: 0, was_hit: false } };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.ceiling);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if watch.goes_on() { Ok(UpdateDeadline::Continue(1)) } else { Err(wasmtime::Error::msg(STOPPED)) }
        });
        let ended = self.call(&mut store, &script.entry, keep);
        let ceiling = &store.data().ceiling;
        let end = match ended {
            Ok(code) => ScriptEnd::Exited(code),
            Err(error) => ended_by(error, ceiling.was_hit)?,
        };
        // An interpreter may notice that there is no more memory, and say so and end: it is the limit all the same.
        let end = match end {
            ScriptEnd::Exited(code) if code != 0 && ceiling.was_hit => ScriptEnd::Memory,
            end => end,
        };
        Ok(ScriptRun { end, stdout: stdout.end(), stderr: stderr.end(), peak_memory: ceiling.peak as u64 })
    }

    fn call(&self, store: &mut Store<State>, entry: &Entry, keep: Option<&Path>) -> wasmtime::Result<i32> {
        let instance = self.script.instantiate(&mut *store)?;
        let (source, image) = match entry {
            Entry::Program(_) => return program(store, &instance),
            Entry::Turn { source, image } => (source, image),
        };
        let memory = instance.get_memory(&mut *store, "memory").ok_or_else(|| wasmtime::Error::msg("it has no memory"))?;
        match image {
            Some(image) => {
                if !image::read(store.as_context_mut(), memory, image)? {
                    return Ok(NO_MEMORY);
                }
            }
            None => initialize(store, &instance)?,
        }
        let length = i32::try_from(source.len())?;
        let place = instance.get_typed_func::<i32, i32>(&mut *store, "host_alloc")?.call(&mut *store, length)?;
        memory.write(&mut *store, usize::try_from(place.cast_unsigned())?, source.as_bytes())?;
        let code = instance.get_typed_func::<(i32, i32), i32>(&mut *store, "turn")?.call(&mut *store, (place, length))?;
        if let Some(keep) = keep.filter(|_| code == 0) {
            image::write(memory.data(&*store), keep)?;
        }
        // The bits above say that the script ended the session too.
        Ok(code & 0xff)
    }
}

/// The code of a script that has no memory to start in; that it is the limit is seen by that having been reached.
const NO_MEMORY: i32 = 1;

fn program(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<i32> {
    initialize(store, instance)?;
    if let Ok(run) = instance.get_typed_func::<(), i32>(&mut *store, "run") {
        return run.call(&mut *store, ());
    }
    instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(&mut *store, ()).map(|()| 0)
}

fn initialize(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<()> {
    match instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
        Ok(initialize) => initialize.call(&mut *store, ()),
        Err(_) => Ok(()),
    }
}

/// The words of the error that ends a script which is not to go on.
const STOPPED: &str = "stopped";

fn ended_by(error: wasmtime::Error, hit_memory: bool) -> std::io::Result<ScriptEnd> {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Ok(if exit.0 != 0 && hit_memory { ScriptEnd::Memory } else { ScriptEnd::Exited(exit.0) });
    }
    if error.root_cause().to_string() == STOPPED {
        return Ok(ScriptEnd::Stopped);
    }
    if hit_memory {
        return Ok(ScriptEnd::Memory);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return Ok(ScriptEnd::Trapped(trap.to_string()));
    }
    // That of an image is the host's own.
    match error.downcast::<std::io::Error>() {
        Ok(error) => Err(error),
        Err(error) => Ok(ScriptEnd::Trapped(error.root_cause().to_string())),
    }
}

/// How often a script is asked about, at least.
pub const TICK: Duration = crate::engine::TICK;
