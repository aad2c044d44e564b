//! What a release would change: the server goes through every write and keeps none. And the objects themselves, for whom no cluster is asked.

use serde_json::{Value, json};
use sprag_sdk::stage::deploy::{Release, Service};
use sprag_sdk::{Action, Change, Failure};

use crate::adapter::Adapter;
use crate::api::Write;
use crate::difference::{differences, summary};
use crate::kind::Kind;
use crate::objects::{Desired, Objects};
use crate::params::Params;
use crate::seen::{Seen, name};

/// A change of an object.
pub(crate) fn change(action: Action, kind: Kind, name: &str, detail: impl Into<String>) -> Change {
    Change { action, subject: format!("{} {name}", kind.name()), detail: detail.into() }
}

impl Adapter<'_> {
    /// Says what [`apply`](Self::apply) would do.
    ///
    /// # Errors
    ///
    /// The cluster cannot be asked, would refuse, or what is there belongs to something else.
    pub fn plan(&self, release: &Release) -> Result<Vec<Change>, Failure> {
        let objects = wanted(&self.objects, self.params, release)?;
        let mut changes = vec![];
        let namespace = &self.objects.namespace;
        let is_there = match self.api.get(Kind::Namespace, namespace) {
            Ok(found) => found.is_some(),
            // Who may not look at it works in one that is there.
            Err(error) if error.status() == 403 => true,
            Err(error) => return Err(error.into()),
        };
        if !is_there {
            if !self.params.create_namespace {
                return Err(Failure::bad_params(format!(
                    "expected the namespace {namespace}, found none: make it, or set `create_namespace = true`"
                )));
            }
            changes.push(change(Action::Create, Kind::Namespace, namespace, "holds the service"));
        }
        let seen = if is_there { self.look()? } else { Seen::default() };
        for desired in &objects {
            changes.push(self.planned(desired, &seen, is_there)?);
        }
        let kept = self.objects.name_of(&release.package);
        let autoscalers = seen.autoscalers.iter().map(|object| (Kind::Autoscaler, object));
        let deployments = seen.deployments.iter().map(|object| (Kind::Deployment, object));
        let services = seen.services.iter().map(|object| (Kind::Service, object));
        let others = autoscalers.chain(deployments).chain(services);
        let others = others.filter(|(_, object)| name(object) != kept && name(object) != self.objects.name);
        changes.extend(others.map(|(kind, object)| change(Action::Delete, kind, name(object), "belongs to another release")));
        Ok(changes)
    }

    fn planned(&self, desired: &Desired, seen: &Seen, has_namespace: bool) -> Result<Change, Failure> {
        let lists = [&seen.deployments, &seen.autoscalers, &seen.services];
        let mut all = lists.into_iter().flatten().chain(&seen.front);
        let found = all.find(|object| object["kind"] == desired.kind.name() && name(object) == desired.name);
        let told = |action, detail: String| change(action, desired.kind, &desired.name, detail);
        // A dry run in a namespace that is not there finds none.
        if !has_namespace {
            return Ok(told(Action::Create, desired.purpose.clone()));
        }
        let after = self.api.apply(desired, Write::Tried, None)?;
        let Some(before) = found else { return Ok(told(Action::Create, desired.purpose.clone())) };
        let lines = differences(before, &after);
        Ok(if lines.is_empty() { told(Action::Keep, desired.purpose.clone()) } else { told(Action::Update, summary(&lines)) })
    }
}

/// The objects that run a release for all requests.
fn wanted(objects: &Objects<'_>, params: &Params, release: &Release) -> Result<Vec<Desired>, Failure> {
    let package = release.package.as_str();
    let mut wanted = vec![objects.deployment(release)?, objects.autoscaler(package)];
    if params.gateway.is_some() {
        wanted.push(objects.behind(package));
        wanted.push(objects.route(&[(package, 100)])?);
    } else {
        wanted.push(objects.front(Some(package)));
    }
    Ok(wanted)
}

/// The objects that run a release, as `kubectl apply` takes them, the namespace first.
///
/// # Errors
///
/// The parameters or the release cannot be.
pub fn manifests(params: &Params, service: &Service, release: &Release) -> Result<Vec<Value>, Failure> {
    let objects = Objects::new(params, service)?;
    let namespace = params.create_namespace.then(|| objects.make_namespace());
    let wanted = wanted(&objects, params, release)?;
    Ok(namespace.into_iter().chain(wanted).map(|desired| desired.body).collect())
}

/// The same as one file of the kind `List`.
pub fn as_list(manifests: &[Value]) -> String {
    format!("{:#}\n", json!({ "apiVersion": "v1", "kind": "List", "items": manifests }))
}

/// The objects as a plan that a person or a program can apply: each object is the detail of its change, on one line.
///
/// # Errors
///
/// As of [`manifests`].
pub fn printed(params: &Params, service: &Service, release: &Release) -> Result<Vec<Change>, Failure> {
    let told = |object: &Value| Change {
        action: Action::Create,
        subject: format!("{} {}", object["kind"].as_str().unwrap_or_default(), name(object)),
        detail: object.to_string(),
    };
    Ok(manifests(params, service, release)?.iter().map(told).collect())
}
