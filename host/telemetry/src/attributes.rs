//! Attributes, named by the semantic conventions of OpenTelemetry where they have a name (<https://opentelemetry.io/docs/specs/semconv/cicd/>), else `sprag.*`.

use chrono::DateTime;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// Collects attributes, leaving out what is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes(pub(crate) Vec<KeyValue>);

impl Attributes {
    pub(crate) fn text(mut self, key: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.push(key, Value::StringValue(value));
        }
        self
    }

    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    pub(crate) fn number(mut self, key: &str, value: f64) -> Self {
        self.push(key, Value::DoubleValue(value));
        self
    }

    pub(crate) fn whole(mut self, key: &str, value: u64) -> Self {
        self.push(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)));
        self
    }

    pub(crate) fn flag(mut self, key: &str, value: bool) -> Self {
        self.push(key, Value::BoolValue(value));
        self
    }

    fn push(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }
}

/// Who tells.
pub(crate) fn resource(own: &[(String, String)]) -> Resource {
    let mut attributes = Attributes::default();
    for (key, value) in own {
        attributes = attributes.text(key, value);
    }
    Resource { attributes: attributes.0, ..Resource::default() }
}

/// What told it.
pub(crate) fn scope() -> InstrumentationScope {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    InstrumentationScope { name: "sprag".to_owned(), version, ..InstrumentationScope::default() }
}

/// A time of a record, in nanoseconds of the Unix epoch; 0 for one that cannot be read.
pub(crate) fn nanos(at: &str) -> u64 {
    let nanos = DateTime::parse_from_rfc3339(at).ok().and_then(|at| at.timestamp_nanos_opt());
    nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0)
}
