//! Building in Rust: cargo, which makes a component for this target without any further tool.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

use crate::AuthoringError;
use crate::tool::{Call, Stop, Tool};

/// The target that a plugin is built for.
const TARGET: &str = "wasm32-wasip2";

const CARGO: Tool = Tool {
    program: "cargo",
    what: "which builds Rust",
    advice: "install Rust with rustup (https://rustup.rs), then run `rustup target add wasm32-wasip2`",
};

const RUSTC: Tool = Tool { program: "rustc", what: "the Rust compiler", ..CARGO };

/// Builds, and says whether anything was made.
pub(crate) fn build(dir: &Path, component: &Path, stop: Stop<'_>) -> Result<bool, AuthoringError> {
    let (cargo, rustc) = (CARGO.find()?, RUSTC.find()?);
    has_target(&rustc, dir, stop)?;
    let args = ["build", "--release", "--lib", "--target", TARGET, "--message-format", "json-render-diagnostics"];
    let mut call = Call::new(cargo, dir, stop).args(args);
    if let (Some(flag), None, None) = (path_flag(), env::var_os("RUSTFLAGS"), env::var_os("CARGO_ENCODED_RUSTFLAGS")) {
        call = call.env("CARGO_ENCODED_RUSTFLAGS", flag);
    }
    let ended = call.read()?;
    if !ended.is_good {
        return Err(AuthoringError::new(format!("cargo could not build `{}`: it says why above", dir.display())));
    }
    let manifest = fs::canonicalize(dir.join("Cargo.toml")).map_err(|error| AuthoringError::io("find", dir, &error))?;
    let (made, is_fresh) = artifact(&ended.stdout, &manifest).ok_or_else(|| {
        AuthoringError::new(format!("expected cargo to make a component of `{}`, found none", manifest.display()))
            .hint("set `crate-type = [\"cdylib\"]` under `[lib]` in its Cargo.toml")
    })?;
    let bytes = fs::read(&made).map_err(|error| AuthoringError::io("read", &made, &error))?;
    if is_fresh && fs::read(component).is_ok_and(|before| before == bytes) {
        return Ok(false);
    }
    fs::write(component, bytes).map_err(|error| AuthoringError::io("write", component, &error))?;
    Ok(true)
}

/// Whether the compiler has the target's standard library.
fn has_target(rustc: &Path, dir: &Path, stop: Stop<'_>) -> Result<(), AuthoringError> {
    let ended = Call::new(rustc, dir, stop).args(["--print", "target-libdir", "--target", TARGET]).read()?;
    if ended.is_good && Path::new(ended.stdout.trim()).is_dir() {
        return Ok(());
    }
    Err(AuthoringError::new(format!("expected a Rust toolchain that builds for `{TARGET}`, found one that does not")).hint(
        format!(
            "run `rustup target add {TARGET}`; where Rust comes from the system's packages, install its package for the target"
        ),
    ))
}

/// The `.wasm` file that cargo made of the package with this manifest, and whether it was there before.
fn artifact(messages: &str, manifest: &Path) -> Option<(PathBuf, bool)> {
    let parsed = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut of_package = parsed.filter(|message| {
        let path = message["manifest_path"].as_str().map(Path::new);
        message["reason"] == "compiler-artifact"
            && path.is_some_and(|path| fs::canonicalize(path).is_ok_and(|path| path == manifest))
    });
    of_package.find_map(|message| {
        let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        let wasm = files.map(PathBuf::from).find(|path| path.extension().is_some_and(|extension| extension == "wasm"))?;
        Some((wasm, message["fresh"] == true))
    })
}

/// The flag that keeps this machine's folder of crates out of the component, so that the same sources give the same digest everywhere. Cargo names the files of the
/// project itself from its folder. The flag is the same for all projects: those that share a target folder then share what they stand on.
fn path_flag() -> Option<String> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)?;
    Some(format!("--remap-path-prefix={}=/cargo", home.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_found_among_cargo_s_messages() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = fs::canonicalize(folder.path()).unwrap().join("Cargo.toml");
        fs::write(&manifest, "").unwrap();
        let line = |path: &Path, file: &str| {
            serde_json::json!({ "reason": "compiler-artifact", "manifest_path": path, "filenames": [file], "fresh": true })
                .to_string()
        };
        let other = line(Path::new("/other/Cargo.toml"), "/other.wasm");
        let messages = format!("no json\n{other}\n{}\n{}\n", line(&manifest, "/t/libmine.rlib"), line(&manifest, "/t/mine.wasm"));
        assert_eq!(artifact(&messages, &manifest), Some((PathBuf::from("/t/mine.wasm"), true)));
        assert_eq!(artifact(&other, &manifest), None);
    }
}
