//! The program `sprag`.

use std::process::ExitCode;

// The system's allocator gives large buffers back after each use: handing tables to guests was four times slower with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sprag_cli::main()
}
