//! HTTP for the stages that may use the network: a small client that waits for each answer, over `wasi:http`.
//!
//! A plugin's logic takes a [`Client`], so that a native test can answer in the network's place; the stage itself passes [`Network`]. Redirects are not
//! followed: an answer of 3xx is an answer. A secret's placeholder stands where its value belongs, and the host puts it in.

mod error;
mod exchange;
mod message;
#[cfg(target_arch = "wasm32")]
mod wasi;

use std::time::Duration;

pub use error::Error;
pub use exchange::Exchange;
pub use message::{Request, Response};

/// Who sends requests, and waits between them.
pub trait Client {
    /// Sends one request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    ///
    /// There is no answer: see [`Error`], which knows whether to try again.
    fn send(&self, request: &Request) -> Result<Response, Error>;

    /// Waits.
    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// The time since some moment, for bounds in time.
    fn now(&self) -> Duration;
}

/// The network, as the host grants it.
#[derive(Debug, Clone, Copy)]
pub struct Network(std::time::Instant);

impl Network {
    /// The network of this stage.
    #[must_use]
    pub fn new() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Client for Network {
    #[cfg(target_arch = "wasm32")]
    fn send(&self, request: &Request) -> Result<Response, Error> {
        wasi::send(request)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn send(&self, request: &Request) -> Result<Response, Error> {
        Err(Error::Unreachable(format!("there is no network outside of a component to send `{}` to", request.url)))
    }

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
