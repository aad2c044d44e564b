//! Plugins that judge a candidate against the model in production.

use serde::de::DeserializeOwned;

use crate::{Decision, Failure, Model, Session, Table};

/// Decides whether a model has earned production.
pub trait Evaluator {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Scores both models on the same hold-out and decides. `production` is none where no model is in production yet.
    ///
    /// # Errors
    ///
    /// When no decision could be made. Such a run never promotes.
    fn evaluate(
        session: &Session,
        params: Self::Params,
        candidate: &Model,
        production: Option<&Model>,
        holdout: &Table,
    ) -> Result<Decision, Failure>;
}

/// Exports a type that implements [`Evaluator`](crate::Evaluator) as a `evaluate` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! evaluator {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::evaluate], export_evaluate);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Evaluator> bindings::exports::sprag::stage::evaluate::Guest for Adapter<T> {
    fn run(session: &Session, candidate: &Model, production: Option<&Model>, holdout: &Table) -> Result<Decision, Failure> {
        T::evaluate(session, session.params()?, candidate, production, holdout)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/evaluate@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_evaluate",
        default_bindings_module: "sprag_sdk::stage::evaluate::bindings",
        with: {
            "sprag:data/tables@0.1.0": crate::bindings::sprag::data::tables,
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
            "sprag:stage/models@0.1.0": crate::bindings::sprag::stage::models,
        },
    });
}
