//! A provisioner that sends requests, asks for secrets and services, and looks for what it should not see. What it found it writes to its log.

#![allow(missing_docs, reason = "a test program")]

use serde::Deserialize;
use sprag_sdk::http::{Client, Network, Request};
use sprag_sdk::services::{Service, Share};
use sprag_sdk::{Change, Failure, Provisioner, Session, folders, secrets, services};

#[derive(Deserialize)]
pub struct Params {
    act: String,
    #[serde(default)]
    url: String,
    /// A text to look for, backwards, so that to be asked for it does not put it there.
    #[serde(default)]
    reversed: String,
}

pub struct Program;

impl Provisioner for Program {
    type Params = Params;

    fn plan(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        Self::apply(session, params)
    }

    fn apply(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        let network = Network::new();
        match params.act.as_str() {
            "get" => tell(session, &network, &Request::get(&params.url)),
            "post" => tell(session, &network, &Request::post(&params.url).body("text/plain", "x".repeat(100_000))),
            "get-with-key" => {
                let key = secrets::get("key")?.placeholder();
                tell(session, &network, &Request::get(format!("{}?k={key}", params.url)).bearer(&key));
                // That the placeholder is found shows that the search finds what is there.
                let (placeholder, value) = (memory_holds("-terces-garps"), memory_holds(&params.reversed));
                sprag_sdk::info!(session, "placeholder in memory {placeholder}, value in memory {value}");
                sprag_sdk::info!(session, "held {}", key.len());
                sprag_sdk::info!(session, "env {:?}", std::env::vars().collect::<Vec<_>>());
            }
            "secret" => {
                let told = secrets::get("key").map(|secret| secret.name());
                sprag_sdk::info!(session, "{told:?}");
            }
            "service" => {
                let share = Share { package: "sha256:0".to_owned(), percent: 100 };
                let service = Service { name: "s".to_owned(), shares: vec![share], port: 0, keys: vec![] };
                sprag_sdk::info!(session, "start {:?}", services::start(&service));
                sprag_sdk::info!(session, "stop {:?}", services::stop("s"));
                sprag_sdk::info!(session, "status {:?}", services::status("s"));
                sprag_sdk::info!(session, "list {:?}", services::list());
            }
            "folder" => {
                sprag_sdk::info!(session, "look {:?}", folders::look("/etc", ""));
                sprag_sdk::info!(session, "make {:?}", folders::make("/etc", "sprag"));
                sprag_sdk::info!(session, "read {:?}", folders::read("/etc", "passwd"));
                sprag_sdk::info!(session, "write {:?}", folders::write("/etc", "sprag", b"here"));
            }
            "flood" => loop {
                // The stage's limit on logs, to which each request counts, is what ends this.
                let _answer = network.send(&Request::get(&params.url));
                session.log(sprag_sdk::Level::Debug, "again", &[]);
            },
            "wait" => {
                let before = network.now();
                network.pause(std::time::Duration::from_millis(30));
                sprag_sdk::info!(session, "waited {}", (network.now() - before).as_millis() >= 30);
            }
            other => return Err(Failure::bad_params(format!("there is no act `{other}`"))),
        }
        Ok(vec![])
    }
}

fn tell(session: &Session, network: &Network, request: &Request) {
    match network.send(request) {
        Ok(answer) => sprag_sdk::info!(session, "{} {:?} {}", answer.status, answer.headers, answer.text()),
        Err(error) => sprag_sdk::info!(session, "transient: {}, {error}", error.is_transient()),
    }
}

/// Whether a text stands anywhere in this component's memory.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "all of the linear memory is this program's own")]
fn memory_holds(reversed: &str) -> bool {
    let length = core::arch::wasm32::memory_size::<0>() * 65536;
    let byte = |at: usize| unsafe { core::ptr::read_volatile(at as *const u8) };
    let size = reversed.len();
    (1..length - size).any(|start| reversed.bytes().rev().enumerate().all(|(i, wanted)| byte(start + i) == wanted))
}

#[cfg(not(target_arch = "wasm32"))]
fn memory_holds(_: &str) -> bool {
    false
}

sprag_sdk::provisioner!(Program);
