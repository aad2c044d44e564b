//! A registrar that does what its test says: the parameter `act` names it.

#![allow(missing_docs, reason = "a test program: each act stands by its name")]

use serde::Deserialize;
use sprag_sdk::registry::{self, RegistryError, add_version, get_alias, set_alias};
use sprag_sdk::{Decision, Failure, Model, Registrar, Session};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    act: String,
}

pub struct Program;

impl Registrar for Program {
    type Params = Params;

    fn register(session: &Session, params: Params, candidate: &Model, decision: Decision) -> Result<u64, Failure> {
        let say = |what: &dyn std::fmt::Debug| sprag_sdk::info!(session, "{what:?}");
        match params.act.as_str() {
            "register" => {
                say(&(candidate.digest(), candidate.version(), &decision.outcome));
                say(&registry::get_alias("production").map_err(told)?);
                let version = add_version(&[("area".to_owned(), "test".to_owned())]).map_err(told)?;
                set_alias("production", version, &decision.reason).map_err(told)?;
                say(&get_alias("production").map_err(told)?);
                Ok(version)
            }
            "lie" => Ok(add_version(&[]).map_err(told)? + 1),
            "nothing" => Ok(1),
            "twice" => {
                let version = add_version(&[]).map_err(told)?;
                say(&add_version(&[]).err());
                Ok(version)
            }
            "missing-version" => {
                let version = add_version(&[]).map_err(told)?;
                say(&set_alias("production", version + 1, "").err());
                say(&set_alias("production", 0, "").err());
                Ok(version)
            }
            "bad-alias" => {
                let version = add_version(&[]).map_err(told)?;
                say(&set_alias("Pro duction", version, "").err());
                Ok(version)
            }
            "give-up" => {
                add_version(&[]).map_err(told)?;
                Err(Failure::internal("changed its mind"))
            }
            "alias-flood" => {
                let version = add_version(&[]).map_err(told)?;
                let reason = "x".repeat(1 << 20);
                loop {
                    set_alias("production", version, &reason).map_err(told)?;
                }
            }
            other => Err(Failure::bad_params(format!("unknown act `{other}`"))),
        }
    }
}

fn told(error: RegistryError) -> Failure {
    Failure::internal(format!("{error:?}"))
}

sprag_sdk::registrar!(Program);
