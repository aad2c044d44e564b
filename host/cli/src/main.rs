//! The program `sprag`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sprag_cli::main()
}
