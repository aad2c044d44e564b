//! An environment that is there: found in the user's cache folder, or made.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::EnvironmentError;
use super::interpreter::{Interpreter, PythonVersion, find, on_path};
use super::lock::{Lock, hexadecimal};
use super::make::{Installer, Tool, program, step};

/// What an environment's folder holds last: where it is missing, the folder is not whole.
const MARKER: &str = "sprag-environment.json";
/// Raised when what an environment holds for the same lock changes, so that older ones are made again.
const LAYOUT: u32 = 1;

/// How an environment is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of all environments, in the user's cache folder and never in a project: what lies there is run.
    pub cache: PathBuf,
    /// The version of Python.
    pub python: PythonVersion,
    /// Where wheels come from.
    pub wheels: Wheels,
    /// The longest that one step may take.
    pub time: Duration,
    /// What installs; none for uv where it is there, else pip.
    pub installer: Option<Installer>,
}

/// Where wheels come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wheels {
    /// The index of the user's own configuration of pip or uv.
    Index,
    /// A folder of wheels, and no network.
    Folder(PathBuf),
}

/// A Python environment that holds what a lock names.
#[derive(Debug, Clone)]
pub struct Environment {
    dir: PathBuf,
    key: String,
    made: Made,
}

/// The marker's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Made {
    layout: u32,
    lock: String,
    interpreter: Interpreter,
    installer: Installer,
}

impl Environment {
    /// The environment of a lock: the one that is in the cache, or a new one. Whoever comes while another makes it waits. Lines of the tools' output go to the
    /// observer, credentials taken out of addresses.
    pub fn ensure(
        lock: &Lock,
        options: &Options,
        observer: &dyn Fn(&str),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, EnvironmentError> {
        let uv = if options.installer == Some(Installer::Pip) { None } else { on_path("uv").into_iter().next() };
        let interpreter = find(&options.python, uv.as_deref());
        let interpreter =
            interpreter.map_err(|found| EnvironmentError::NoInterpreter { wanted: options.python.to_string(), found })?;
        holds_no_home(&interpreter.prefix, std::env::var_os("HOME").as_deref().map(Path::new))?;
        let key = key(lock, &interpreter);
        fs::create_dir_all(&options.cache).map_err(at(&options.cache))?;
        let cache = fs::canonicalize(&options.cache).map_err(at(&options.cache))?;
        let dir = cache.join(&key);
        if let Some(made) = found(&dir) {
            return Ok(Self { dir, key, made });
        }
        let _turn = turn(&cache.join(format!("{key}.lock")), cancelled)?;
        if let Some(made) = found(&dir) {
            return Ok(Self { dir, key, made });
        }
        let tool = Tool::choose(uv, &interpreter)?;
        let made = Made { layout: LAYOUT, lock: lock.digest(), interpreter, installer: tool.installer() };
        Self::make(&dir, lock, &made, &tool, options, observer, cancelled)?;
        Ok(Self { dir, key, made })
    }

    /// In its place and not beside it: the scripts of an environment hold its path. What makes it whole is the marker, which is written last.
    fn make(
        dir: &Path,
        lock: &Lock,
        made: &Made,
        tool: &Tool,
        options: &Options,
        observer: &dyn Fn(&str),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), EnvironmentError> {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(at(dir))?;
        }
        let installer = tool.installer();
        step(installer, "make an environment", tool.make(&made.interpreter, dir), options, observer, cancelled)?;
        let file = dir.join("requirements.txt");
        fs::write(&file, lock.to_string()).map_err(at(&file))?;
        if !lock.requirements().is_empty() {
            let command = tool.install(&made.interpreter, dir, &file, &options.wheels);
            step(installer, "install the lock", command, options, observer, cancelled)?;
        }
        let text = serde_json::to_string_pretty(made).expect("the marker holds texts and numbers alone");
        let (partial, marker) = (dir.join("sprag-environment.partial"), dir.join(MARKER));
        fs::write(&partial, text).map_err(at(&partial))?;
        fs::rename(&partial, &marker).map_err(at(&marker))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The key: SHA-256 of lock, interpreter and platform, in hexadecimal.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The digest of the lock, as [`Lock::digest`] gives it.
    pub fn lock(&self) -> &str {
        &self.made.lock
    }

    /// The interpreter's full version, such as `3.11.7`.
    pub fn python(&self) -> &str {
        &self.made.interpreter.version
    }

    /// The platform, with its C library.
    pub fn platform(&self) -> &str {
        &self.made.interpreter.platform
    }

    /// What made it.
    pub fn installer(&self) -> Installer {
        self.made.installer
    }

    /// The interpreter to start.
    pub fn program(&self) -> PathBuf {
        program(&self.dir)
    }

    /// The folders that whatever runs in the environment must be able to read.
    pub(crate) fn readable(&self) -> [&Path; 2] {
        [&self.dir, &self.made.interpreter.prefix]
    }
}

/// What makes two environments the same. The program's path is in it, since an environment holds a link to it.
fn key(lock: &Lock, interpreter: &Interpreter) -> String {
    let Interpreter { program, version, tag, platform, .. } = interpreter;
    let text = format!("{LAYOUT}\n{}\n{}\n{version}\n{tag}\n{platform}\n", lock.digest(), program.display());
    hexadecimal(&Sha256::digest(text))
}

fn found(dir: &Path) -> Option<Made> {
    // A marker that cannot be read is that of nothing: the environment is made again.
    let made: Made = serde_json::from_slice(&fs::read(dir.join(MARKER)).ok()?).ok()?;
    (made.layout == LAYOUT && program(dir).exists()).then_some(made)
}

/// Held while an environment is made. The file stays, since who removed it would let two in.
fn turn(path: &Path, cancelled: &dyn Fn() -> bool) -> Result<File, EnvironmentError> {
    let file = File::create(path).map_err(at(path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if cancelled() => return Err(EnvironmentError::Cancelled),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(50)),
            Err(TryLockError::Error(source)) => return Err(at(path)(source)),
        }
    }
}

fn holds_no_home(prefix: &Path, home: Option<&Path>) -> Result<(), EnvironmentError> {
    let home = home.map(|home| fs::canonicalize(home).unwrap_or_else(|_| home.to_owned()));
    // `/` is the home folder of accounts that have none, and every prefix lies below it.
    let is_above = home.is_some_and(|home| home.starts_with(prefix));
    if is_above || prefix == Path::new("/") { Err(EnvironmentError::Prefix { prefix: prefix.to_owned() }) } else { Ok(()) }
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> EnvironmentError {
    move |source| EnvironmentError::Io { path: path.to_owned(), source }
}
