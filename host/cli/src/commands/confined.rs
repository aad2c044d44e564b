//! How this program runs scripts: through itself, by a hidden command that confines whatever is started.

use sprag_confine::Shim;
use sprag_python::Machine;

/// The name of the hidden command.
const COMMAND: &str = "confined";

/// How this program runs scripts on this machine; none where it cannot find itself, or has no folder of the user's to keep environments in.
pub(super) fn machine() -> Option<Machine> {
    let program = std::env::current_exe().ok()?;
    let code = super::run::code_dir()?;
    let environments = code.with_file_name("environments");
    Some(Machine { shim: Shim { program, arguments: vec![COMMAND.to_owned()] }, environments, code })
}
