//! Tests a trainer of classifiers: what holds of any, and the known probabilities of logistic regression with an L2 penalty.
//!
//! The trainer stands behind imported interfaces: any component that exports them can be tested, in whatever language it is written.

mod cases;

pub use cases::run_all;
use serde::Deserialize;
use sprag_sdk::{Failure, Session};
use sprag_sdk_unit_test::{TestCase, UnderTest, UnitTest, test_case};

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// What the trainer calls the inverse of its penalty's strength; an empty name leaves out the cases that only logistic regression with such a penalty, on
    /// standardised features, passes.
    c_parameter: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { c_parameter: "c".to_owned() }
    }
}

/// The plugin.
pub struct TestClassifier;

impl UnitTest for TestClassifier {
    type Params = Params;

    fn test(_session: &Session, params: Params) -> Result<Vec<TestCase>, Failure> {
        let outcomes = run_all(&UnderTest, &params.c_parameter);
        Ok(outcomes.into_iter().map(|(name, outcome)| test_case(name, outcome)).collect())
    }
}

sprag_sdk_unit_test::unit_test!(TestClassifier);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <TestClassifier as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
