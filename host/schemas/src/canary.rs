//! `canary.toml`: by which steps a challenger takes over, and what sends it back.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::TimeSpan;

/// `canary.toml`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Canary {
    /// The challenger that it is about. Default: the only one that there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<String>,
    /// The steps, by ascending weight. After the last one the challenger gets all requests.
    pub steps: Vec<Step>,
    /// How many more requests than the champion it may fail.
    #[serde(default)]
    pub errors: Errors,
    /// How much slower it may be. Default: as slow as its own time limit allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// How far its predictions may lie from the champion's. Default: anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<Shift>,
}

/// `[[steps]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// The challenger's share of the requests in percent, 1 to 99.
    pub weight: u32,
    /// How long the step lasts at least. Default: `0ms`.
    #[serde(default = "no_time")]
    pub pause: TimeSpan,
    /// How many requests challenger and champion must each have had in this step before anything but failures is judged. Default: 100.
    #[serde(default = "hundred")]
    pub requests: u32,
}

const fn no_time() -> TimeSpan {
    TimeSpan(Duration::ZERO)
}

const fn hundred() -> u32 {
    100
}

/// `[errors]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Errors {
    /// The share of its requests that the challenger failed, less that of the champion, at most; 0 to 1. Default: 0.01.
    pub most_difference: f64,
    /// The same two shares as a ratio, at most. Half a failure is added to both, so that none is no division by zero. Default: no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_ratio: Option<f64>,
}

impl Default for Errors {
    fn default() -> Self {
        Self { most_difference: 0.01, most_ratio: None }
    }
}

/// `[latency]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Latency {
    /// The quantile that is compared. Default: 0.99.
    #[serde(default = "last_percent")]
    pub quantile: f64,
    /// The challenger's quantile by the champion's, at most.
    pub most_ratio: f64,
    /// A difference that is smaller than this is no matter, whatever the ratio. Default: `0ms`.
    #[serde(default = "no_time")]
    pub least_difference: TimeSpan,
}

const fn last_percent() -> f64 {
    0.99
}

/// `[shift]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shift {
    /// The population stability index of the challenger's predictions against the champion's, beyond what chance makes of it, at most. By custom 0.1 is
    /// worth a look, and 0.25 is far. Default: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_psi: Option<f64>,
    /// The standardised difference of the two means, beyond what chance makes of it, at most; for numbers only. Default: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_mean_difference: Option<f64>,
}

impl Canary {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// The text is not TOML or does not fit the types: the error shows the line and, for an unknown key, the known ones.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const SMALL: &str = "[[steps]]\nweight = 5\n\n[latency]\nmost-ratio = 1.5\n";

    #[test]
    fn a_small_file_has_every_default() {
        let canary = Canary::parse(SMALL).unwrap();
        assert_eq!(canary.steps, [Step { weight: 5, pause: TimeSpan(Duration::ZERO), requests: 100 }]);
        assert_eq!(canary.errors, Errors { most_difference: 0.01, most_ratio: None });
        let latency = canary.latency.unwrap();
        assert_eq!((latency.quantile, latency.most_ratio, latency.least_difference.0), (0.99, 1.5, Duration::ZERO));
        assert_eq!((canary.challenger, canary.shift), (None, None));
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_line_and_the_known_ones() {
        let error = Canary::parse(&SMALL.replace("weight", "wieght")).unwrap_err();
        assert!(error.contains("line 2, column 1"), "{error}");
        assert!(error.contains("unknown field `wieght`, expected one of `weight`, `pause`, `requests`"), "{error}");
    }
}
