//! Compares a candidate classifier with the model in production on the same hold-out: `log_loss`, `accuracy`, `balanced_accuracy`, `f1` and `roc_auc`, and the
//! decision of `sprag-gate`.
//!
//! The first output of a model is the class; outputs named `probability:<class>` are what `log_loss` and `roc_auc` need. The confusion matrices stand in
//! `evaluation.json`. Memory: one batch, the rows that the bootstrap draws from, and, for two classes, 17 bytes a row for `roc_auc`.

mod calibration;
mod evidence;
mod labels;
mod metrics;
mod ranking;
mod rows;

pub use calibration::{Bin, Calibration};
pub use evidence::{Confusion, measure};
pub use metrics::{METRICS, Totals};
pub use ranking::roc_auc;
use sprag_evaluation::{Contest, Preview, conclude};
use sprag_gate::Rule;
use sprag_sdk::{Decision, Evaluator, Failure, Model, Session, Source, Table};

/// The plugin.
pub struct EvaluateClassification;

impl Evaluator for EvaluateClassification {
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
        let (evidence, confusion) = measure(contest, name, &rule, session.seed(), &mut preview)?;
        preview.write()?;
        conclude(session, &rule, METRICS[0].0, &evidence, &confusion)
    }
}

sprag_sdk::evaluator!(EvaluateClassification);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Rule).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <EvaluateClassification as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
