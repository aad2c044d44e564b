//! A plugin's surroundings: the emulator in the network's place, secrets that are put in on the way, and a clock that only pauses move.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use emulator_azure::{Asked, Azure, Fault, Request as Sent, Schemas, Settings, What};
use serde_json::{Value, json};
use sprag_azure::Host;
use sprag_sdk::Failure;
use sprag_sdk::http::{Client, Error, Request, Response};
use sprag_sdk::stage::deploy::{Release, Service, Weight};

/// The resource group of all tests.
pub(crate) const GROUP: &str = "mlops";

const TOKEN: &str = "t0ken.of.the.resource.manager";
const STORAGE_TOKEN: &str = "t0ken.of.the.storage.service";

/// The surroundings.
pub(crate) struct World {
    pub(crate) azure: RefCell<Azure>,
    secrets: BTreeMap<&'static str, &'static str>,
    clock: Cell<Duration>,
    logs: RefCell<Vec<String>>,
    /// How many requests are sent yet before the plugin dies: every later one gets no answer.
    lives: Cell<Option<usize>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let schemas = Schemas::beside_the_checkout();
        if schemas.is_none() {
            eprintln!(
                "not tested here: bodies against Azure's published schemas, since `../shared/azure` is not beside the checkout"
            );
        }
        let settings = Settings { retry_after: Duration::from_secs(7), ..Settings::default() };
        let azure =
            Azure::new(settings, schemas).with_group(GROUP, "westeurope").with_token(TOKEN).with_storage_token(STORAGE_TOKEN);
        Self {
            azure: RefCell::new(azure),
            secrets: BTreeMap::from([
                ("azure", TOKEN),
                ("storage", STORAGE_TOKEN),
                ("scoring", "bearer-key-of-callers"),
                ("registry", "p@ssw\"rd of the registry"),
                ("extra", "an extra secret value"),
            ]),
            clock: Cell::default(),
            logs: RefCell::default(),
            lives: Cell::new(None),
        }
    }

    /// Orders a fault.
    pub(crate) fn fault(&self, method: &'static str, target: &str, what: What) {
        self.azure.borrow_mut().faults.push(Fault::next(method, target, what));
    }

    /// Lets the plugin die after some more requests.
    pub(crate) fn dies_after(&self, requests: usize) {
        self.lives.set(Some(requests));
    }

    /// Lets it live again.
    pub(crate) fn revives(&self) {
        self.lives.set(None);
    }

    /// What was asked since the last time, writes only: `PUT path`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let asked = std::mem::take(&mut self.azure.borrow_mut().asked);
        let is_write = |asked: &&Asked| asked.method != "GET";
        asked.iter().filter(is_write).map(|asked| format!("{} {}", asked.method, short(&asked.target))).collect()
    }

    /// The bodies of the `PUT`s whose target has this in it.
    pub(crate) fn bodies(&self, target: &str) -> Vec<Value> {
        let azure = self.azure.borrow();
        let fits = |asked: &&Asked| asked.method == "PUT" && asked.target.contains(target);
        azure.asked.iter().filter(fits).map(|asked| asked.body.clone()).collect()
    }

    /// Makes a resource without a plugin.
    pub(crate) fn make(&self, rest: &str, version: &str, body: &Value) {
        let target = format!(
            "/subscriptions/{}/resourceGroups/{GROUP}/providers/{rest}?api-version={version}",
            Settings::default().subscription
        );
        let headers = vec![("authorization".to_owned(), format!("Bearer {TOKEN}"))];
        let sent = Sent { method: "PUT".to_owned(), target, headers, body: body.to_string().into_bytes() };
        let answer = self.azure.borrow_mut().handle(self.clock.get(), &sent).unwrap();
        assert!(answer.status < 300, "{answer:?}");
        self.azure.borrow_mut().asked.clear();
    }

    /// Lets the resource group go, so that it is to be made.
    pub(crate) fn forget_group(&self, id: &str) {
        let ask = |method: &str, target: String| {
            let headers = vec![("authorization".to_owned(), format!("Bearer {TOKEN}"))];
            let sent = Sent { method: method.to_owned(), target, headers, body: vec![] };
            self.azure.borrow_mut().handle(Duration::MAX / 2, &sent).unwrap()
        };
        let begun = ask("DELETE", format!("{id}?api-version=2021-04-01"));
        let location = begun.header("location").unwrap().strip_prefix("https://management.azure.com").unwrap().to_owned();
        while ask("GET", location.clone()).status == 202 {}
        self.azure.borrow_mut().asked.clear();
        self.azure.borrow_mut().hasty = 0;
    }

    pub(crate) fn resource(&self, rest: &str) -> Option<Value> {
        self.azure.borrow().resource(GROUP, rest).cloned()
    }

    pub(crate) fn logs(&self) -> String {
        self.logs.borrow().join("\n")
    }

    /// Holds what all tests promise: nobody looked too early, and no value of a secret came near the plugin or a place where it can be read.
    pub(crate) fn check(&self) {
        let azure = self.azure.borrow();
        assert_eq!(azure.hasty, 0, "`Retry-After` was not kept");
        let logs = self.logs();
        for value in self.secrets.values() {
            assert!(!logs.contains(value), "the log has the value of a secret: {logs}");
            let targets = azure.asked.iter().filter(|asked| asked.target.contains(value)).count();
            assert_eq!(targets, 0, "an address has the value of a secret");
        }
    }
}

/// A target without what all have in common.
fn short(target: &str) -> String {
    let path = target.split("?").next().unwrap_or_default();
    let rest = path.split_once("/providers/Microsoft.").map_or(path, |(_, rest)| rest);
    let rest = rest.split_once('/').map_or(rest, |(_, rest)| rest);
    rest.to_owned()
}

impl Client for World {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        if let Some(lives) = self.lives.get() {
            if lives == 0 {
                // As close as a native test comes to `kill -9`: nothing that the plugin does from now on reaches Azure.
                return Err(Error::Denied("the plugin is dead".to_owned()));
            }
            self.lives.set(Some(lives - 1));
        }
        let put_in =
            |text: &str| self.secrets.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&placeholder(name), value));
        let in_json = |text: &str| {
            self.secrets.iter().fold(text.to_owned(), |text, (name, value)| {
                let quoted = json!(value).to_string();
                text.replace(&placeholder(name), &quoted[1..quoted.len() - 1])
            })
        };
        let body = String::from_utf8(request.body.clone()).unwrap();
        for value in self.secrets.values() {
            assert!(!body.contains(value) && !request.url.contains(value), "the plugin has the value of a secret: {body}");
        }
        let root = self.azure.borrow().settings.root.clone();
        let sent = Sent {
            method: request.method.clone(),
            target: request.url.strip_prefix(&root).unwrap_or_else(|| panic!("`{}` is not Azure", request.url)).to_owned(),
            headers: request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), put_in(value))).collect(),
            body: in_json(&body).into_bytes(),
        };
        let answer = self.azure.borrow_mut().handle(self.clock.get(), &sent);
        let answer = answer.ok_or_else(|| Error::Broken("the connection was cut".to_owned()))?;
        let mut body = answer.bytes();
        for value in self.secrets.values() {
            let text = String::from_utf8(body).unwrap();
            // Only the list of an app's settings has secrets. The host covers them there.
            assert!(
                !text.contains(value) || request.url.contains("/appsettings/list"),
                "Azure gave the value of a secret back: {text}"
            );
            body = text.replace(value, &"*".repeat(value.len())).into_bytes();
        }
        Ok(Response { status: answer.status, headers: answer.headers, body })
    }

    fn pause(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }
}

impl Host for World {
    fn placeholder(&self, secret: &str) -> Result<String, Failure> {
        match self.secrets.contains_key(secret) {
            true => Ok(placeholder(secret)),
            false => Err(Failure::bad_params(format!("the secret `{secret}` is not granted"))),
        }
    }

    fn log(&self, message: &str, fields: &[(&str, &str)]) {
        self.logs.borrow_mut().push(format!("{message} {fields:?}"));
    }

    fn warn(&self, message: &str) {
        self.logs.borrow_mut().push(format!("warning: {message}"));
    }

    fn should_stop(&self) -> bool {
        false
    }
}

fn placeholder(name: &str) -> String {
    format!("sprag-secret-{name}-end")
}

/// The account's part of the parameters.
pub(crate) fn account() -> Value {
    json!({
        "subscription": Settings::default().subscription,
        "resource_group": GROUP,
        "location": "westeurope",
        "timeout_seconds": 600,
    })
}

/// A release: `letter` is what its digests are made of.
pub(crate) fn release(version: u64, letter: char) -> Release {
    let digest = format!("sha256:{}", letter.to_string().repeat(64));
    Release {
        version,
        model_digest: digest.clone(),
        package: package(letter),
        image: Some(format!("models.azurecr.io/diabetes@{digest}")),
    }
}

/// The digest of its package.
pub(crate) fn package(letter: char) -> String {
    format!("sha256:{}", format!("{letter}0").repeat(32))
}

pub(crate) fn weight(letter: char, percent: u32) -> Weight {
    Weight { package: package(letter), percent }
}

pub(crate) fn service(key: Option<&str>) -> Service {
    Service { environment: "staging".to_owned(), model: "diabetes".to_owned(), key: key.map(str::to_owned) }
}
