//! Builds the guests that a scorer is composed with, and writes down what the program is made of.

mod bill;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The guests, and the name of each in the crate.
const GUESTS: [(&str, &str); 2] = [("sprag-packaged-imports", "IMPORTS"), ("sprag-packaged-shell", "SHELL")];

fn main() {
    let names = GUESTS.map(|(name, _)| name);
    let folders = ["wit", "host/packaged-imports", "host/packaged-shell", "host/scoring"];
    let built = sprag_guest_build::build_from(&names, &folders);
    let mut source = String::new();
    for ((name, path), (_, constant)) in built.iter().zip(GUESTS) {
        let path = path.display().to_string();
        let _ =
            writeln!(source, "/// The component of `{name}`.\npub(crate) static {constant}: &[u8] = include_bytes!({path:?});");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("guests.rs"), source).expect("cargo made the folder");

    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = here.ancestors().nth(2).map(Path::to_owned).expect("the crate lies two folders below the root");
    fs::write(out.join("bill.json"), bill::bill(&root)).expect("cargo made the folder");
}
