//! The same for an ordinary user, where the tests run as root and can become one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const AS_USER: &str = "SPRAG_CONFINE_TEST_AS_USER";

/// Runs the other tests again as a user that owns nothing.
#[test]
fn an_ordinary_user_gets_the_same() {
    if std::env::var_os(AS_USER).is_some() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tested: the tests run as an ordinary user already");
        return;
    }
    // Programs and folders of the tests, where the user can reach them.
    let dir = tempfile::Builder::new().prefix("sprag-confine-").tempdir_in("/var/tmp").unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    let copy = |from: &Path, name: &str| {
        let to = dir.path().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, Permissions::from_mode(0o755)).unwrap();
        to
    };
    let tests = copy(&std::env::current_exe().unwrap(), "tests");
    let shim = copy(Path::new(env!("CARGO_BIN_EXE_sprag-confined")), "sprag-confined");
    let work = dir.path().join("work");
    fs::create_dir(&work).unwrap();
    fs::set_permissions(&work, Permissions::from_mode(0o777)).unwrap();
    // An interpreter in root's home folder is none of the user's: the system's own is taken.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&tests);
    command.args(["--skip", "numpy_trains", "--nocapture", "--test-threads", "2"]);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &work).env(AS_USER, "1");
    command.env("SPRAG_CONFINE_TEST_SHIM", &shim).env("SPRAG_CONFINE_TEST_FOLDER", &work);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("not tested: `setpriv` cannot be started: {error}");
            return;
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "the tests fail for an ordinary user");
}
