//! Plugins that make, once, what the later stages need.

use serde::de::DeserializeOwned;

use crate::{Change, Failure, Session};

/// Provisions a workspace, compute, a registry, an environment.
pub trait Provisioner {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Says what [`apply`](Self::apply) would do, and changes nothing.
    ///
    /// # Errors
    ///
    /// When the target cannot be asked.
    fn plan(session: &Session, params: Self::Params) -> Result<Vec<Change>, Failure>;

    /// Makes what is missing and updates what differs. Called again, it changes nothing.
    ///
    /// # Errors
    ///
    /// When the target refuses.
    fn apply(session: &Session, params: Self::Params) -> Result<Vec<Change>, Failure>;
}

/// Exports a type that implements [`Provisioner`](crate::Provisioner) as a `provision` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! provisioner {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::provision], export_provision);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Provisioner> bindings::exports::sprag::stage::provision::Guest for Adapter<T> {
    fn plan(session: &Session) -> Result<Vec<Change>, Failure> {
        T::plan(session, session.params()?)
    }

    fn apply(session: &Session) -> Result<Vec<Change>, Failure> {
        T::apply(session, session.params()?)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/provision@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_provision",
        default_bindings_module: "sprag_sdk::stage::provision::bindings",
        additional_derives: [PartialEq, Eq],
        with: {
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
