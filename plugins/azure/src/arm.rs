//! The client: what can be done to a resource, each call until its end.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use sprag_sdk::http::{Client, Exchange, Request, Response};
use sprag_sdk::{Failure, Host};

use crate::account::Account;
use crate::error::{ArmError, Problem};
use crate::operation::Progress;

/// How often a request is sent while other operations are in its way.
const ROUNDS: usize = 60;

/// What the log says of each answer: by which id Azure's support finds the request, and how far away the throttle is.
const NOTED: [(&str, &str); 4] = [
    ("correlation-id", "x-ms-correlation-request-id"),
    ("reads-left", "x-ms-ratelimit-remaining-subscription-reads"),
    ("writes-left", "x-ms-ratelimit-remaining-subscription-writes"),
    ("retry-after", "retry-after"),
];

/// The Resource Manager, for one call of a stage. Its limit of time counts from when it is made.
pub struct Arm<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) exchange: Exchange<'a>,
    pub(crate) endpoint: String,
    authorization: String,
    /// The placeholders that were given out: where one stands, nothing can be compared.
    secrets: RefCell<BTreeSet<String>>,
}

impl<'a> Arm<'a> {
    /// The Resource Manager of an account.
    ///
    /// # Errors
    ///
    /// The stage is not granted the account's secret.
    pub fn new(client: &'a dyn Client, host: &'a dyn Host, account: &Account) -> Result<Self, Failure> {
        Ok(Self {
            host,
            exchange: Exchange::new(client, host, Duration::from_secs(account.timeout_seconds)).noting(&NOTED),
            endpoint: account.endpoint.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {}", host.placeholder(&account.secret)?),
            secrets: RefCell::default(),
        })
    }

    /// The run that this is for.
    pub fn host(&self) -> &dyn Host {
        self.host
    }

    /// The placeholder of a further secret, for a body.
    ///
    /// # Errors
    ///
    /// The stage is not granted it.
    pub fn secret(&self, name: &str) -> Result<String, Failure> {
        let placeholder = self.host.placeholder(name)?;
        self.secrets.borrow_mut().insert(placeholder.clone());
        Ok(placeholder)
    }

    /// Whether a text of a body stands for a secret.
    pub(crate) fn is_secret(&self, text: &str) -> bool {
        self.secrets.borrow().contains(text)
    }

    /// A resource as it is; none where there is none.
    ///
    /// # Errors
    ///
    /// Azure refuses, or does not answer.
    pub fn get(&self, id: &str, version: &str) -> Result<Option<Value>, ArmError> {
        let what = format!("read {}", shown(id));
        let response = self.exchange.send(&self.request("GET", id, version), &what)?;
        match response.status {
            404 => Ok(None),
            _ => self.value(&response, &what).map(Some),
        }
    }

    /// All of a list, page after page.
    ///
    /// # Errors
    ///
    /// Azure refuses, or does not answer.
    pub fn list(&self, id: &str, version: &str) -> Result<Vec<Value>, ArmError> {
        let what = format!("list {}", shown(id));
        let (mut all, mut next) = (vec![], Some(self.request("GET", id, version)));
        while let Some(request) = next {
            let response = self.exchange.send(&request, &what)?;
            if response.status == 404 {
                break;
            }
            let mut page = self.value(&response, &what)?;
            if let Some(Value::Array(items)) = page.get_mut("value").map(Value::take) {
                all.extend(items);
            }
            let link = page.get("nextLink").and_then(Value::as_str).filter(|link| !link.is_empty());
            next = link.map(|link| self.follow(link)).transpose()?;
        }
        Ok(all)
    }

    /// Makes or replaces a resource, waits until that has ended, and gives what is there then. Where another operation is at work on the resource (one that an
    /// earlier call began and did not see end, say) it waits for that first.
    ///
    /// # Errors
    ///
    /// Azure refuses, does not end in time, or ends otherwise than well.
    pub fn put(&self, id: &str, version: &str, body: &Value, etag: Option<&str>) -> Result<Value, ArmError> {
        self.write("PUT", id, version, body, etag)
    }

    /// Changes a few properties of a resource, as [`put`](Self::put) replaces all.
    ///
    /// # Errors
    ///
    /// As of [`put`](Self::put).
    pub fn patch(&self, id: &str, version: &str, body: &Value) -> Result<Value, ArmError> {
        self.write("PATCH", id, version, body, None)
    }

    fn write(&self, method: &str, id: &str, version: &str, body: &Value, etag: Option<&str>) -> Result<Value, ArmError> {
        let what = format!("{} {}", method.to_lowercase(), shown(id));
        let mut request = self.request(method, id, version).json(body).map_err(Failure::from)?;
        if let Some(etag) = etag {
            request = request.header("if-match", etag);
        }
        let response = self.unhindered(&request, id, version, &what)?;
        let answered = self.value(&response, &what)?;
        self.finish(&response, &answered, id, version, &what)?;
        let missing = || Failure::internal(format!("Azure said that it did {what}, and there is nothing"));
        Ok(self.get(id, version)?.ok_or_else(missing)?)
    }

    /// Calls an action of a resource and waits until it has ended. It is not sent again where another operation is in its way, or where no answer came: look at
    /// what there is, and decide. What another operation did meanwhile may be the very thing.
    ///
    /// # Errors
    ///
    /// As of [`put`](Self::put).
    pub fn post(&self, id: &str, action: &str, version: &str, body: &Value) -> Result<Value, ArmError> {
        let what = format!("{action} {}", shown(id));
        let request = self.request("POST", &format!("{id}/{action}"), version).json(body).map_err(Failure::from)?;
        let response = self.exchange.send(&request, &what)?;
        let answered = self.value(&response, &what)?;
        self.finish(&response, &answered, id, version, &what).map(|ended| ended.unwrap_or(answered))
    }

    /// Puts a small file into blob storage, which is another service with tokens of its own: `secret` is the name of the secret with them.
    ///
    /// # Errors
    ///
    /// The stage is not granted the secret, or the service refuses or does not answer.
    pub fn put_blob(&self, url: &str, secret: &str, media_type: &str, content: Vec<u8>) -> Result<(), ArmError> {
        let what = format!("put the blob {url}");
        let request = Request::put(url)
            .bearer(&self.host().placeholder(secret)?)
            .header("x-ms-version", "2023-11-03")
            .header("x-ms-blob-type", "BlockBlob")
            .body(media_type, content);
        let response = self.exchange.send(&request, &what)?;
        if response.is_success() { Ok(()) } else { Err(Problem::of(&response).refused(&what, &response)) }
    }

    /// Removes a resource and waits until it is gone. That it was not there is no error.
    ///
    /// # Errors
    ///
    /// As of [`put`](Self::put).
    pub fn delete(&self, id: &str, version: &str) -> Result<(), ArmError> {
        self.delete_with(id, version, "")
    }

    /// The same with parameters that say how, such as `&deleteEmptyServerFarm=false`.
    ///
    /// # Errors
    ///
    /// As of [`put`](Self::put).
    pub fn delete_with(&self, id: &str, version: &str, parameters: &str) -> Result<(), ArmError> {
        let what = format!("delete {}", shown(id));
        let request = self.request("DELETE", id, &format!("{version}{parameters}"));
        let response = self.unhindered(&request, id, version, &what)?;
        if matches!(response.status, 204 | 404) {
            return Ok(());
        }
        self.value(&response, &what)?;
        // What is being deleted has no state to end in: that it is gone is the end.
        self.finish(&response, &Value::Null, id, version, &what)?;
        self.gone(id, version, &what)
    }

    /// Sends a request until no other operation on the resource is in its way.
    fn unhindered(&self, request: &Request, id: &str, version: &str, what: &str) -> Result<Response, ArmError> {
        let mut rounds = 0;
        loop {
            let response = self.exchange.send(request, what)?;
            rounds += 1;
            if response.status != 409 || rounds == ROUNDS || !self.is_busy(&response, id, version)? {
                return Ok(response);
            }
        }
    }

    pub(crate) fn request(&self, method: &str, id: &str, version: &str) -> Request {
        self.signed(Request::new(method, format!("{}{id}?api-version={version}", self.endpoint)))
    }

    /// A request for an address that Azure gave. It must be at the endpoint: the token goes along.
    pub(crate) fn follow(&self, link: &str) -> Result<Request, ArmError> {
        let rest = link.strip_prefix(&self.endpoint);
        if rest.is_some_and(|rest| rest.starts_with(['/', '?'])) {
            return Ok(self.signed(Request::get(link)));
        }
        let message = format!("expected Azure to go on at `{}`, found it to point to `{link}`", self.endpoint);
        Err(Failure::bad_params(message).into())
    }

    fn signed(&self, request: Request) -> Request {
        request.header("authorization", &*self.authorization).header("accept", "application/json")
    }

    /// The JSON of an answer that is no error; null where it has no body.
    pub(crate) fn value(&self, response: &Response, what: &str) -> Result<Value, ArmError> {
        if !response.is_success() {
            return Err(Problem::of(response).refused(what, response));
        }
        if response.body.is_empty() { Ok(Value::Null) } else { Ok(response.json().map_err(Failure::from)?) }
    }

    /// Whether an answer of 409 means that another operation is at work. If so, waits for that.
    fn is_busy(&self, response: &Response, id: &str, version: &str) -> Result<bool, ArmError> {
        /// The codes that say so, of all providers that the plugins use.
        const CODES: [&str; 6] = [
            "AnotherOperationInProgress",
            "OperationInProgress",
            "ConflictingOperationInProgress",
            "ContainerGroupTransitioning",
            "ResourceBeingCreatedOrDeleted",
            "OperationNotAllowedInCurrentState",
        ];
        let problem = Problem::of(response);
        let code = &problem.code;
        let found = self.get(id, version)?;
        let in_progress = found.as_ref().is_some_and(|value| matches!(Progress::of(value), Progress::Running(_)));
        if in_progress {
            self.host.log(&format!("another operation is at work on {}: waiting for it", shown(id)), &[("code", code)]);
            // How it ends does not matter: what is wanted is sent again.
            match self.settle(id, version, "wait for another operation on it") {
                Err(error @ (ArmError::Stage(_) | ArmError::Unfinished { .. })) => return Err(error),
                _ => return Ok(true),
            }
        }
        // App Service has one code for every conflict, and says in words which.
        let wait = response.retry_after().unwrap_or(Duration::from_secs(5));
        if !(CODES.contains(&code.as_str()) || problem.is_busy()) || self.exchange.left() < wait {
            return Ok(false);
        }
        self.exchange.pause(wait)?;
        Ok(true)
    }
}

/// An id without what all ids of a group have in common, for a person.
pub(crate) fn shown(id: &str) -> &str {
    id.split_once("/providers/").map_or(id, |(_, rest)| rest)
}
