//! Plugins that tell people.

use serde::de::DeserializeOwned;

use crate::{Failure, Session};

/// Tells people what happened or what waits for them.
pub trait Notifier {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;
    /// What is read of the event; `sprag schema release-event` prints the schema of the whole.
    type Event: DeserializeOwned;

    /// Sends one event. To send the same event twice does no harm.
    ///
    /// # Errors
    ///
    /// When it could not be sent.
    fn notify(session: &Session, params: Self::Params, event: Self::Event) -> Result<(), Failure>;
}

/// Exports a type that implements [`Notifier`](crate::Notifier) as a `notify` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! notifier {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::notify], export_notify);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Notifier> bindings::exports::sprag::stage::notify::Guest for Adapter<T> {
    fn run(session: &Session, event_json: String) -> Result<(), Failure> {
        let event = serde_json::from_str(&event_json);
        let event = event.map_err(|error| Failure::Unsupported(format!("expected another form of the event: {error}")))?;
        T::notify(session, session.params()?, event)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/notify@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_notify",
        default_bindings_module: "sprag_sdk::stage::notify::bindings",
        additional_derives: [PartialEq, Eq],
        with: {
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
