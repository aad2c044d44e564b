//! Plugins that look at data before it is trained on.

use serde::de::DeserializeOwned;

use crate::{Failure, Session, Table, Verdict};

/// Judges data.
pub trait SanityCheck {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Judges all rows, before the split. Findings say why.
    ///
    /// # Errors
    ///
    /// When the data could not be judged. That it is bad is a verdict.
    fn check(session: &Session, params: Self::Params, data: &Table) -> Result<Verdict, Failure>;
}

/// Exports a type that implements [`SanityCheck`](crate::SanityCheck) as a `sanity-check` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! sanity_check {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::sanity_check], export_sanity_check);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: SanityCheck> bindings::exports::sprag::stage::sanity_check::Guest for Adapter<T> {
    fn run(session: &Session, data: &Table) -> Result<Verdict, Failure> {
        T::check(session, session.params()?, data)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/sanity-check@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_sanity_check",
        default_bindings_module: "sprag_sdk::stage::sanity_check::bindings",
        with: {
            "sprag:data/tables@0.1.0": crate::bindings::sprag::data::tables,
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
