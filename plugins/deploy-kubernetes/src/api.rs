//! The client of an API server: read, list, apply, scale, remove.

use std::time::Duration;

use serde_json::{Value, json};
use sprag_sdk::http::{Client, Exchange, Request, Response};
use sprag_sdk::{Failure, Host};

use crate::error::KubeError;
use crate::kind::Kind;
use crate::objects::{Desired, SPRAG};
use crate::params::Params;

/// How many objects one answer of a list has at most.
const PAGE: u32 = 200;

/// Whether a write is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// It is.
    Done,
    /// The server goes through all of it, and keeps nothing.
    Tried,
}

/// The API server, for one call of a stage. Its limit of time counts from when it is made.
pub(crate) struct Api<'a> {
    pub(crate) exchange: Exchange<'a>,
    root: String,
    authorization: String,
    namespace: String,
    take_over: bool,
}

impl<'a> Api<'a> {
    /// # Errors
    ///
    /// The stage is not granted the secret, or nothing says where the server is.
    pub(crate) fn new(client: &'a dyn Client, host: &'a dyn Host, params: &Params, namespace: &str) -> Result<Self, Failure> {
        let placeholder = host.placeholder(&params.secret)?;
        let root = match &params.server {
            Some(server) => Some(server.clone()),
            None => host.endpoint(&params.secret)?,
        };
        let root = root.ok_or_else(|| {
            Failure::bad_params(format!(
                "expected the address of the API server in the secret `{}` (a `kubeconfig`) or in `server`, found it in neither",
                params.secret
            ))
        })?;
        Ok(Self {
            exchange: Exchange::new(client, host, Duration::from_secs(params.timeout_seconds.into())),
            root: root.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {placeholder}"),
            namespace: namespace.to_owned(),
            take_over: params.take_over,
        })
    }

    /// An object; none where there is none.
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>, KubeError> {
        let what = format!("read {} {name}", kind.name());
        let response = self.exchange.send(&self.request("GET", &self.path(kind, name)), &what)?;
        match response.status {
            404 if is_missing_object(&response) => Ok(None),
            _ => value(&response, &what).map(Some),
        }
    }

    /// All objects of a kind that a query (`labelSelector=...`) selects.
    pub(crate) fn list(&self, kind: Kind, query: &str) -> Result<Vec<Value>, KubeError> {
        let what = format!("list objects of the kind {}", kind.name());
        let (mut all, mut next) = (vec![], String::new());
        loop {
            let path = format!("{}?{query}&limit={PAGE}{next}", kind.path(&self.namespace));
            let mut page = value(&self.exchange.send(&self.request("GET", &path), &what)?, &what)?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                all.extend(items);
            }
            match page["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => next = format!("&continue={}", escaped(token)),
                None => return Ok(all),
            }
        }
    }

    /// Makes an object as it should be, or says what would come of that, and gives it as it is then. With `seen`, the version of the object that was looked at,
    /// it fails where somebody has changed the object since.
    pub(crate) fn apply(&self, desired: &Desired, write: Write, seen: Option<&str>) -> Result<Value, KubeError> {
        let what = format!("apply {} {}", desired.kind.name(), desired.name);
        let force = if self.take_over { "&force=true" } else { "" };
        let dry = if write == Write::Tried { "&dryRun=All" } else { "" };
        let path = format!("{}?fieldManager={SPRAG}&fieldValidation=Strict{force}{dry}", self.path(desired.kind, &desired.name));
        let mut body = desired.body.clone();
        if let Some(seen) = seen {
            body["metadata"]["resourceVersion"] = json!(seen);
        }
        let bytes = serde_json::to_vec(&body).map_err(|error| Failure::internal(error.to_string()))?;
        let request = self.request("PATCH", &path).body("application/apply-patch+yaml", bytes);
        value(&self.exchange.send(&request, &what)?, &what)
    }

    /// Sets how many pods a Deployment has. That is no part of what is applied, so that an autoscaler may set it too.
    pub(crate) fn scale(&self, name: &str, replicas: u32) -> Result<(), KubeError> {
        let what = format!("scale Deployment {name} to {replicas}");
        let path = format!("{}/scale?fieldManager={SPRAG}", self.path(Kind::Deployment, name));
        let body = json!({ "spec": { "replicas": replicas } }).to_string();
        let request = self.request("PATCH", &path).body("application/merge-patch+json", body);
        value(&self.exchange.send(&request, &what)?, &what).map(|_| ())
    }

    /// Removes the very object that was found. Says whether it was still there.
    pub(crate) fn delete(&self, kind: Kind, found: &Value) -> Result<bool, KubeError> {
        let name = found["metadata"]["name"].as_str().unwrap_or_default();
        let what = format!("delete {} {name}", kind.name());
        let options = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            "preconditions": { "uid": found["metadata"]["uid"] },
        });
        let request = self.request("DELETE", &self.path(kind, name)).json(&options).map_err(Failure::from)?;
        let response = self.exchange.send(&request, &what)?;
        match response.status {
            404 => Ok(false),
            // Another object of the name has taken its place.
            409 => Ok(false),
            _ => value(&response, &what).map(|_| true),
        }
    }

    fn path(&self, kind: Kind, name: &str) -> String {
        format!("{}/{name}", kind.path(&self.namespace))
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.root))
            .header("authorization", &*self.authorization)
            .header("accept", "application/json")
    }
}

/// Whether the object is missing, rather than the whole kind.
fn is_missing_object(response: &Response) -> bool {
    response.json::<Value>().is_ok_and(|status| status["details"]["name"].as_str().is_some_and(|name| !name.is_empty()))
}

fn value(response: &Response, what: &str) -> Result<Value, KubeError> {
    if !response.is_success() {
        return Err(KubeError::of(what, response));
    }
    response.json().map_err(|error| Failure::from(error).into())
}

/// A text in a query.
pub(crate) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => {
                let _infallible = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}
