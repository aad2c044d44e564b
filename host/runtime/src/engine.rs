//! The engine: one configuration, one place, and the components that it has loaded.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sprag_core::digest::Digest;
use wasmtime::component::Component;
use wasmtime::{Config, Engine, OptLevel};

use crate::code_cache;

/// How often a stage that computes is looked at.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The one configuration of the engine. Whatever changes here changes the engine's compatibility hash, and with it the code cache.
fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .relaxed_simd_deterministic(true)
        .max_wasm_stack(1 << 20)
        .async_stack_size(2 << 20)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    config
}

/// This machine's architecture, as compilers name it. Named as a target, it has no features but those that all of its processors have.
fn plain_target() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" }
}

/// Moves an engine's epoch on, on a thread that ends with the engine: it holds no strong reference to it.
pub(crate) fn tick(engine: &Engine) -> Result<(), LoadError> {
    let weak = engine.weak();
    let ticker = move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    let spawned = std::thread::Builder::new().name("sprag-ticker".to_owned()).spawn(ticker);
    spawned.map(drop).map_err(|error| LoadError::Engine(error.to_string()))
}

/// Runs stages. Cloning it is cheap: all clones share one engine.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    engine: Engine,
    code_dir: Option<PathBuf>,
    prepared: Option<PathBuf>,
}

/// A component that is ready to be instantiated.
#[derive(Clone)]
pub struct Loaded {
    pub(crate) component: Component,
    /// The digest of the component's binary.
    pub digest: Digest,
}

/// Why a component could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine refused the binary.
    #[error("failed to compile the component {digest}: {message}")]
    Compile {
        /// The component's digest.
        digest: Digest,
        /// The engine's words.
        message: String,
    },
    /// The engine itself could not be made on this machine.
    #[error("failed to start the WebAssembly engine: {0}")]
    Engine(String),
}

impl Runtime {
    /// Makes the engine.
    ///
    /// `code_dir` is where compiled code is kept between processes. It must belong to the user alone: code found there is run. Without
    /// one, every process compiles anew.
    ///
    /// # Errors
    /// The engine cannot run on this machine.
    pub fn new(code_dir: Option<&Path>) -> Result<Self, LoadError> {
        Self::with_prepared(code_dir, None)
    }

    /// The same, with a folder of code that [`Runtime::compile_for_any`] made, each file under its component's digest. Whoever can write there can run code.
    ///
    /// # Errors
    /// The engine cannot run on this machine.
    pub fn with_prepared(code_dir: Option<&Path>, prepared: Option<&Path>) -> Result<Self, LoadError> {
        let engine = Engine::new(&config()).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        tick(&engine)?;
        Ok(Self(Arc::new(Inner { engine, code_dir: code_dir.map(Path::to_owned), prepared: prepared.map(Path::to_owned) })))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Whether a component's compiled code is kept from an earlier process.
    pub fn is_compiled(&self, digest: &Digest) -> bool {
        self.0.code_dir.as_deref().is_some_and(|dir| code_cache::path(dir, &self.0.engine, digest).exists())
    }

    /// Compiles a component for every processor of this machine's architecture, with none of the instructions that only newer ones have: code for another
    /// machine. The same binary gives the same bytes.
    ///
    /// # Errors
    /// The engine refuses the binary.
    pub fn compile_for_any(&self, digest: Digest, binary: &[u8]) -> Result<Vec<u8>, LoadError> {
        let failed = |error: wasmtime::Error| LoadError::Compile { digest, message: format!("{error:#}") };
        let mut config = config();
        config.target(plain_target()).map_err(failed)?;
        Engine::new(&config).and_then(|engine| engine.precompile_component(binary)).map_err(failed)
    }

    /// Makes a component ready: from the prepared code, from the code cache, else by compiling it.
    ///
    /// # Errors
    /// The engine refuses the binary.
    pub fn load(&self, digest: Digest, binary: &[u8]) -> Result<Loaded, LoadError> {
        let prepared = self.0.prepared.as_deref().and_then(|dir| code_cache::load_prepared(&self.0.engine, dir, &digest));
        if let Some(component) = prepared {
            return Ok(Loaded { component, digest });
        }
        let component = code_cache::load(&self.0.engine, self.0.code_dir.as_deref(), &digest, binary)
            .map_err(|error| LoadError::Compile { digest, message: format!("{error:#}") })?;
        Ok(Loaded { component, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn code_that_one_engine_compiled_loads_in_another() {
        let dir = tempfile::tempdir().unwrap();
        let digest = Digest::of(EMPTY);
        let first = Runtime::new(Some(dir.path())).unwrap();
        assert!(!first.is_compiled(&digest));
        first.load(digest, EMPTY).unwrap();
        let second = Runtime::new(Some(dir.path())).unwrap();
        assert!(second.is_compiled(&digest));
        second.load(digest, b"not even looked at").unwrap();
    }

    #[test]
    fn code_for_any_processor_loads_in_an_engine_for_this_one() {
        let dir = tempfile::tempdir().unwrap();
        let digest = Digest::of(EMPTY);
        let code = Runtime::new(None).unwrap().compile_for_any(digest, EMPTY).unwrap();
        assert_eq!(code, Runtime::new(None).unwrap().compile_for_any(digest, EMPTY).unwrap());
        std::fs::write(dir.path().join(format!("{}.cwasm", digest.hex())), code).unwrap();
        let runtime = Runtime::with_prepared(None, Some(dir.path())).unwrap();
        runtime.load(digest, b"not even looked at").unwrap();
        let other = Digest::of(b"other");
        assert!(runtime.load(other, b"compiled anew, and refused").is_err());
    }

    #[test]
    fn damaged_code_is_a_miss_and_not_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let digest = Digest::of(EMPTY);
        let runtime = Runtime::new(Some(dir.path())).unwrap();
        runtime.load(digest, EMPTY).unwrap();
        let path = code_cache::path(dir.path(), runtime.engine(), &digest);
        for damage in [&b""[..], b"junk", b"\x7fELF"] {
            std::fs::write(&path, damage).unwrap();
            runtime.load(digest, EMPTY).unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() > 100, "compiled again and replaced");
    }
}
