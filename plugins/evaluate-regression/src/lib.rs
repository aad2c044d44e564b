//! Compares a candidate regressor with the model in production on the same hold-out: `mse`, `rmse`, `mae` and `r2`, and the decision of `sprag-gate`.
//!
//! Memory: one batch, and the rows that the bootstrap draws from (20 000 unless the parameters say otherwise).

mod evidence;
mod metrics;

pub use evidence::measure;
pub use metrics::{METRICS, Totals};
use sprag_evaluation::{Contest, Preview, conclude};
use sprag_gate::Rule;
use sprag_sdk::{Decision, Evaluator, Failure, Model, Session, Source, Table};

/// The plugin.
pub struct EvaluateRegression;

impl Evaluator for EvaluateRegression {
    type Params = Rule;

    fn evaluate(
        session: &Session,
        rule: Rule,
        candidate: &Model,
        production: Option<&Model>,
        holdout: &Table,
    ) -> Result<Decision, Failure> {
        let predicted = candidate.predict(holdout)?;
        let in_production = production.map(|model| model.predict(holdout)).transpose()?;
        let in_production = in_production.as_ref().map(|table| table as &dyn Source);
        let contest = Contest { holdout, candidate: &predicted, production: in_production, watch: session };
        let name = production.map(|model| model.version().unwrap_or_else(|| "production".to_owned()));
        let mut preview = Preview::new(production.is_some());
        let evidence = measure(contest, name, &rule, session.seed(), &mut preview)?;
        preview.write()?;
        conclude(session, &rule, METRICS[0].0, &evidence, &())
    }
}

sprag_sdk::evaluator!(EvaluateRegression);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Rule).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <EvaluateRegression as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
