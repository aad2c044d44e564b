//! Tests a trainer of linear regressors with an L2 penalty, on inputs whose answers are known.
//!
//! The trainer stands behind imported interfaces: any component that exports them can be tested, in whatever language it is written. The cases know nothing of the
//! host; they see the trainer as a `Subject`, so that a native test can hold them against trainers that are right and trainers that are wrong.

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
    /// What the trainer calls the strength of its penalty on the sum of squared weights.
    alpha_parameter: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { alpha_parameter: "alpha".to_owned() }
    }
}

/// The plugin.
pub struct TestRegressor;

impl UnitTest for TestRegressor {
    type Params = Params;

    fn test(_session: &Session, params: Params) -> Result<Vec<TestCase>, Failure> {
        let outcomes = run_all(&UnderTest, &params.alpha_parameter);
        Ok(outcomes.into_iter().map(|(name, outcome)| test_case(name, outcome)).collect())
    }
}

sprag_sdk_unit_test::unit_test!(TestRegressor);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <TestRegressor as sprag_sdk::Plugin>::JSON, &derived);
    }
}
