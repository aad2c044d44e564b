//! An evaluator that does what its test says: the parameter `act` names it.

#![allow(missing_docs, reason = "a test program: each act stands by its name")]

use serde::Deserialize;
use sprag_sdk::{Decision, Evaluator, Failure, Model, Outcome, Session, Table, Values, measurement};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    act: String,
}

pub struct Program;

impl Evaluator for Program {
    type Params = Params;

    fn evaluate(
        session: &Session,
        params: Params,
        candidate: &Model,
        production: Option<&Model>,
        holdout: &Table,
    ) -> Result<Decision, Failure> {
        let promote = |reason: &str| Ok(Decision { outcome: Outcome::Promote, reason: reason.to_owned() });
        match params.act.as_str() {
            "compare" => compare(session, candidate, production, holdout),
            "look" => {
                for model in [Some(candidate), production].into_iter().flatten() {
                    let names = |fields: Vec<sprag_sdk::Field>| fields.into_iter().map(|field| field.name).collect::<Vec<_>>();
                    let (inputs, outputs) = (names(model.inputs()?), names(model.outputs()?));
                    sprag_sdk::info!(session, "{:?} {inputs:?} {outputs:?} {}", model.version(), model.digest());
                }
                promote("looked")
            }
            "blocked" => Ok(Decision { outcome: Outcome::Blocked, reason: "breaks a rule".to_owned() }),
            "swallow" => {
                let _ignored = candidate.predict(holdout);
                promote("all is fine")
            }
            "dump" => {
                let table = candidate.predict(holdout)?;
                for field in table.schema() {
                    let column = table.read(&field.name, 0, u32::try_from(table.row_count()).unwrap_or(u32::MAX))?;
                    sprag_sdk::info!(session, "{}: {:?}", field.name, column.values);
                }
                promote("dumped")
            }
            "hoard" => {
                let mut tables = vec![];
                loop {
                    tables.push(candidate.predict(holdout)?);
                }
            }
            "nan" => {
                session.measure(&[measurement("mse", f64::NAN, "candidate")]);
                promote("it is a number")
            }
            "refuse" => Err(Failure::unsupported("no such metric")),
            other => Err(Failure::bad_params(format!("unknown act `{other}`"))),
        }
    }
}

/// Promotes the model whose predictions are the nearest to the target.
fn compare(session: &Session, candidate: &Model, production: Option<&Model>, holdout: &Table) -> Result<Decision, Failure> {
    let rows = u32::try_from(holdout.row_count()).unwrap_or(u32::MAX);
    let target = holdout.target().ok_or_else(|| Failure::bad_input("expected a target"))?;
    let truth = holdout.read(&target, 0, rows)?.into_numbers().ok_or_else(|| Failure::bad_input("expected numbers"))?;
    let error = |model: &Model, split: &str| -> Result<f64, Failure> {
        let Values::Floats(found) = model.predict(holdout)?.read("prediction", 0, rows)?.values else {
            return Err(Failure::internal("expected floats"));
        };
        let squares: f64 = found.iter().zip(&truth).map(|(found, truth)| (found - truth).powi(2)).sum();
        session.measure(&[measurement("mse", squares / f64::from(rows), split)]);
        Ok(squares)
    };
    let ours = error(candidate, "candidate")?;
    let theirs = production.map(|model| error(model, "production")).transpose()?;
    let better = theirs.is_none_or(|theirs| ours < theirs);
    let outcome = if better { Outcome::Promote } else { Outcome::Keep };
    Ok(Decision { outcome, reason: format!("{ours} against {theirs:?}") })
}

sprag_sdk::evaluator!(Program);
