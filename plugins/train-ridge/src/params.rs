//! The parameters.

use serde::Deserialize;
use sprag_sdk::Failure;

/// The parameters of ridge regression.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The strength of the penalty on the sum of squared weights; 0 is ordinary least squares.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub alpha: f64,
    /// Whether the line may have an intercept, which is not penalised.
    pub fit_intercept: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { alpha: 1.0, fit_intercept: true }
    }
}

impl Params {
    /// Checks what a JSON Schema cannot: that `alpha` is finite.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let sound = self.alpha >= 0.0 && self.alpha.is_finite();
        let found = self.alpha;
        if sound {
            Ok(())
        } else {
            Err(Failure::bad_params(format!("`alpha`: expected a finite number from 0 on, found {found}")))
        }
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
            <crate::TrainRidge as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
