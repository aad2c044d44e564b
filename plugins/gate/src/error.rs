//! Why no decision can be made. Whoever gets one of these must not promote.

/// Why no decision can be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GateError {
    /// The rule names a metric that was not measured.
    #[error("unknown metric `{name}`, expected one of {known}")]
    UnknownMetric {
        /// The name in the rule.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The rows do not define a metric that the rule needs.
    #[error("metric `{name}` of {who} is not defined on these rows")]
    Undefined {
        /// The metric.
        name: String,
        /// Whose value it is.
        who: String,
    },
    /// A metric is NaN or infinite.
    #[error("metric `{name}` of {who}: expected a finite number, found {value}")]
    NotFinite {
        /// The metric.
        name: String,
        /// Whose value it is.
        who: String,
        /// The value.
        value: f64,
    },
    /// The rule contradicts itself.
    #[error("{0}")]
    BadRule(String),
}

impl GateError {
    /// Whether the rule is at fault, not what was measured.
    pub fn blames_the_rule(&self) -> bool {
        matches!(self, Self::UnknownMetric { .. } | Self::BadRule(_))
    }
}
