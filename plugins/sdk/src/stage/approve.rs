//! Plugins that decide by rule whether a release may go on.

use serde::de::DeserializeOwned;

pub use bindings::exports::sprag::stage::approve::Ruling;

use crate::{Failure, Session};

/// A rule for releases.
pub trait Approver {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;
    /// What is read of the request; `sprag schema release-event` prints the schema of the whole.
    type Request: DeserializeOwned;

    /// Rules on one request.
    ///
    /// # Errors
    ///
    /// When the rule cannot be applied; the release does not go on then.
    fn approve(session: &Session, params: Self::Params, request: Self::Request) -> Result<Ruling, Failure>;
}

/// Exports a type that implements [`Approver`](crate::Approver) as an `approve` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! approver {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::approve], export_approve);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Approver> bindings::exports::sprag::stage::approve::Guest for Adapter<T> {
    fn run(session: &Session, request_json: String) -> Result<Ruling, Failure> {
        let request = serde_json::from_str(&request_json);
        let request = request.map_err(|error| Failure::Unsupported(format!("expected another form of the request: {error}")))?;
        T::approve(session, session.params()?, request)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/approve@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_approve",
        default_bindings_module: "sprag_sdk::stage::approve::bindings",
        additional_derives: [PartialEq, Eq],
        with: {
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
