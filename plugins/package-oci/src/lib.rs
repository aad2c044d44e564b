//! Packages a registered version as an OCI image index: an image from scratch with the program that serves and the model, the model as one
//! self-contained WebAssembly component, and a bill of materials that refers to them.
//!
//! The same version gives the same bytes: the only time in it is that of the registration, and everything is in a fixed order. It deliberately talks to no
//! registry: the host pushes what is made here.

mod artefact;
mod bill;
pub mod documents;
pub mod files;
mod image;
pub mod layer;
pub mod media;
mod pack;
mod params;
mod time;

#[cfg(target_arch = "wasm32")]
mod handles;

use std::io;

use sprag_sdk::stage::package::{Packaged, Subject};
use sprag_sdk::{Failure, Packager, Session};

pub use pack::pack;
pub use params::Params;

/// The plugin.
pub struct PackageOci;

impl Packager for PackageOci {
    type Params = Params;

    #[cfg(target_arch = "wasm32")]
    fn package(session: &Session, params: Params, subject: Subject) -> Result<Packaged, Failure> {
        params.check()?;
        let packaged = pack(&subject, &params, &handles::Host, &handles::Host).map_err(|error| handles::failure(&error))?;
        sprag_sdk::info!(session, "packaged `{}` version {}", subject.name, subject.version);
        Ok(packaged)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn package(_session: &Session, params: Params, _subject: Subject) -> Result<Packaged, Failure> {
        params.check()?;
        Err(Failure::unsupported("only a component has handles of the host"))
    }
}

sprag_sdk::packager!(PackageOci);

/// When the version was registered, in seconds since 1970.
fn registered(subject: &Subject) -> io::Result<u64> {
    time::seconds(&subject.created_at).ok_or_else(|| {
        let message = format!("expected a time such as `2026-11-25T04:45:25Z` as `created-at`, found `{}`", subject.created_at);
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

/// A part that the package needs is not there.
fn missing(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("expected {what} among the parts of the package, found none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <PackageOci as sprag_sdk::Plugin>::JSON, &derived);
    }
}
