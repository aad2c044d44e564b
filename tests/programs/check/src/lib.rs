//! A sanity check that does what its test says: the parameter `act` names it.

#![allow(missing_docs, reason = "a test program: each act stands by its name")]

mod honest;
mod hostile;

use serde::Deserialize;
use sprag_sdk::{Failure, SanityCheck, Session, Table, Verdict};

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// What to do.
    act: String,
    /// What to do it with: a name, a column, a case.
    with: String,
    offset: u64,
    len: u32,
}

pub struct Program;

impl SanityCheck for Program {
    type Params = Params;

    fn check(session: &Session, params: Params, data: &Table) -> Result<Verdict, Failure> {
        let done = honest::act(session, &params, data)?;
        match done {
            Some(verdict) => Ok(verdict),
            None => hostile::act(session, &params, data).map(|()| Verdict::Pass),
        }
    }
}

sprag_sdk::sanity_check!(Program);
