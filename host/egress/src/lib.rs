//! The host's side of the network: what a stage asks to send is held against its grants, given the secrets that it may not see, and sent.
//!
//! A [`Network`] is made for one attempt at one stage and handed to the runtime, which calls it through
//! [`Outbound`](sprag_runtime::outside::Outbound). The [`Vault`] holds the values of the project's secrets; it is opened once, before anything runs, and says
//! everything that is missing at once. Nothing here knows WebAssembly, and no value of a secret is ever in an error, a log line or an answer.

mod address;
mod answer;
mod client;
mod mail;
mod network;
mod redact;
mod resolve;
mod secrets;
mod send;
mod substitute;

pub use network::{Network, NetworkError, Settings};
pub use resolve::{Resolver, SystemResolver};
pub use secrets::{SecretProblem, Source, Vault};
