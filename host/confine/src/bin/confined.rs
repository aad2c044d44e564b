//! The hidden command of `sprag` alone, so that this crate's tests can start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    sprag_confine::exec_confined(arguments.first().map_or("", String::as_str))
}
