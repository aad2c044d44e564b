//! A cluster: what a request does to it, and what a test does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::ask::{Place, Request};
use crate::managed::Object;
use crate::resource::Resource;
use crate::state::{Fate, Fault, Key, State};
use crate::status::Refusal;
use crate::{controllers, discovery, reach, select, write};

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside `content-type`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Value,
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is answered.
    Answer(Answer),
    /// Its connection ends without an answer.
    Lost,
    /// It is answered with changes, as they happen.
    Watch(Watch),
}

/// A request for changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    pub(crate) kind: &'static str,
    pub(crate) namespace: String,
    pub(crate) selector: select::Selector,
    pub(crate) from: u64,
    pub(crate) with_bookmarks: bool,
    /// After how long it ends.
    pub timeout: Duration,
}

/// A cluster. Its clones are the same one.
#[derive(Debug, Clone)]
pub struct Cluster {
    state: Arc<Mutex<State>>,
    pub(crate) version: Arc<watch::Sender<u64>>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

impl Cluster {
    /// A cluster with the namespace `default`.
    pub fn new() -> Self {
        let cluster = Self { state: Arc::default(), version: Arc::new(watch::channel(0).0) };
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "default" } });
        cluster.put(namespace);
        cluster.set_lag(reach::LAG);
        cluster
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = work(&mut state);
        let version = state.version;
        drop(state);
        self.version.send_if_modified(|known| std::mem::replace(known, version) != version);
        result
    }

    /// Lets time pass, with the controllers at work once a second of it.
    pub fn advance(&self, time: Duration) {
        self.with(|state| {
            let end = state.now + time;
            while state.now < end {
                state.now = end.min(state.now + Duration::from_secs(1));
                controllers::reconcile(state);
            }
        });
    }

    /// Asks callers for one of the tokens that are let in, and knows the user of this one.
    pub fn let_in(&self, token: &str, user: &str) {
        self.with(|state| state.tokens.insert(token.to_owned(), user.to_owned()));
    }

    /// Knows a token no longer.
    pub fn shut_out(&self, token: &str) {
        self.with(|state| state.tokens.remove(token));
    }

    /// Forbids a verb (`get`, `list`, `patch`, ...) on a resource (`deployments`).
    pub fn forbid(&self, verb: &str, resource: &str) {
        self.with(|state| state.forbidden.insert((verb.to_owned(), resource.to_owned())));
    }

    /// Decides what becomes of the pods of images whose name has a part.
    pub fn set_fate(&self, image: &str, fate: Fate) {
        self.with(|state| state.fates.push((image.to_owned(), fate)));
    }

    /// Lets the next request whose method and path contain a text meet a fault.
    pub fn fault(&self, request: &str, fault: Fault) {
        self.with(|state| state.faults.push_back((request.to_owned(), fault)));
    }

    /// Runs a gateway of a name.
    pub fn add_gateway(&self, name: &str) {
        self.with(|state| state.gateways.insert(name.to_owned()));
    }

    /// Stores an object as it is given, as somebody with all rights.
    ///
    /// # Panics
    ///
    /// Where its kind is not served.
    pub fn put(&self, object: Value) -> Value {
        let resource = Resource::of_kind(object["kind"].as_str().unwrap_or_default()).expect("a kind that is served");
        self.with(|state| {
            let mut object = object;
            crate::rules::fill(&mut object);
            state.store(resource, Object::new(object))
        })
    }

    /// Changes an object, as somebody of a name.
    pub fn edit(&self, kind: &str, namespace: &str, name: &str, who: &str, change: impl FnOnce(&mut Value)) {
        let Some(resource) = Resource::of_kind(kind) else { return };
        let key: Key = (resource.kind, namespace.to_owned(), name.to_owned());
        self.with(|state| state.change(resource, &key, who, "", change));
    }

    /// Removes an object at once.
    pub fn remove(&self, kind: &str, namespace: &str, name: &str) {
        let Some(resource) = Resource::of_kind(kind) else { return };
        self.with(|state| state.remove(&(resource.kind, namespace.to_owned(), name.to_owned())));
    }

    /// An object.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let kind = Resource::of_kind(kind)?.kind;
        self.lock().get(kind, namespace, name).map(Object::shown)
    }

    /// The names of all objects of a kind in a namespace.
    pub fn names(&self, kind: &str, namespace: &str) -> Vec<String> {
        self.lock().keys(kind).into_iter().filter(|key| key.1 == namespace).map(|key| key.2).collect()
    }

    /// The names of the ready pods that a Service leads to.
    pub fn endpoints(&self, namespace: &str, service: &str) -> Vec<String> {
        controllers::endpoints(&self.lock(), namespace, service)
    }

    /// Sets how much later than the API server nodes and gateways know of a change.
    pub fn set_lag(&self, lag: Duration) {
        self.with(|state| state.lag = lag);
    }

    /// The names of the pods that callers of a Service or route are led to, by nodes and gateways that know no better yet, and that answer no longer.
    pub fn refused(&self, namespace: &str, name: &str) -> Vec<String> {
        reach::refused(&self.lock(), namespace, name)
    }

    /// The requests since the last call, each as method and target.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().requests)
    }

    /// Forgets the changes so far, so that a watch from before them is refused.
    pub fn compact(&self) {
        self.lock().changes.clear();
    }

    /// Carries a request out.
    pub fn handle(&self, request: &Request) -> Outcome {
        self.with(|state| {
            let line = format!("{} {}", request.method, request.target);
            state.requests.push(line.clone());
            let at = state.faults.iter().position(|(part, _)| line.contains(part.as_str()));
            match at.and_then(|at| state.faults.remove(at)).map(|(_, fault)| fault) {
                Some(Fault::Refuse(code, wait)) => {
                    let reason = if code == 429 { "TooManyRequests" } else { "ServiceUnavailable" };
                    let body = Refusal::new(code, reason, "the server is currently unable to handle the request").body();
                    let headers = wait.map(|wait| ("retry-after", wait.to_string())).into_iter().collect();
                    Outcome::Answer(Answer { status: code, headers, body })
                }
                Some(Fault::Lose) => Outcome::Lost,
                Some(Fault::LoseAnswer) => {
                    let _ = answered(state, request);
                    Outcome::Lost
                }
                None => answered(state, request),
            }
        })
    }
}

fn answered(state: &mut State, request: &Request) -> Outcome {
    match carried_out(state, request) {
        Ok(outcome) => outcome,
        Err(refusal) => Outcome::Answer(Answer { status: refusal.code, headers: vec![], body: refusal.body() }),
    }
}

fn answer(status: u16, body: Value) -> Outcome {
    Outcome::Answer(Answer { status, headers: vec![], body })
}

/// Who asks.
fn user(state: &State, request: &Request) -> Result<String, Refusal> {
    if state.tokens.is_empty() {
        return Ok("system:anonymous".to_owned());
    }
    let token = request.headers.get("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let user = token.and_then(|token| state.tokens.get(token));
    user.cloned().ok_or_else(|| Refusal::new(401, "Unauthorized", "Unauthorized"))
}

fn carried_out(state: &mut State, request: &Request) -> Result<Outcome, Refusal> {
    let user = user(state, request)?;
    if request.method == "GET"
        && let Some(document) = discovery::document(request.path())
    {
        return Ok(answer(200, document));
    }
    let place = Place::of(request.path()).ok_or_else(Refusal::no_resource)?;
    if let Some(subresource) = &place.subresource
        && !place.resource.subresources.contains(&subresource.as_str())
    {
        return Err(Refusal::no_resource());
    }
    let query = request.query();
    let is_watch = query.get("watch").is_some_and(|watch| watch == "true" || watch == "1");
    let verb = match (request.method.as_str(), &place.name) {
        ("GET", None) if is_watch => "watch",
        ("GET", None) => "list",
        ("GET", Some(_)) => "get",
        ("POST", None) => "create",
        ("PUT", Some(_)) => "update",
        ("PATCH", Some(_)) => "patch",
        ("DELETE", Some(_)) => "delete",
        _ => {
            return Err(Refusal::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"));
        }
    };
    if state.forbidden.contains(&(verb.to_owned(), place.resource.plural.to_owned())) {
        return Err(forbidden(&user, verb, &place));
    }
    match verb {
        "watch" => Ok(Outcome::Watch(watched(state, &place, &query)?)),
        "list" => select::list(state, &place, &query).map(|body| answer(200, body)),
        "get" => {
            let found = write::existing(state, &place)?;
            let body = if place.subresource.is_some() { write::scale_of(&found.value) } else { found.shown() };
            Ok(answer(200, body))
        }
        "delete" => write::delete(state, &place, request).map(|body| answer(200, body)),
        _ => write::write(state, &place, request, &query).map(|(status, body)| answer(status, body)),
    }
}

fn forbidden(user: &str, verb: &str, place: &Place) -> Refusal {
    let Place { resource, namespace, name, .. } = place;
    let scope =
        if namespace.is_empty() { " at the cluster scope".to_owned() } else { format!(" in the namespace \"{namespace}\"") };
    let subject = name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let message = format!(
        "{}{subject} is forbidden: User \"{user}\" cannot {verb} resource \"{}\" in API group \"{}\"{scope}",
        resource.qualified(),
        resource.plural,
        resource.group
    );
    let details = json!({ "name": name.clone().unwrap_or_default(), "group": resource.group, "kind": resource.plural });
    Refusal { details, ..Refusal::new(403, "Forbidden", message) }
}

fn watched(state: &State, place: &Place, query: &std::collections::BTreeMap<String, String>) -> Result<Watch, Refusal> {
    let from: u64 = query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
    let oldest = state.changes.front().map_or(state.version, |changed| changed.version - 1);
    if from != 0 && from < oldest {
        return Err(Refusal::new(410, "Expired", format!("too old resource version: {from} ({oldest})")));
    }
    let seconds = query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(1800);
    Ok(Watch {
        kind: place.resource.kind,
        namespace: place.namespace.clone(),
        selector: select::Selector::of(query)?,
        from,
        with_bookmarks: query.get("allowWatchBookmarks").is_some_and(|word| word == "true"),
        timeout: Duration::from_secs(seconds),
    })
}
