//! A trainer that would register its own model and judge it. It never gets to run.

#![allow(missing_docs, reason = "a test program")]

use serde::Deserialize;
use sprag_sdk::{Column, Failure, Field, Scorer, Session, State, Table, Trainer, registry};

#[derive(Deserialize)]
pub struct Params {}

pub struct Program;

impl Trainer for Program {
    type Params = Params;
    type Model = Self;

    fn train(_: &Session, _: Params, _: &Table, _: Option<&Table>) -> Result<State, Failure> {
        let registered = registry::add_version(&[]);
        Err(Failure::internal(format!("got to run: {registered:?}")))
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
