//! The emulator as a program: `emulator-azure PORT GROUP [SCHEMAS]` prints its address and answers until it is ended.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the address is the program's output, and its usage what it complains with"
)]

use std::process::ExitCode;

use emulator_azure::{Azure, Running, Schemas, Settings};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = arguments.first().and_then(|port| port.parse().ok());
    let (Some(port), Some(group)) = (port, arguments.get(1)) else {
        eprintln!("usage: emulator-azure PORT GROUP [SCHEMAS]");
        return ExitCode::from(2);
    };
    let azure = Azure::new(Settings::default(), arguments.get(2).and_then(Schemas::in_folder)).with_group(group, "westeurope");
    match Running::start(azure, port) {
        Ok(running) => {
            println!("{}", running.url());
            running.wait();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to listen on the port {port}: {error}");
            ExitCode::FAILURE
        }
    }
}
