//! Environments that are really made, offline from a folder of wheels.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use sprag_confine::{Environment, EnvironmentError, Installer, Job, Lock, Options, Wheels};

use crate::support::{all_means, job, options, shim};

/// Makes a wheel of one module in a folder, and gives its SHA-256.
fn wheel(folder: &Path, answer: &str) -> String {
    let script = r#"
import hashlib, sys, zipfile
folder, answer = sys.argv[1:]
version = "1.0"
path = f"{folder}/sprag_test_wheel-{version}-py3-none-any.whl"
info = f"sprag_test_wheel-{version}.dist-info"
with zipfile.ZipFile(path, "w") as wheel:
    def add(name, text): wheel.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    add("sprag_test_wheel.py", f"answer = {answer}\n")
    add(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: sprag-test-wheel\nVersion: {version}\n")
    add(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    add(f"{info}/RECORD", f"sprag_test_wheel.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
print(hashlib.sha256(open(path, "rb").read()).hexdigest())
"#;
    let output = Command::new("python3").args(["-I", "-c", script]).arg(folder).arg(answer).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

struct Made {
    dir: tempfile::TempDir,
    lock: Lock,
    options: Options,
}

fn made(installer: Option<Installer>) -> Made {
    let dir = tempfile::tempdir_in(crate::support::folder()).unwrap();
    let hash = wheel(dir.path(), "42");
    let lock = Lock::parse(&format!("sprag-test-wheel==1.0 --hash=sha256:{hash}\n")).unwrap();
    let cache = dir.path().join("cache");
    let options = Options { cache, wheels: Wheels::Folder(dir.path().to_owned()), installer, ..options("") };
    Made { dir, lock, options }
}

fn installers() -> Vec<Option<Installer>> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join("uv").is_file()) {
        vec![None, Some(Installer::Pip)]
    } else {
        eprintln!("not tested: uv is not here");
        vec![Some(Installer::Pip)]
    }
}

#[test]
fn a_lock_is_installed_once_and_can_be_imported() {
    for installer in installers() {
        let made = made(installer);
        let lines = RefCell::new(0);
        let ensure = || Environment::ensure(&made.lock, &made.options, &|_| *lines.borrow_mut() += 1, &|| false).unwrap();
        let environment = ensure();
        assert_eq!(environment.installer(), installer.unwrap_or(Installer::Uv));
        assert_eq!(environment.lock(), made.lock.digest());
        assert!(environment.python().starts_with(&crate::support::python()));
        let first = lines.take();
        assert!(first > 0, "the tool's lines are told");
        assert_eq!(ensure().dir(), environment.dir());
        assert_eq!(lines.take(), 0, "the second time nothing is done");
        let script = "import sprag_test_wheel, sys\nprint(sprag_test_wheel.answer)\ntry:\n    import pip\n    print('pip')\nexcept ImportError:\n    pass";
        for means in all_means() {
            let supervisor = sprag_confine::Supervisor::with(shim(), means.clone());
            let outcome = supervisor.run(&environment, &job(script), &|_| {}, &|| false).unwrap();
            assert_eq!(outcome.stdout.text(), "42\n", "{means:?} {}", outcome.stderr.text());
        }
    }
}

#[test]
fn an_environment_that_is_not_whole_is_made_again() {
    let made = made(Some(Installer::Pip));
    let ensure = || Environment::ensure(&made.lock, &made.options, &|_| {}, &|| false).unwrap();
    let environment = ensure();
    fs::remove_file(environment.dir().join("sprag-environment.json")).unwrap();
    fs::write(environment.dir().join("left-over"), "").unwrap();
    let again = ensure();
    assert_eq!(again.dir(), environment.dir());
    assert!(!again.dir().join("left-over").exists());
}

#[test]
fn many_at_once_make_one() {
    let made = made(Some(Installer::Pip));
    let lines = AtomicUsize::new(0);
    let tell = |line: &str| {
        if line.contains("Successfully installed") {
            lines.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Environment::ensure(&made.lock, &made.options, &tell, &|| false).unwrap());
        }
    });
    assert_eq!(lines.load(Ordering::Relaxed), 1);
}

#[test]
fn a_changed_file_is_refused() {
    for installer in installers() {
        let made = made(installer);
        // The same name and version with another content, as a moved release or a bad mirror would give.
        wheel(made.dir.path(), "43");
        let error = Environment::ensure(&made.lock, &made.options, &|_| {}, &|| false).unwrap_err();
        let EnvironmentError::Tool { output, .. } = &error else { panic!("{error}") };
        assert!(!output.is_empty() && error.to_string().contains("failed to install the lock"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.starts_with("a file is not the one that was locked")), "{error}");
    }
}

#[test]
fn a_version_that_is_nowhere_is_an_error_with_the_tool_s_words() {
    for installer in installers() {
        let made = made(installer);
        let lock = Lock::parse(&made.lock.to_string().replace("==1.0", "==2.0")).unwrap();
        let error = Environment::ensure(&lock, &made.options, &|_| {}, &|| false).unwrap_err();
        assert!(error.to_string().contains("\n  | "), "{error}");
        assert!(error.to_string().contains("sprag-test-wheel"), "{error}");
    }
}

#[test]
fn a_python_that_is_not_there_is_named_with_those_that_are() {
    let made = made(None);
    let options = Options { python: "3.99".parse().unwrap(), ..made.options };
    let error = Environment::ensure(&made.lock, &options, &|_| {}, &|| false).unwrap_err();
    assert!(error.to_string().starts_with("expected Python 3.99 on this machine, found 3."), "{error}");
    assert_eq!(error.hint().unwrap(), "install it with your system's packages, or with `uv python install 3.99`");
}

#[test]
fn a_maker_that_is_cancelled_leaves_nothing_that_counts() {
    let made = made(Some(Installer::Pip));
    let error = Environment::ensure(&made.lock, &made.options, &|_| {}, &|| true).unwrap_err();
    assert!(matches!(error, EnvironmentError::Cancelled), "{error}");
    Environment::ensure(&made.lock, &made.options, &|_| {}, &|| false).unwrap();
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let made = made(Some(Installer::Pip));
    let file = made.dir.path().join("file");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let options = Options { cache: file.join("cache"), ..made.options };
    let error = Environment::ensure(&made.lock, &options, &|_| {}, &|| false).unwrap_err();
    assert!(error.to_string().contains("file/cache"), "{error}");
}

/// Needs an index: with `SPRAG_TEST_PYPI=1`, from the one that pip is configured with.
#[test]
fn numpy_trains() {
    if std::env::var_os("SPRAG_TEST_PYPI").is_none() {
        eprintln!("not tested: `SPRAG_TEST_PYPI` is not set");
        return;
    }
    let dir = tempfile::tempdir_in(crate::support::folder()).unwrap();
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet", "--dest"]).arg(dir.path());
    assert!(command.arg("numpy").status().unwrap().success());
    let wheel = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let version = wheel.file_name().unwrap().to_str().unwrap().split('-').nth(1).unwrap().to_owned();
    let output = Command::new("sha256sum").arg(&wheel).output().unwrap();
    let hash = String::from_utf8(output.stdout).unwrap()[..64].to_owned();
    let lock = Lock::parse(&format!("numpy=={version} --hash=sha256:{hash}")).unwrap();
    let script = r#"
import os
import numpy as np
rng = np.random.default_rng(int(os.environ["SPRAG_SEED"]))
x = rng.normal(size=(20000, 50)); y = x @ np.arange(50.0)
w = np.linalg.solve(x.T @ x + 1e-9 * np.eye(50), x.T @ y)
np.save("out/weights.npy", w)
print(np.allclose(w, np.arange(50.0)))
"#;
    for installer in installers() {
        let options = Options { installer, ..options(&format!("pypi-{installer:?}")) };
        let environment = Environment::ensure(&lock, &options, &|_| {}, &|| false).unwrap();
        for means in all_means() {
            let supervisor = sprag_confine::Supervisor::with(shim(), means.clone());
            let job = Job { threads: 2, ..job(script) };
            let outcome = supervisor.run(&environment, &job, &|_| {}, &|| false).unwrap();
            assert!(outcome.is_success(), "{means:?} {:?} {}", outcome.limit, outcome.stderr.text());
            assert_eq!((outcome.stdout.text().as_str(), outcome.outputs[0].name.as_str()), ("True\n", "weights.npy"));
        }
    }
}
