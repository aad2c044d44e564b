//! The Resource Manager: who may ask, what a path names, and what is read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::entra::Tokens;
use crate::fault::{self, Fault, What};
use crate::kinds::{self, Kind};
use crate::message::{Refusal, Request, Response, refuse};
use crate::operation::Operation;
use crate::path::{self, Id, Place};
use crate::schemas::Schemas;

/// The versions of the interface of resource groups that are known here.
const GROUP_VERSIONS: [&str; 4] = ["2020-06-01", "2021-04-01", "2022-09-01", "2024-03-01"];

/// How this Azure is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The root of all addresses that it gives: scheme and host.
    pub root: String,
    /// The subscription's id.
    pub subscription: String,
    /// The tenant's id.
    pub tenant: String,
    /// The id of the application that may ask for tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The federated token that is as good.
    pub assertion: String,
    /// How long a token is good.
    pub token_lifetime: Duration,
    /// How many looks find an operation in progress.
    pub looks: u32,
    /// The `Retry-After` of what is in progress.
    pub retry_after: Duration,
    /// How many resources a page of a list has.
    pub page: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            root: text("https://management.azure.com"),
            subscription: text("5ub5cr1p-0000-0000-0000-000000000001"),
            tenant: text("contoso.example"),
            client_id: text("c11e4700-0000-0000-0000-000000000001"),
            client_secret: text("emulated client secret"),
            assertion: text("emulated.federated.token"),
            token_lifetime: Duration::from_secs(3600),
            looks: 2,
            retry_after: Duration::from_secs(0),
            page: 50,
        }
    }
}

/// What becomes of a container of an image. One that nothing is said of runs.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Parts of the names of images that end at once.
    pub crashing: BTreeSet<String>,
    /// Parts of the names of images that cannot be pulled.
    pub missing: BTreeSet<String>,
}

impl Health {
    pub(crate) fn crashes(&self, image: &str) -> bool {
        self.crashing.iter().any(|part| image.contains(part))
    }

    pub(crate) fn is_missing(&self, image: &str) -> bool {
        self.missing.iter().any(|part| image.contains(part))
    }
}

/// A request that was answered, for tests.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The body as JSON; null where it has none.
    pub body: Value,
    /// The status of the answer; 0 where the connection ended instead.
    pub status: u16,
}

pub(crate) struct Resource {
    pub(crate) id: Id,
    pub(crate) kind: &'static Kind,
    /// As a `GET` shows it.
    pub(crate) document: Value,
    /// What no `GET` of it shows: secrets, and a site's whole configuration.
    pub(crate) hidden: Value,
}

/// A subscription of Azure.
pub struct Azure {
    /// How it is.
    pub settings: Settings,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What becomes of containers.
    pub health: Health,
    /// What was asked, in order.
    pub asked: Vec<Asked>,
    /// How often somebody looked again sooner than `Retry-After` said.
    pub hasty: u32,
    pub(crate) schemas: Option<Schemas>,
    pub(crate) tokens: Tokens,
    pub(crate) groups: BTreeMap<String, Value>,
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) operations: BTreeMap<u64, Operation>,
}

impl Azure {
    /// An empty subscription.
    pub fn new(settings: Settings, schemas: Option<Schemas>) -> Self {
        Self {
            settings,
            faults: vec![],
            health: Health::default(),
            asked: vec![],
            hasty: 0,
            schemas,
            tokens: Tokens::default(),
            groups: BTreeMap::new(),
            resources: BTreeMap::new(),
            blobs: BTreeMap::new(),
            operations: BTreeMap::new(),
        }
    }

    /// Makes a resource group without a request.
    #[must_use]
    pub fn with_group(mut self, name: &str, location: &str) -> Self {
        let id = format!("/subscriptions/{}/resourceGroups/{name}", self.settings.subscription);
        let group = json!({
            "id": id, "name": name, "type": "Microsoft.Resources/resourceGroups", "location": location,
            "properties": { "provisioningState": "Succeeded" },
        });
        self.groups.insert(id.to_ascii_lowercase(), group);
        self
    }

    /// Takes a token that was not asked for, of the Resource Manager.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.tokens.grant(token, "https://management.azure.com", Duration::MAX);
        self
    }

    /// Takes a token that was not asked for, of the storage service.
    #[must_use]
    pub fn with_storage_token(mut self, token: &str) -> Self {
        self.tokens.grant(token, "https://storage.azure.com", Duration::MAX);
        self
    }

    /// Forgets all tokens.
    pub fn revoke_tokens(&mut self) {
        self.tokens.revoke();
    }

    /// How many tokens the token endpoint gave.
    pub fn tokens_given(&self) -> u64 {
        self.tokens.count()
    }

    /// A resource as a `GET` shows it, by its id without subscription.
    pub fn resource(&self, group: &str, rest: &str) -> Option<&Value> {
        self.resources.get(&self.key(group, rest)).map(|resource| &resource.document)
    }

    /// Changes a resource behind the back of whoever manages it.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn edit(&mut self, group: &str, rest: &str, change: impl FnOnce(&mut Value)) {
        let key = self.key(group, rest);
        change(&mut self.resources.get_mut(&key).expect("the test names a resource that it made").document);
    }

    /// How many resources there are.
    pub fn count(&self) -> usize {
        self.resources.len()
    }

    /// A blob's content, by account, container and path.
    pub fn blob(&self, path: &str) -> Option<&[u8]> {
        self.blobs.get(path).map(Vec::as_slice)
    }

    fn key(&self, group: &str, rest: &str) -> String {
        format!("/subscriptions/{}/resourceGroups/{group}/providers/{rest}", self.settings.subscription).to_ascii_lowercase()
    }

    /// Answers a request that comes at a time. None where the connection ends without an answer.
    pub fn handle(&mut self, now: Duration, request: &Request) -> Option<Response> {
        let what = fault::take(&mut self.faults, &request.method, &request.target);
        let answer = match &what {
            Some(What::Refuse { status, code, retry_after }) => {
                let refused = Response::error(*status, code, "The emulator was told to refuse this.");
                Some(match retry_after {
                    Some(wait) => refused.with("retry-after", wait.as_secs().to_string()),
                    None => refused,
                })
            }
            Some(What::Cut) => None,
            Some(What::LoseAnswer) => {
                self.answer(now, request, None);
                None
            }
            Some(What::Fail { code, message }) => Some(self.answer(now, request, Some((code, message)))),
            None => Some(self.answer(now, request, None)),
        };
        self.asked.push(Asked {
            method: request.method.clone(),
            target: request.target.clone(),
            body: serde_json::from_slice(&request.body).unwrap_or_default(),
            status: answer.as_ref().map_or(0, |answer| answer.status),
        });
        let id = format!("00000000-0000-0000-0000-{:012}", self.asked.len());
        let limit = if request.method == "GET" { "reads" } else { "writes" };
        answer.map(|answer| {
            answer
                .with("x-ms-request-id", id.clone())
                .with("x-ms-correlation-request-id", id)
                .with(&format!("x-ms-ratelimit-remaining-subscription-{limit}"), "11999")
        })
    }

    fn answer(&mut self, now: Duration, request: &Request, fails: Option<(&str, &str)>) -> Response {
        if let Some(token) = self.tokens.answer(&self.settings, now, request) {
            return token;
        }
        if let Some(blob) = kinds::storage::blob(self, now, request) {
            return blob;
        }
        let answered = self.authenticate(now, request).and_then(|()| match path::parse(request.path()) {
            Place::Subscription(id) => self.subscription(&id, request),
            Place::Operation(number) => Ok(self.operation_document(number, request.path(), now)),
            Place::Result(number) => Ok(self.operation_result(number, &request.target, now)),
            Place::Group(id) => {
                self.check_version("Microsoft.Resources/resourceGroups", &GROUP_VERSIONS, request)?;
                self.group(&id, now, request)
            }
            Place::Resource(id) => {
                self.check_group(&id)?;
                match kinds::find(&id.kind()) {
                    Some(kind) => self.of_resource(&id, kind, now, request, fails),
                    None => kinds::web::config(self, &id, request).unwrap_or_else(|| unknown_type(&id)),
                }
            }
            Place::Collection(id) => {
                self.check_group(&id)?;
                if request.method == "GET" { self.collection(&id, request) } else { self.action(&id, now, request, fails) }
            }
            Place::Other => refuse(404, "NotFound", format!("The path '{}' names nothing.", request.path())),
        });
        answered.unwrap_or_else(|refusal| *refusal)
    }

    fn subscription(&self, id: &str, request: &Request) -> Result<Response, Refusal> {
        self.check_version("Microsoft.Resources/subscriptions", &["2022-12-01"], request)?;
        if !id.eq_ignore_ascii_case(&self.settings.subscription) {
            return refuse(404, "SubscriptionNotFound", format!("The subscription '{id}' could not be found."));
        }
        let tenant = "22222222-0000-0000-0000-000000000000";
        let document =
            json!({ "id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": tenant, "state": "Enabled" });
        Ok(Response::new(200, document))
    }

    fn authenticate(&self, now: Duration, request: &Request) -> Result<(), Refusal> {
        let checked = self.tokens.check(request.header("authorization"), "https://management.azure.com", now);
        checked.map_err(|(code, message)| {
            let challenge = format!("Bearer authorization_uri=\"{}/{}\"", self.settings.root, self.settings.tenant);
            Box::new(Response::error(401, code, message).with("www-authenticate", challenge))
        })
    }

    fn check_group(&self, id: &Id) -> Result<(), Refusal> {
        if !id.subscription.eq_ignore_ascii_case(&self.settings.subscription) {
            return refuse(404, "SubscriptionNotFound", format!("The subscription '{}' could not be found.", id.subscription));
        }
        let key = format!("/subscriptions/{}/resourcegroups/{}", id.subscription, id.group).to_ascii_lowercase();
        if self.groups.contains_key(&key) {
            return Ok(());
        }
        refuse(404, "ResourceGroupNotFound", format!("Resource group '{}' could not be found.", id.group))
    }

    /// Holds the version of a request against those of a type.
    pub(crate) fn check_version(&self, kind: &str, versions: &[&str], request: &Request) -> Result<(), Refusal> {
        let Some(version) = request.parameter("api-version") else {
            let message = "The api-version query parameter (?api-version=) is required for all requests.";
            return refuse(400, "MissingApiVersionParameter", message);
        };
        if versions.contains(&version.as_str()) {
            return Ok(());
        }
        let known = versions.join(", ");
        let message = format!(
            "No registered resource provider found for API version '{version}' for type '{kind}'. The supported api-versions are '{known}'."
        );
        refuse(400, "NoRegisteredProviderFound", message)
    }

    fn of_resource(
        &mut self,
        id: &Id,
        kind: &'static Kind,
        now: Duration,
        request: &Request,
        fails: Option<(&str, &str)>,
    ) -> Result<Response, Refusal> {
        self.check_version(kind.shown, kind.versions, request)?;
        match request.method.as_str() {
            "GET" => self.read(id, now),
            "PUT" => self.put(id, kind, now, request, fails),
            "PATCH" => self.patch(id, request),
            "DELETE" => self.delete(id, now, request, fails),
            other => refuse(405, "HttpMethodNotAllowed", format!("The method '{other}' is not allowed here.")),
        }
    }

    fn read(&mut self, id: &Id, now: Duration) -> Result<Response, Refusal> {
        if let Some(number) = self.at_work(&id.key()) {
            self.look(number, now);
        }
        match self.resources.get(&id.key()) {
            Some(resource) => Ok(Response::new(200, resource.document.clone())),
            None => missing(id),
        }
    }

    /// The resources of a type, a page of them.
    fn collection(&self, id: &Id, request: &Request) -> Result<Response, Refusal> {
        if let Some(answer) = kinds::web::instances(self, id) {
            return answer;
        }
        let Some(kind) = kinds::find(&id.kind()) else { return unknown_type(id) };
        self.check_version(kind.shown, kind.versions, request)?;
        let parent = id.split_action().map(|(parent, _)| parent.key());
        if let Some(parent) = parent.filter(|_| id.types.len() > 1)
            && !self.resources.contains_key(&parent)
        {
            return refuse(404, "ParentResourceNotFound", format!("There is no '{parent}'."));
        }
        let start = format!("{}/", id.key());
        let all =
            self.resources.iter().filter(|(key, resource)| key.starts_with(&start) && resource.id.types.len() == id.types.len());
        let skip: usize = request.parameter("$skiptoken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let all: Vec<_> = all.map(|(_, resource)| resource.document.clone()).collect();
        let page: Vec<_> = all.iter().skip(skip).take(self.settings.page).cloned().collect();
        let mut body = json!({ "value": page });
        if skip + self.settings.page < all.len() {
            let version = request.parameter("api-version").unwrap_or_default();
            let next = skip + self.settings.page;
            body["nextLink"] = json!(format!("{}{}?api-version={version}&$skiptoken={next}", self.settings.root, request.path()));
        }
        Ok(Response::new(200, body))
    }

    fn action(&mut self, id: &Id, now: Duration, request: &Request, fails: Option<(&str, &str)>) -> Result<Response, Refusal> {
        let Some((owner, action)) = id.split_action() else { return unknown_type(id) };
        if let Some(answer) = kinds::web::settings_list(self, &owner, &action) {
            return answer;
        }
        let Some(kind) = kinds::find(&owner.kind()) else { return unknown_type(id) };
        self.check_version(kind.shown, kind.versions, request)?;
        if request.method != "POST" {
            return refuse(405, "HttpMethodNotAllowed", format!("The method '{}' is not allowed here.", request.method));
        }
        if !self.resources.contains_key(&owner.key()) {
            return missing(&owner);
        }
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        match (kind.key, action.to_ascii_lowercase().as_str()) {
            ("microsoft.web/sites", "slotsswap") => kinds::web::begin_swap(self, &owner, &body, now, fails),
            ("microsoft.machinelearningservices/workspaces/onlineendpoints", "regeneratekeys") => {
                kinds::machine_learning::regenerate(self, &owner, &body)
            }
            _ => refuse(404, "ActionNotFound", format!("'{}' has no action '{action}'.", kind.shown)),
        }
    }
}

/// That there is no such resource.
pub(crate) fn missing<T>(id: &Id) -> Result<T, Refusal> {
    let (kind, name) = (id.types.join("/"), id.names.join("/"));
    let message = format!("The Resource '{}/{kind}/{name}' under resource group '{}' was not found.", id.provider, id.group);
    refuse(404, "ResourceNotFound", message)
}

fn unknown_type(id: &Id) -> Result<Response, Refusal> {
    let message = format!("The resource type '{}' could not be found in the namespace '{}'.", id.types.join("/"), id.provider);
    refuse(404, "InvalidResourceType", message)
}
