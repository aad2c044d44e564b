//! The parameters.

use serde::Deserialize;
use sprag_sdk::Failure;

/// The parameters of logistic regression.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The inverse of the penalty's strength, as in scikit-learn: the smaller, the stronger the penalty on the sum of squared weights.
    #[cfg_attr(test, schemars(extend("exclusiveMinimum" = 0.0)))]
    pub c: f64,
    /// Whether each feature is brought to mean 0 and standard deviation 1 first, so that the penalty treats all alike.
    pub standardize: bool,
    /// After how many iterations to stop in any case.
    #[cfg_attr(test, schemars(range(min = 1, max = 10_000)))]
    pub max_iterations: u32,
    /// The fall of the loss for each row that is no longer worth an iteration.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub tolerance: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { c: 1.0, standardize: true, max_iterations: 100, tolerance: 1e-10 }
    }
}

impl Params {
    /// Checks what holds whether or not a host has held the parameters against their schema.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let found = self.c;
        let sound = found > 0.0 && found.is_finite();
        if sound { Ok(()) } else { Err(Failure::bad_params(format!("`c`: expected a finite number above 0, found {found}"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <crate::TrainLogistic as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
