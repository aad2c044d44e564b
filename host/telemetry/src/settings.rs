//! Where to send what, by the variables of every OpenTelemetry exporter (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::path::PathBuf;
use std::time::Duration;

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where traces go; nowhere where it is none.
    pub traces: Option<Target>,
    /// Where metrics go.
    pub metrics: Option<Target>,
    /// Who tells: `service.name` and what else is said of it.
    pub resource: Vec<(String, String)>,
    /// A file with authorities to trust beside those of this machine (PEM).
    pub authorities: Option<PathBuf>,
    /// How long a collector may take.
    pub patience: Duration,
}

/// Where one signal goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The whole address.
    pub url: String,
    /// Headers to send along, which may be secrets.
    pub headers: Vec<(String, String)>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("headers", &self.headers.len()).finish_non_exhaustive()
    }
}

/// Settings that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Another protocol.
    #[error("`{variable}`: expected `http/protobuf`, the one protocol that sprag speaks, found `{found}`")]
    Protocol {
        /// The variable.
        variable: String,
        /// What it says.
        found: String,
    },
    /// No pairs.
    #[error("`{variable}`: expected `name=value` pairs with commas between them, found something else")]
    Pairs {
        /// The variable.
        variable: String,
    },
    /// No number.
    #[error("`{variable}`: expected milliseconds, found `{found}`")]
    Number {
        /// The variable.
        variable: String,
        /// What it says.
        found: String,
    },
}

impl Settings {
    /// Reads the variables; none where nothing is to be sent.
    ///
    /// # Errors
    /// One of them cannot be followed.
    pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, SettingsError> {
        let given = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if given("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let (traces, metrics) = (target(&given, "TRACES", "v1/traces")?, target(&given, "METRICS", "v1/metrics")?);
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        let timeout = given("OTEL_EXPORTER_OTLP_TIMEOUT").map(|found| {
            let variable = "OTEL_EXPORTER_OTLP_TIMEOUT".to_owned();
            found.parse().map_err(|_| SettingsError::Number { variable, found })
        });
        let patience = Duration::from_millis(timeout.transpose()?.unwrap_or(10_000));
        let name = given("OTEL_SERVICE_NAME");
        let mut resource = pairs(&given, "OTEL_RESOURCE_ATTRIBUTES")?;
        if name.is_some() || !resource.iter().any(|(key, _)| key == "service.name") {
            resource.retain(|(key, _)| key != "service.name");
            resource.push(("service.name".to_owned(), name.unwrap_or_else(|| "sprag".to_owned())));
        }
        resource.push(("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
        let authorities = given("OTEL_EXPORTER_OTLP_CERTIFICATE").map(PathBuf::from);
        Ok(Some(Self { traces, metrics, resource, authorities, patience }))
    }
}

fn target(given: &dyn Fn(&str) -> Option<String>, signal: &str, path: &str) -> Result<Option<Target>, SettingsError> {
    if given(&format!("OTEL_{signal}_EXPORTER")).is_some_and(|exporter| exporter == "none") {
        return Ok(None);
    }
    // What is said of one signal counts before what is said of all.
    let own = |name: &str| format!("OTEL_EXPORTER_OTLP_{signal}_{name}");
    let general = |name: &str| format!("OTEL_EXPORTER_OTLP_{name}");
    let either =
        |name: &str| given(&own(name)).map(|value| (own(name), value)).or_else(|| Some((general(name), given(&general(name))?)));
    let below = |root: String| format!("{}/{path}", root.trim_end_matches('/'));
    let Some(url) = given(&own("ENDPOINT")).or_else(|| given(&general("ENDPOINT")).map(below)) else { return Ok(None) };
    if let Some((variable, found)) = either("PROTOCOL").filter(|(_, found)| found != "http/protobuf") {
        return Err(SettingsError::Protocol { variable, found });
    }
    let headers = match either("HEADERS") {
        Some((variable, _)) => pairs(given, &variable)?,
        None => vec![],
    };
    Ok(Some(Target { url, headers }))
}

/// Pairs in the form of W3C Baggage: names and values, percent-encoded, with commas between them.
fn pairs(given: &dyn Fn(&str) -> Option<String>, variable: &str) -> Result<Vec<(String, String)>, SettingsError> {
    let wrong = || SettingsError::Pairs { variable: variable.to_owned() };
    let text = given(variable).unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').filter(|(name, _)| !name.trim().is_empty()).ok_or_else(wrong)?;
        Ok((name.trim().to_owned(), decoded(value.trim()).ok_or_else(wrong)?))
    };
    parts.map(pair).collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, SettingsError> {
        Settings::read(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_is_sent_where_nobody_asks() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "  ")]), Ok(None));
    }

    #[test]
    fn each_signal_has_its_place_and_headers() {
        let all = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/"), ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=1")];
        let settings = read(&all).unwrap().unwrap();
        let (traces, metrics) = (settings.traces.unwrap(), settings.metrics.unwrap());
        assert_eq!((traces.url.as_str(), metrics.url.as_str()), ("http://c:4318/v1/traces", "http://c:4318/v1/metrics"));
        assert_eq!(traces.headers, [("api-key".to_owned(), "a b".to_owned()), ("x".to_owned(), "1".to_owned())]);
        assert!(!format!("{traces:?}").contains("a b"), "a header may be a secret");
        let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/x"), ("OTEL_METRICS_EXPORTER", "none"), all[0]];
        let settings = read(&own).unwrap().unwrap();
        assert_eq!((settings.traces.unwrap().url.as_str(), settings.metrics), ("http://t/x", None));
    }

    #[test]
    fn who_tells_has_a_name() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        let name = |more: &[(&str, &str)]| {
            let settings = read(&[&[endpoint], more].concat()).unwrap().unwrap();
            settings.resource.into_iter().find(|(key, _)| key == "service.name").unwrap().1
        };
        assert_eq!(name(&[]), "sprag");
        assert_eq!(name(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=ml")]), "a");
        assert_eq!(name(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=a"), ("OTEL_SERVICE_NAME", "b")]), "b");
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
        let said = |more: (&str, &str)| read(&[endpoint, more]).unwrap_err().to_string();
        assert_eq!(
            said(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")),
            "`OTEL_EXPORTER_OTLP_PROTOCOL`: expected `http/protobuf`, the one protocol that sprag speaks, found `grpc`"
        );
        assert!(said(("OTEL_EXPORTER_OTLP_HEADERS", "secret")).ends_with("found something else"));
        assert!(said(("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")).contains("expected milliseconds"));
    }
}
