//! A trainer that would reach the network, through a socket of the standard library and through HTTP. It never gets to run.

#![allow(missing_docs, reason = "a test program")]

use serde::Deserialize;
use sprag_sdk::{Column, Failure, Field, Scorer, Session, State, Table, Trainer};

/// An interface of the package for HTTP: its name is what is refused.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "generated code")]
mod http {
    wit_bindgen::generate!({
        inline: "
            package wasi:http@0.2.6;

            interface client {
                handle: func() -> u32;
            }

            world asks {
                import client;
            }
        ",
    });

    pub(super) use wasi::http::client::handle;
}

#[derive(Deserialize)]
pub struct Params {}

pub struct Program;

impl Trainer for Program {
    type Params = Params;
    type Model = Self;

    fn train(session: &Session, _: Params, _: &Table, _: Option<&Table>) -> Result<State, Failure> {
        let connected = std::net::TcpStream::connect("127.0.0.1:80");
        sprag_sdk::info!(session, "{:?}", connected.map(|stream| stream.peer_addr()));
        #[cfg(target_arch = "wasm32")]
        sprag_sdk::info!(session, "{}", http::handle());
        Err(Failure::internal("got to run"))
    }
}

impl Scorer for Program {
    fn load(_: &[u8]) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn inputs(&self) -> Vec<Field> {
        vec![]
    }

    fn outputs(&self) -> Vec<Field> {
        vec![]
    }

    fn predict(&self, _: usize, _: &[Column]) -> Result<Vec<Column>, Failure> {
        Ok(vec![])
    }
}

sprag_sdk::trainer!(Program);
