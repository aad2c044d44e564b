//! Tests a trainer of regressions on inputs with known answers.

use serde::Deserialize;
use sprag_sdk::{Column, Failure, Frame, Session};
use sprag_sdk_unit_test::{Outcome, Subject, TestCase, UnderTest, UnitTest, test_case};

/// There are no parameters. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// The plugin.
pub struct Test;

impl UnitTest for Test {
    type Params = Params;

    fn test(_: &Session, _: Params) -> Result<Vec<TestCase>, Failure> {
        Ok(CASES
            .iter()
            .map(|(name, case)| test_case(name, case(&UnderTest)))
            .collect())
    }
}

/// A case is a function from the trainer to an outcome: an error says what was expected and what was found.
type Case = fn(&dyn Subject) -> Outcome;

const CASES: [(&str, Case); 3] = [
    ("equal-targets-are-predicted", |trainer| {
        let found = predictions(trainer, "x,y\n1,7\n2,7\n3,7\n", &[1.0, 5.0])?;
        found
            .iter()
            .try_for_each(|&found| near("a prediction", found, 7.0))
    }),
    ("more-of-the-feature-means-more-of-the-target", |trainer| {
        let found = predictions(trainer, "x,y\n1,1\n2,2\n3,3\n4,4\n", &[1.0, 4.0])?;
        if found[0] < found[1] {
            Ok(())
        } else {
            Err(format!("expected a rising line, found {found:?}"))
        }
    }),
    ("the-same-data-gives-the-same-model", |trainer| {
        let (first, second) = (
            train(trainer, "x,y\n1,1\n2,3\n")?,
            train(trainer, "x,y\n1,1\n2,3\n")?,
        );
        if first == second {
            Ok(())
        } else {
            Err("expected the same state twice, found two".to_owned())
        }
    }),
];

fn train(trainer: &dyn Subject, csv: &str) -> Result<Vec<u8>, String> {
    trainer
        .train("{}", &Frame::from_csv(csv).with_target("y"))
        .map_err(|failure| failure.message().to_owned())
}

/// What a model of this data says of some values of its one feature.
fn predictions(trainer: &dyn Subject, csv: &str, x: &[f64]) -> Result<Vec<f64>, String> {
    let state = train(trainer, csv)?;
    let outputs = trainer.predict(&state, &[Column::floats(x.to_vec())]);
    let outputs = outputs.map_err(|failure| failure.message().to_owned())?;
    let found = outputs
        .into_iter()
        .next()
        .and_then(Column::into_numbers)
        .unwrap_or_default();
    if found.len() == x.len() {
        Ok(found)
    } else {
        Err(format!(
            "expected {} numbers, found {}",
            x.len(),
            found.len()
        ))
    }
}

fn near(what: &str, found: f64, expected: f64) -> Outcome {
    if (found - expected).abs() <= 1e-9 {
        Ok(())
    } else {
        Err(format!("expected {expected} as {what}, found {found}"))
    }
}

sprag_sdk_unit_test::unit_test!(Test);

#[cfg(test)]
mod tests {
    use sprag_sdk::{Field, Source};

    use super::*;

    /// A trainer that predicts the mean of the target, plus some of the feature where the targets differ.
    struct Mean {
        slope: f64,
    }

    impl Subject for Mean {
        fn train(&self, _: &str, data: &Frame) -> Result<Vec<u8>, Failure> {
            let target = data.column("y").unwrap().numbers().unwrap();
            let is_flat = target.iter().all(|value| *value == target[0]);
            let mean = target.iter().sum::<f64>() / data.row_count() as f64;
            Ok(serde_json::to_vec(&(mean, if is_flat { 0.0 } else { self.slope })).unwrap())
        }

        fn signature(&self, _: &[u8]) -> Result<(Vec<Field>, Vec<Field>), Failure> {
            Ok((vec![], vec![]))
        }

        fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<Column>, Failure> {
            let (mean, slope): (f64, f64) = serde_json::from_slice(state).unwrap();
            Ok(vec![Column::floats(
                inputs[0]
                    .numbers()
                    .unwrap()
                    .iter()
                    .map(|x| mean + slope * x)
                    .collect(),
            )])
        }
    }

    fn failed(slope: f64) -> Vec<&'static str> {
        let failed = CASES
            .iter()
            .filter(|(_, case)| case(&Mean { slope }).is_err());
        failed.map(|(name, _)| *name).collect()
    }

    #[test]
    fn a_right_trainer_passes_and_a_wrong_one_is_found() {
        assert!(failed(1.0).is_empty());
        assert_eq!(
            failed(-1.0),
            ["more-of-the-feature-means-more-of-the-target"]
        );
    }
}
