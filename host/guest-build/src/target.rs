//! The compiler's support for the plugins' target, which a fresh toolchain lacks.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use crate::TARGET;

/// Adds the target to the toolchain where it is missing.
pub(crate) fn ensure() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    if let Err(advice) = add(&rustc, "rustup".as_ref()) {
        panic!("{advice}");
    }
}

/// Adds the target with this rustup to the toolchain of this compiler; the error says what to do.
fn add(rustc: &OsStr, rustup: &OsStr) -> Result<(), String> {
    if is_installed(rustc) {
        return Ok(());
    }
    // Rustup knows from `RUSTUP_TOOLCHAIN`, which its cargo set, which toolchain is meant.
    let added = Command::new(rustup).args(["target", "add", TARGET]).output();
    let reason = match added {
        Ok(output) if output.status.success() && is_installed(rustc) => return Ok(()),
        Ok(output) if output.status.success() => "rustup added it to another toolchain".to_owned(),
        Ok(output) => format!("rustup said: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => format!("rustup could not be started: {error}"),
    };
    Err(format!(
        "sprag's plugins are WebAssembly components, and this Rust toolchain cannot build for `{TARGET}` yet.\n\
         \n\
         Adding the target by itself failed ({reason}).\n\
         \n\
         hint: run `rustup target add {TARGET}`, with a network, and build again\n\
         hint: where Rust comes from the system's packages, install its package for `{TARGET}`"
    ))
}

/// Whether the compiler has the target's standard library.
fn is_installed(rustc: &OsStr) -> bool {
    let Ok(output) = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output() else { return false };
    let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    output.status.success() && dir.is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_cannot_be_added_says_what_to_do() {
        // `true` as a compiler knows of no target, and as a rustup adds none; `false` fails.
        for (rustup, reason) in [
            ("false", "(rustup said: )"),
            ("true", "(rustup added it to another toolchain)"),
            ("no-such-rustup", "(rustup could not be started: "),
        ] {
            let advice = add("true".as_ref(), rustup.as_ref()).unwrap_err();
            assert!(advice.contains(reason), "{advice}");
            assert!(advice.contains("hint: run `rustup target add wasm32-wasip2`, with a network, and build again"), "{advice}");
        }
    }
}
