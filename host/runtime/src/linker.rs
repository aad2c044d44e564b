//! What a stage of each kind is offered: exactly its world. What is not linked cannot be called.

use sprag_schemas::manifest::Kind;
use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime_wasi::p2::bindings as wasi;

use crate::bindings::sprag;
use crate::engine::{Loaded, Runtime};
use crate::failure::StageFailure;
use crate::http;
use crate::state::StageState;

/// The linker for stages of a kind.
fn for_kind(runtime: &Runtime, kind: Kind) -> wasmtime::Result<Linker<StageState>> {
    let mut linker = Linker::new(runtime.engine());
    let l = &mut linker;
    add_wasi(l)?;
    sprag::run::blobs::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
    sprag::run::context::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
    sprag::stage::types::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
    sprag::data::tables::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
    match kind {
        Kind::SanityCheck => {
            sprag::linalg::kernels::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::run::artifacts::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::Train => {
            sprag::linalg::kernels::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::run::artifacts::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::run::processes::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::UnitTest => {
            sprag::stage::harness::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::stage::train::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::stage::score::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::Evaluate => {
            sprag::linalg::kernels::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::run::artifacts::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::stage::models::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::Register => {
            sprag::stage::models::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::stage::registry::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::Package => {
            sprag::run::artifacts::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::stage::parts::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::Provision => {
            sprag::run::folders::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            add_outside(l)?;
        }
        Kind::Deploy => {
            sprag::run::artifacts::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            add_outside(l)?;
        }
        Kind::SmokeTest => {
            http::add_to_linker(l)?;
            sprag::run::secrets::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::Notify => {
            http::add_to_linker(l)?;
            sprag::run::secrets::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
            sprag::run::mail::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
        }
        Kind::Approve => {}
    }
    Ok(linker)
}

/// The network, secrets, and the services of this machine: what each of them gives is the caller's to decide, by the stage's grants.
fn add_outside(l: &mut Linker<StageState>) -> wasmtime::Result<()> {
    http::add_to_linker(l)?;
    sprag::run::secrets::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
    sprag::run::services::add_to_linker::<_, HasSelf<_>>(l, |state| state)
}

/// Links a component to what its kind is offered. An import that is not offered shows here, before anything of the component runs.
pub(crate) fn instantiate_pre(
    runtime: &Runtime,
    kind: Kind,
    component: &Loaded,
) -> Result<InstancePre<StageState>, StageFailure> {
    let linker =
        for_kind(runtime, kind).map_err(|error| StageFailure::Host(format!("failed to link the host's functions: {error:#}")))?;
    linker.instantiate_pre(&component.component).map_err(misfit)
}

/// A component that has other imports or exports than its world.
pub(crate) fn misfit(error: wasmtime::Error) -> StageFailure {
    StageFailure::Contract(format!("the component does not fit the contract: {error:#}"))
}

/// All of WASI 0.2 but sockets. What it reaches is decided by the context: see `inert_wasi`.
fn add_wasi(l: &mut Linker<StageState>) -> wasmtime::Result<()> {
    use wasmtime_wasi::cli::{WasiCli, WasiCliView};
    use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
    use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
    use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

    wasmtime_wasi_io::add_to_linker_async(l)?;
    wasi::clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, StageState::clocks)?;
    wasi::clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, StageState::clocks)?;
    wasi::filesystem::types::add_to_linker::<_, WasiFilesystem>(l, StageState::filesystem)?;
    wasi::filesystem::preopens::add_to_linker::<_, WasiFilesystem>(l, StageState::filesystem)?;
    wasi::random::random::add_to_linker::<_, WasiRandom>(l, StageState::random)?;
    wasi::random::insecure::add_to_linker::<_, WasiRandom>(l, StageState::random)?;
    wasi::random::insecure_seed::add_to_linker::<_, WasiRandom>(l, StageState::random)?;
    wasi::cli::exit::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::environment::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::stdin::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::stdout::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::stderr::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::terminal_input::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::terminal_output::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    wasi::cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, StageState::cli)?;
    Ok(())
}
