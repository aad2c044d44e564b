//! Plugins that run a packaged model in an environment.

use serde::de::DeserializeOwned;

pub use bindings::exports::sprag::stage::deploy::{Phase, Release, Service, State, Weight};

pub use super::releases::short_digest;

use crate::{Change, Failure, Session};

/// Deploys packaged versions to one kind of target.
///
/// Every function may be called again at any time, also after an earlier call died half way: it goes on from what it finds.
pub trait Deployer {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;

    /// Says what [`apply`](Self::apply) would do, and changes nothing.
    ///
    /// # Errors
    ///
    /// When the target cannot be asked.
    fn plan(session: &Session, params: Self::Params, service: Service, release: Release) -> Result<Vec<Change>, Failure>;

    /// Makes the service run the release for all requests, and waits until it does or clearly will not.
    ///
    /// # Errors
    ///
    /// When the target refuses. A release that does not get ready is a [`State`] of the phase `failed`.
    fn apply(session: &Session, params: Self::Params, service: Service, release: Release) -> Result<State, Failure>;

    /// Looks.
    ///
    /// # Errors
    ///
    /// When the target cannot be asked.
    fn status(session: &Session, params: Self::Params, service: Service) -> Result<State, Failure>;

    /// Adds the release where it does not run yet, and divides the requests by the weights.
    ///
    /// # Errors
    ///
    /// When the target refuses, or cannot divide requests.
    fn traffic(
        session: &Session,
        params: Self::Params,
        service: Service,
        release: Release,
        weights: Vec<Weight>,
    ) -> Result<State, Failure>;

    /// Puts an earlier release back for all requests, by the fastest way that the target has.
    ///
    /// # Errors
    ///
    /// When the target refuses.
    fn rollback(session: &Session, params: Self::Params, service: Service, release: Release) -> Result<State, Failure>;

    /// Removes the service and what [`apply`](Self::apply) made for it. That it is gone already is no failure.
    ///
    /// # Errors
    ///
    /// When the target refuses.
    fn destroy(session: &Session, params: Self::Params, service: Service) -> Result<Vec<Change>, Failure>;
}

/// Exports a type that implements [`Deployer`](crate::Deployer) as a `deploy` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
///
/// With parameters and an adapter it implements the trait too: each function makes an `Adapter::new(client, host, &params, &service)` over the network and calls its
/// function of the same name. So all that a plugin does lies in a type that native tests use over a client and host of their own.
#[macro_export]
macro_rules! deployer {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::deploy], export_deploy);
    };
    ($ty:ident, $params:ty, $adapter:ident) => {
        impl $crate::Deployer for $ty {
            type Params = $params;

            fn plan(
                session: &$crate::Session,
                params: $params,
                service: $crate::stage::deploy::Service,
                release: $crate::stage::deploy::Release,
            ) -> ::core::result::Result<::std::vec::Vec<$crate::Change>, $crate::Failure> {
                $adapter::new(&$crate::http::Network::new(), session, &params, &service)?.plan(&release)
            }

            fn apply(
                session: &$crate::Session,
                params: $params,
                service: $crate::stage::deploy::Service,
                release: $crate::stage::deploy::Release,
            ) -> ::core::result::Result<$crate::stage::deploy::State, $crate::Failure> {
                $adapter::new(&$crate::http::Network::new(), session, &params, &service)?.apply(&release)
            }

            fn status(
                session: &$crate::Session,
                params: $params,
                service: $crate::stage::deploy::Service,
            ) -> ::core::result::Result<$crate::stage::deploy::State, $crate::Failure> {
                $adapter::new(&$crate::http::Network::new(), session, &params, &service)?.status()
            }

            fn traffic(
                session: &$crate::Session,
                params: $params,
                service: $crate::stage::deploy::Service,
                release: $crate::stage::deploy::Release,
                weights: ::std::vec::Vec<$crate::stage::deploy::Weight>,
            ) -> ::core::result::Result<$crate::stage::deploy::State, $crate::Failure> {
                $adapter::new(&$crate::http::Network::new(), session, &params, &service)?.traffic(&release, &weights)
            }

            fn rollback(
                session: &$crate::Session,
                params: $params,
                service: $crate::stage::deploy::Service,
                release: $crate::stage::deploy::Release,
            ) -> ::core::result::Result<$crate::stage::deploy::State, $crate::Failure> {
                $adapter::new(&$crate::http::Network::new(), session, &params, &service)?.rollback(&release)
            }

            fn destroy(
                session: &$crate::Session,
                params: $params,
                service: $crate::stage::deploy::Service,
            ) -> ::core::result::Result<::std::vec::Vec<$crate::Change>, $crate::Failure> {
                $adapter::new(&$crate::http::Network::new(), session, &params, &service)?.destroy()
            }
        }

        $crate::deployer!($ty);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Deployer> bindings::exports::sprag::stage::deploy::Guest for Adapter<T> {
    fn plan(session: &Session, service: Service, release: Release) -> Result<Vec<Change>, Failure> {
        T::plan(session, session.params()?, service, release)
    }

    fn apply(session: &Session, service: Service, release: Release) -> Result<State, Failure> {
        T::apply(session, session.params()?, service, release)
    }

    fn status(session: &Session, service: Service) -> Result<State, Failure> {
        T::status(session, session.params()?, service)
    }

    fn traffic(session: &Session, service: Service, release: Release, weights: Vec<Weight>) -> Result<State, Failure> {
        T::traffic(session, session.params()?, service, release, weights)
    }

    fn rollback(session: &Session, service: Service, release: Release) -> Result<State, Failure> {
        T::rollback(session, session.params()?, service, release)
    }

    fn destroy(session: &Session, service: Service) -> Result<Vec<Change>, Failure> {
        T::destroy(session, session.params()?, service)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/deploy@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_deploy",
        default_bindings_module: "sprag_sdk::stage::deploy::bindings",
        additional_derives: [PartialEq, Eq],
        with: {
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
