//! The compiler's support for the plugins' target, which a fresh toolchain lacks.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::TARGET;

/// Adds the target to the toolchain where it is missing.
pub(crate) fn ensure() {
    if is_installed() {
        return;
    }
    // Rustup knows from `RUSTUP_TOOLCHAIN`, which its cargo set, which toolchain is meant.
    let added = Command::new("rustup").args(["target", "add", TARGET]).output();
    let reason = match added {
        Ok(output) if output.status.success() && is_installed() => return,
        Ok(output) if output.status.success() => "rustup added it to another toolchain".to_owned(),
        Ok(output) => format!("rustup said: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => format!("rustup could not be started: {error}"),
    };
    panic!(
        "sprag's plugins are WebAssembly components, and this Rust toolchain cannot build for `{TARGET}` yet.\n\
         \n\
         Adding the target by itself failed ({reason}).\n\
         \n\
         hint: run `rustup target add {TARGET}`, with a network, and build again\n\
         hint: where Rust comes from the system's packages, install its package for `{TARGET}`"
    );
}

/// Whether the compiler has the target's standard library.
fn is_installed() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let Ok(output) = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output() else { return false };
    let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    output.status.success() && dir.is_dir()
}
