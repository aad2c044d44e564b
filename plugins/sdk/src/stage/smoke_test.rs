//! Plugins that try a deployed service.

use serde::de::DeserializeOwned;

pub use bindings::exports::sprag::stage::smoke_test::Endpoint;

use crate::{Failure, Session, Table, Verdict};

/// Calls a deployed service and judges its answers.
pub trait SmokeTest {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Sends `rows` and holds the answers against `expected`, the model's own predictions row by row. Findings say what differs.
    ///
    /// # Errors
    ///
    /// When the test itself could not be done; a service that does not answer well is [`Verdict::Fail`].
    fn test(
        session: &Session,
        params: Self::Params,
        service: Endpoint,
        rows: &Table,
        expected: &Table,
    ) -> Result<Verdict, Failure>;
}

/// Exports a type that implements [`SmokeTest`](crate::SmokeTest) as a `smoke-test` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! smoke_test {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::smoke_test], export_smoke_test);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: SmokeTest> bindings::exports::sprag::stage::smoke_test::Guest for Adapter<T> {
    fn run(session: &Session, service: Endpoint, rows: &Table, expected: &Table) -> Result<Verdict, Failure> {
        T::test(session, session.params()?, service, rows, expected)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/smoke-test@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_smoke_test",
        default_bindings_module: "sprag_sdk::stage::smoke_test::bindings",
        additional_derives: [PartialEq, Eq],
        with: {
            "sprag:data/tables@0.1.0": crate::bindings::sprag::data::tables,
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
