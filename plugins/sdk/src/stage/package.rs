//! Plugins that package a registered version.

use serde::de::DeserializeOwned;

pub use bindings::exports::sprag::stage::package::{Packaged, Subject};

use crate::{Failure, Session};

/// Packages a version. Its parts are opened with [`parts`](crate::parts), and what is made is left as artifacts.
pub trait Packager {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Packages the version, and says which artifact is the package's root.
    ///
    /// # Errors
    ///
    /// When a part cannot be read or the package not be written.
    fn package(session: &Session, params: Self::Params, subject: Subject) -> Result<Packaged, Failure>;
}

/// Exports a type that implements [`Packager`](crate::Packager) as a `package` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! packager {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::package], export_package);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Packager> bindings::exports::sprag::stage::package::Guest for Adapter<T> {
    fn run(session: &Session, subject: Subject) -> Result<Packaged, Failure> {
        T::package(session, session.params()?, subject)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/packaging@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_package",
        default_bindings_module: "sprag_sdk::stage::package::bindings",
        additional_derives: [PartialEq, Eq],
        with: {
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
