//! Plugins that enter a promoted model into a registry.

use serde::de::DeserializeOwned;

use crate::{Decision, Failure, Model, Session};

/// Registers a model.
pub trait Registrar {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Registers the candidate of this run, which the evaluation promoted, and gives the version's number.
    ///
    /// # Errors
    ///
    /// When the registry refused.
    fn register(session: &Session, params: Self::Params, candidate: &Model, decision: Decision) -> Result<u64, Failure>;
}

/// Exports a type that implements [`Registrar`](crate::Registrar) as a `register` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! registrar {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::register], export_register);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Registrar> bindings::exports::sprag::stage::register::Guest for Adapter<T> {
    fn run(session: &Session, candidate: &Model, decision: Decision) -> Result<u64, Failure> {
        T::register(session, session.params()?, candidate, decision)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/register@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_register",
        default_bindings_module: "sprag_sdk::stage::register::bindings",
        with: {
            "sprag:data/tables@0.1.0": crate::bindings::sprag::data::tables,
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
            "sprag:stage/models@0.1.0": crate::bindings::sprag::stage::models,
        },
    });
}
