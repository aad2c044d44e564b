//! Sends what was made.

use http::{HeaderValue, Request, header};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use sprag_http::{Http, HttpError};

use crate::attributes::{resource, scope};
use crate::settings::{Settings, Target};

/// The most bytes of an answer that are read.
const MOST: usize = 64 << 10;

/// How often a collector that is busy is asked, and the pauses in between.
const AGAIN_AFTER: [std::time::Duration; 2] = [std::time::Duration::from_millis(200), std::time::Duration::from_secs(1)];

/// Sends traces and metrics.
#[derive(Debug)]
pub struct Exporter {
    settings: Settings,
    http: Http,
}

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The file with authorities cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Authorities {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A header or an address cannot be sent.
    #[error("expected an address and headers that HTTP can carry, found others")]
    Request,
    /// There was no answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The collector refused.
    #[error("the collector refused {what} with status {status}")]
    Refused {
        /// What was sent.
        what: &'static str,
        /// The status of its answer.
        status: u16,
    },
}

impl Exporter {
    /// An exporter by these settings.
    ///
    /// # Errors
    /// The file with authorities cannot be read, or holds none.
    pub fn new(settings: Settings) -> Result<Self, TelemetryError> {
        let read = |path: &std::path::PathBuf| {
            let failed = |source| TelemetryError::Authorities { path: path.display().to_string(), source };
            std::fs::read(path).map_err(failed)
        };
        let authorities = settings.authorities.as_ref().map(read).transpose()?;
        let http = Http::new(authorities.as_deref(), settings.patience, MOST)?;
        Ok(Self { settings, http })
    }

    /// Sends spans.
    ///
    /// # Errors
    /// The collector is away, or refuses.
    pub async fn traces(&self, spans: Vec<Span>) -> Result<(), TelemetryError> {
        let Some(target) = self.settings.traces.as_ref().filter(|_| !spans.is_empty()) else { return Ok(()) };
        let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, schema_url: String::new() }];
        let resource = Some(resource(&self.settings.resource));
        let message = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { resource, scope_spans, schema_url: String::new() }],
        };
        self.send("traces", target, message.encode_to_vec()).await
    }

    /// Sends metrics.
    ///
    /// # Errors
    /// The collector is away, or refuses.
    pub async fn metrics(&self, metrics: Vec<Metric>) -> Result<(), TelemetryError> {
        let Some(target) = self.settings.metrics.as_ref().filter(|_| !metrics.is_empty()) else { return Ok(()) };
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics, schema_url: String::new() }];
        let resource = Some(resource(&self.settings.resource));
        let message = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics { resource, scope_metrics, schema_url: String::new() }],
        };
        self.send("metrics", target, message.encode_to_vec()).await
    }

    async fn send(&self, what: &'static str, target: &Target, message: Vec<u8>) -> Result<(), TelemetryError> {
        let mut pauses = AGAIN_AFTER.into_iter();
        loop {
            let answer = self.http.send(request(target, message.clone())?).await?;
            let status = answer.status().as_u16();
            match (status, pauses.next()) {
                (200..=299, _) => return Ok(()),
                // What may be sent again, by the protocol.
                (429 | 502 | 503 | 504, Some(pause)) => tokio::time::sleep(pause).await,
                _ => return Err(TelemetryError::Refused { what, status }),
            }
        }
    }
}

fn request(target: &Target, message: Vec<u8>) -> Result<Request<Vec<u8>>, TelemetryError> {
    let mut request = Request::post(&target.url).header(header::CONTENT_TYPE, "application/x-protobuf");
    for (name, value) in &target.headers {
        let mut value = HeaderValue::from_str(value).map_err(|_| TelemetryError::Request)?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    request.body(message).map_err(|_| TelemetryError::Request)
}
