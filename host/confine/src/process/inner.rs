//! The innermost of the helpers: puts in place what the wrapper could not, says what there is, starts the process and says how it ended.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use super::confinement::{Confinement, FileSystem, Network, Privileges, Processes};
use super::job::{Demand, NetworkGrant};
use super::landlock::{self, Rules};
use super::namespaces::{Namespaces, Own};
use super::outcome::Ended;
use super::spec::{Said, Spec, View, say};
use super::{ceilings, mounts, outer, privileges, tree};

pub(crate) fn run(spec: &Spec) -> ExitCode {
    let confinement = match confine(spec) {
        Ok(confinement) => confinement,
        Err(message) => return refuse(&Said::Failed(message)),
    };
    let missing = confinement.missing(spec.network);
    if spec.demand == Demand::Confined && !missing.is_empty() {
        return refuse(&Said::Unconfined(missing.into_iter().map(str::to_owned).collect()));
    }
    say(&Said::Confined(confinement));
    let mut command = Command::new(&spec.program[0]);
    command.args(&spec.program[1..]).stdin(Stdio::null());
    if spec.view == View::Shared {
        // Without a namespace nothing ends the process with its helpers but what this one was set to, which lasts where it becomes the process. The outermost says how it ended.
        if let Err(message) = ceilings::set_data(None, &spec.ceilings) {
            return refuse(&Said::Failed(message));
        }
        return refuse(&Said::NotStarted(command.exec().to_string()));
    }
    // Else the process could open this one's standard input through `/proc`, and say things in its name.
    privileges::hide();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return refuse(&Said::NotStarted(error.to_string())),
    };
    if let Err(message) = ceilings::set_data(Some(child.id()), &spec.ceilings) {
        let _gone = child.kill();
        return refuse(&Said::Failed(message));
    }
    let ended = outer::wait_for(child.id());
    ended.map(Said::Ended).iter().for_each(say);
    match ended {
        Some(Ended::Exited(code)) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        _ => ExitCode::FAILURE,
    }
}

fn refuse(said: &Said) -> ExitCode {
    say(said);
    ExitCode::FAILURE
}

/// The order matters: mounts need rights that are then dropped, and Landlock forbids what all before it does.
fn confine(spec: &Spec) -> Result<Confinement, String> {
    let own = Namespaces::current().apart_from(&spec.outside);
    if spec.view == View::Private {
        mounts::cover(spec.ceilings.shared_memory)?;
    }
    privileges::die_with_parent();
    std::env::set_current_dir(Path::new(&spec.directory)).map_err(|error| format!("`{}`: {error}", spec.directory))?;
    ceilings::set(&spec.ceilings, own.user)?;
    let privileges = privileges::drop_all();
    let rules = Rules {
        files: (spec.view != View::New).then_some((&*spec.readable, &*spec.writable)),
        closes_network: spec.network == NetworkGrant::Closed && !own.net,
    };
    let landlock = landlock::restrict(&rules)?;
    Ok(Confinement {
        file_system: file_system(spec.view, own, landlock),
        network: network(spec.network, own, landlock),
        processes: match own.pid {
            true => Processes::PidNamespace,
            false if tree::CAN_ADOPT => Processes::Subreaper,
            false => Processes::None,
        },
        privileges: if privileges { Privileges::Dropped } else { Privileges::Kept },
    })
}

fn file_system(view: View, own: Own, landlock: Option<u32>) -> FileSystem {
    match (view, landlock) {
        (View::New, _) if own.mnt => FileSystem::MountNamespace,
        (View::Private | View::Shared, Some(abi)) => FileSystem::Landlock { abi },
        _ => FileSystem::None,
    }
}

fn network(grant: NetworkGrant, own: Own, landlock: Option<u32>) -> Network {
    match (grant, landlock) {
        (NetworkGrant::Open, _) => Network::Granted,
        (NetworkGrant::Closed, _) if own.net => Network::Namespace,
        (NetworkGrant::Closed, Some(abi)) if abi >= landlock::NETWORK => Network::Landlock { abi },
        (NetworkGrant::Closed, _) => Network::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_claimed_that_is_not_there() {
        let shared = Own { mnt: false, net: false, pid: false, user: false };
        assert_eq!(file_system(View::New, shared, Some(7)), FileSystem::None, "a wrapper that made no namespace");
        assert_eq!(file_system(View::Shared, shared, None), FileSystem::None);
        assert_eq!(file_system(View::Shared, shared, Some(1)), FileSystem::Landlock { abi: 1 });
        assert_eq!(network(NetworkGrant::Closed, shared, Some(3)), Network::None, "Landlock 3 knows no network");
        assert_eq!(network(NetworkGrant::Closed, shared, Some(4)), Network::Landlock { abi: 4 });
        assert_eq!(network(NetworkGrant::Open, shared, Some(4)), Network::Granted);
        assert_eq!(network(NetworkGrant::Closed, Own { net: true, ..shared }, None), Network::Namespace);
    }
}
