//! Plugins that test a trainer.
//!
//! Such a plugin imports the very interfaces `train` and `score` that a trainer exports, and the host wires them to the trainer under test. That is why this is a crate
//! beside the SDK: in a component that is linked with both, the exports of a trainer would count as its imports too.

mod subject;

use serde::de::DeserializeOwned;
use sprag_sdk::{Failure, Session};

pub use bindings::exports::sprag::stage::unit_test::{CaseOutcome, TestCase};
/// The trainer under test, as the host wired it: its `score`.
pub use bindings::sprag::stage::score as scorer;
/// The trainer under test, as the host wired it: its `train`.
pub use bindings::sprag::stage::train as trainer;
pub use subject::{Subject, UnderTest};

/// How a case ended: the error says what was expected and what was found.
pub type Outcome = Result<(), String>;

/// Makes the record of a test case.
pub fn test_case(name: &str, outcome: Outcome) -> TestCase {
    TestCase { name: name.to_owned(), outcome: outcome.map_or_else(CaseOutcome::Failed, |()| CaseOutcome::Passed) }
}

/// Tests the trainer that stands behind [`trainer`] and [`scorer`]. [`sprag_sdk::harness`] makes the values that they take.
pub trait UnitTest {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Runs every case.
    ///
    /// # Errors
    ///
    /// When the cases could not be run. That one failed is its outcome.
    fn test(session: &Session, params: Self::Params) -> Result<Vec<TestCase>, Failure>;
}

/// Exports a type that implements [`UnitTest`] as a `unit-test` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! unit_test {
    ($ty:ident) => {
        ::sprag_sdk::__export!($ty, [$crate], export_unit_test);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: UnitTest> bindings::exports::sprag::stage::unit_test::Guest for Adapter<T> {
    fn run(session: &Session) -> Result<Vec<TestCase>, Failure> {
        T::test(session, session.params()?)
    }
}

/// The stage's own exports, with every type taken from the SDK's bindings.
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk-unit-test/exports@0.1.0",
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_unit_test",
        default_bindings_module: "sprag_sdk_unit_test::bindings",
        with: {
            "sprag:data/tables@0.1.0": sprag_sdk::bindings::sprag::data::tables,
            "sprag:run/blobs@0.1.0": sprag_sdk::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": sprag_sdk::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": sprag_sdk::bindings::sprag::stage::types,
        },
    });
}
