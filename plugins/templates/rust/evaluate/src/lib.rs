//! Promotes a candidate whose mean squared error on the hold-out is lower than that of the model in production.

use serde::Deserialize;
use sprag_sdk::{
    BATCH_ROWS, Decision, Evaluator, Failure, Model, Outcome, Session, Source, Table,
    matrix_batches, measurement,
};

/// The rule. `params.schema.json` says the same to sprag.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// By how much the error must be lower, as a share of production's.
    margin: f64,
    /// The highest error that is accepted at all.
    at_most: Option<f64>,
}

/// The plugin.
pub struct Evaluate;

impl Evaluator for Evaluate {
    type Params = Params;

    fn evaluate(
        session: &Session,
        params: Params,
        candidate: &Model,
        production: Option<&Model>,
        holdout: &Table,
    ) -> Result<Decision, Failure> {
        let error = mean_squared_error(holdout, &candidate.predict(holdout)?)?;
        session.measure(&[measurement("mse", error, "candidate")]);
        let mut beside = None;
        if let Some(model) = production {
            let error = mean_squared_error(holdout, &model.predict(holdout)?)?;
            session.measure(&[measurement("mse", error, "production")]);
            beside = Some((
                error,
                model.version().unwrap_or_else(|| "production".to_owned()),
            ));
        }
        Ok(decide(&params, error, beside))
    }
}

/// The mean of the squared errors of predictions, which are the first column. It walks by batches, since a table may be
/// larger than memory.
fn mean_squared_error(holdout: &impl Source, predicted: &impl Source) -> Result<f64, Failure> {
    let target = holdout
        .target()
        .ok_or_else(|| Failure::bad_params("expected a target column, found none"))?;
    let output = predicted
        .schema()
        .into_iter()
        .next()
        .map(|field| field.name);
    let output = output.ok_or_else(|| {
        Failure::bad_input("expected a prediction, found a model without outputs")
    })?;
    let (targets, outputs) = ([target], [output]);
    let mut total = 0.0;
    let truths = matrix_batches(holdout, &targets, BATCH_ROWS)?;
    for (truth, guess) in truths.zip(matrix_batches(predicted, &outputs, BATCH_ROWS)?) {
        total += truth?[0]
            .iter()
            .zip(&guess?[0])
            .map(|(truth, guess)| (truth - guess).powi(2))
            .sum::<f64>();
    }
    Ok(total / holdout.row_count() as f64)
}

/// Applies the rule to the candidate's error and, where there is one, to that of the model in production.
fn decide(params: &Params, error: f64, production: Option<(f64, String)>) -> Decision {
    let (outcome, reason) = match (params.at_most, production) {
        (Some(most), _) if error > most => (
            Outcome::Blocked,
            format!("mse {error:.6} must be at most {most}"),
        ),
        (_, None) => (
            Outcome::Promote,
            format!("the first model; mse is {error:.6}"),
        ),
        (_, Some((beside, name))) if error < beside * (1.0 - params.margin) => (
            Outcome::Promote,
            format!("mse {error:.6} is lower than {beside:.6} of {name}"),
        ),
        (_, Some((beside, name))) => (
            Outcome::Keep,
            format!("mse {error:.6} is not lower than {beside:.6} of {name}"),
        ),
    };
    Decision { outcome, reason }
}

sprag_sdk::evaluator!(Evaluate);

#[cfg(test)]
mod tests {
    use sprag_sdk::Frame;

    use super::*;

    #[test]
    fn the_error_is_the_mean_of_the_squares() {
        let holdout = Frame::from_csv("x,y\n1,1\n2,2\n").with_target("y");
        let predicted = Frame::from_csv("prediction\n2\n4\n");
        assert_eq!(mean_squared_error(&holdout, &predicted).unwrap(), 2.5);
    }

    #[test]
    fn only_what_is_better_is_promoted() {
        let decided = |params: Params, error, beside: Option<f64>| {
            decide(
                &params,
                error,
                beside.map(|beside| (beside, "m@1".to_owned())),
            )
            .outcome
        };
        assert_eq!(decided(Params::default(), 2.0, None), Outcome::Promote);
        assert_eq!(decided(Params::default(), 1.0, Some(2.0)), Outcome::Promote);
        assert_eq!(decided(Params::default(), 2.0, Some(2.0)), Outcome::Keep);
        assert_eq!(
            decided(
                Params {
                    margin: 0.5,
                    at_most: None
                },
                1.5,
                Some(2.0)
            ),
            Outcome::Keep
        );
        assert_eq!(
            decided(
                Params {
                    margin: 0.0,
                    at_most: Some(1.0)
                },
                2.0,
                None
            ),
            Outcome::Blocked
        );
    }
}
