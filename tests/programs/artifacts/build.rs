//! Compiles the test programs and tells where they lie.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

/// Every test program.
const PROGRAMS: [&str; 11] = [
    "mean-trainer",
    "program-caller",
    "program-check",
    "program-elsewhere",
    "program-evaluator",
    "program-linalg",
    "program-network",
    "program-overreach",
    "program-registrar",
    "program-tester",
    "program-trainer",
];

fn main() {
    let (mut paths, mut each) = (String::new(), String::new());
    for (name, path) in sprag_guest_build::build(&PROGRAMS) {
        let name = name.trim_start_matches("program-").replace('-', "_");
        let constant = name.to_uppercase();
        let path = path.display().to_string();
        let _ = writeln!(paths, "/// The path of `{name}`.\npub const {constant}: &str = {path:?};");
        let _ = writeln!(each, "        $mac!({name} {constant});");
    }
    let source = format!(
        "{paths}\n/// Calls a macro with the name and the path's constant of each test program.\n#[macro_export]\n\
         macro_rules! foreach_program {{\n    ($mac:ident) => {{\n{each}    }};\n}}\n"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("programs.rs");
    fs::write(out, source).expect("cargo made the folder");
}
