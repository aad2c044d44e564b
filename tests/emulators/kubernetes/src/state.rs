//! What a cluster holds: objects with their versions, and every change of them, for whom watches.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::managed::{Object, Writer};
use crate::resource::Resource;

/// How many changes are remembered.
const MOST_CHANGES: usize = 1000;

/// Where an object is: kind, namespace, name.
pub(crate) type Key = (&'static str, String, String);

/// A change of an object.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    pub(crate) version: u64,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(crate) how: &'static str,
    pub(crate) key: Key,
    pub(crate) object: Value,
}

/// What becomes of the pods of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// They get ready.
    Ready,
    /// They run and never get ready.
    Unready,
    /// They end again and again.
    Crash,
    /// Their image is not there.
    NoImage,
    /// No node has room for them.
    NoRoom,
}

/// A fault that a request meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A refusal, with the seconds of `Retry-After`.
    Refuse(u16, Option<u32>),
    /// It is carried out, and the answer is lost.
    LoseAnswer,
    /// The connection ends before anything is done.
    Lose,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) objects: BTreeMap<Key, Object>,
    pub(crate) version: u64,
    pub(crate) changes: VecDeque<Changed>,
    pub(crate) now: Duration,
    next_id: u64,
    /// Tokens with their users; without any everybody may come in.
    pub(crate) tokens: BTreeMap<String, String>,
    /// Verbs with resources that nobody may.
    pub(crate) forbidden: BTreeSet<(String, String)>,
    pub(crate) fates: Vec<(String, Fate)>,
    pub(crate) faults: VecDeque<(String, Fault)>,
    pub(crate) gateways: BTreeSet<String>,
    pub(crate) requests: Vec<String>,
    /// Of each Deployment: what was seen of it last, and since when.
    pub(crate) progress: BTreeMap<String, (Duration, (u64, u64))>,
    /// When pods and Services were made.
    pub(crate) born: BTreeMap<String, Duration>,
    /// How much later than the API server nodes and gateways know of a change.
    pub(crate) lag: Duration,
    /// Where Services and routes led, from when on.
    pub(crate) led: BTreeMap<Key, VecDeque<(Duration, Vec<String>)>>,
    /// Until when pods that were removed go on answering, by namespace and name.
    pub(crate) leaving: BTreeMap<(String, String), Duration>,
}

impl State {
    pub(crate) fn time(&self) -> String {
        rfc3339(self.now)
    }

    pub(crate) fn writer(&self, name: &str, subresource: &str) -> Writer {
        Writer { name: name.to_owned(), subresource: subresource.to_owned(), time: self.time() }
    }

    pub(crate) fn id(&mut self) -> String {
        self.next_id += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.next_id)
    }

    /// Five letters that no other name has.
    pub(crate) fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        self.next_id += 1;
        let mut number = self.next_id.wrapping_mul(2_654_435_761);
        let mut text = String::new();
        for _ in 0..5 {
            text.push(char::from(LETTERS[usize::try_from(number % LETTERS.len() as u64).unwrap_or(0)]));
            number /= LETTERS.len() as u64;
        }
        text
    }

    pub(crate) fn get(&self, kind: &'static str, namespace: &str, name: &str) -> Option<&Object> {
        self.objects.get(&(kind, namespace.to_owned(), name.to_owned()))
    }

    /// Stores an object as it should now be. Nothing happens where it is so already.
    pub(crate) fn store(&mut self, resource: &'static Resource, mut object: Object) -> Value {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = (resource.kind, text(&object.value["metadata"]["namespace"]), text(&object.value["metadata"]["name"]));
        let before = self.objects.get(&key);
        if before == Some(&object) {
            return object.shown();
        }
        let how = if before.is_some() { "MODIFIED" } else { "ADDED" };
        let has_new_spec = before.is_some_and(|before| before.value["spec"] != object.value["spec"]);
        self.version += 1;
        let version = self.version;
        let created = self.time();
        let metadata = &mut object.value["metadata"];
        if how == "ADDED" {
            let id = self.id();
            metadata["uid"] = json!(id);
            metadata["creationTimestamp"] = json!(created);
            metadata["generation"] = json!(1);
            self.born.insert(id, self.now);
        } else if has_new_spec {
            let generation = metadata["generation"].as_u64().unwrap_or(0) + 1;
            metadata["generation"] = json!(generation);
        }
        metadata["resourceVersion"] = json!(version.to_string());
        let shown = object.shown();
        self.objects.insert(key.clone(), object);
        self.remember(Changed { version, how, key, object: shown.clone() });
        shown
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Value> {
        let object = self.objects.remove(key)?;
        if key.0 == "Pod" {
            let end = self.now + crate::reach::notice(&object.value);
            self.leaving.insert((key.1.clone(), key.2.clone()), end);
        }
        self.version += 1;
        let mut shown = object.shown();
        shown["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.remember(Changed { version: self.version, how: "DELETED", key: key.clone(), object: shown.clone() });
        Some(shown)
    }

    fn remember(&mut self, changed: Changed) {
        self.changes.push_back(changed);
        if self.changes.len() > MOST_CHANGES {
            self.changes.pop_front();
        }
    }

    /// The keys of a kind.
    pub(crate) fn keys(&self, kind: &str) -> Vec<Key> {
        self.objects.keys().filter(|key| key.0 == kind).cloned().collect()
    }

    /// Changes an object as a controller does.
    pub(crate) fn change(
        &mut self,
        resource: &'static Resource,
        key: &Key,
        controller: &str,
        subresource: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let Some(mut object) = self.objects.get(key).cloned() else { return };
        let mut new = object.value.clone();
        change(&mut new);
        object.update(new, &self.writer(controller, subresource));
        self.store(resource, object);
    }
}
