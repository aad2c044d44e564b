//! What must hold of grants, secrets and environments, whatever the plugins say.

use sprag_schemas::manifest::{Kind, Manifest};
use sprag_schemas::secrets::Secret;
use sprag_schemas::triggers::TriggerKind;

use super::Problem;
use crate::component::Component;
use crate::contract;
use crate::entries::Entry;
use crate::http_grant::HttpGrant;
use crate::schedule::Schedule;

/// The environments in the order in which a release goes through them.
pub(super) fn order(manifest: &Manifest) -> Vec<String> {
    if let Some(order) = &manifest.release.order {
        return order.clone();
    }
    let usual = ["staging", "production"].map(str::to_owned);
    let (first, rest): (Vec<_>, Vec<_>) = manifest.environments.keys().cloned().partition(|name| usual.contains(name));
    // By name, `production` would come before `staging`.
    rest.into_iter().chain(first.into_iter().rev()).collect()
}

/// What is wrong with the tables that name no plugin.
pub(super) fn problems(manifest: &Manifest) -> Vec<Problem> {
    let mut problems = vec![];
    for (name, secret) in &manifest.secrets {
        let Secret { env, file, azure, kubeconfig, hosts, ca, cleartext: _ } = secret;
        let sources = [env.is_some(), file.is_some(), azure.is_some(), kubeconfig.is_some()];
        let count = sources.into_iter().filter(|is_given| *is_given).count();
        if count != 1 {
            let message = format!("secret `{name}`: expected one source (`env`, `file`, `azure` or `kubeconfig`), found {count}");
            problems.push(Problem::new(&["secrets", name], message, None));
        }
        // What pushes are signed with is sent to nobody.
        let is_of_trigger = manifest.triggers.values().any(|trigger| trigger.secret.as_ref() == Some(name));
        if hosts.is_empty() && kubeconfig.is_none() && !is_of_trigger {
            let message = format!("secret `{name}`: expected `hosts`, the only hosts that it may be sent to, found none");
            let hint = Some("add `hosts = [\"api.example.com\"]`".to_owned());
            problems.push(Problem::new(&["secrets", name], message, hint));
        }
        if ca.is_some() && kubeconfig.is_some() {
            let message =
                format!("secret `{name}`: expected no `ca` beside `kubeconfig`, which names the cluster's own, found one");
            problems.push(Problem::new(&["secrets", name, "ca"], message, None));
        }
        if let Some(azure) = azure
            && azure.secret_env.is_some() == azure.federated_token_file_env.is_some()
        {
            let message = format!("secret `{name}`: expected either `secret-env` or `federated-token-file-env`");
            problems.push(Problem::new(&["secrets", name, "azure"], message, None));
        }
    }
    let known = |what: &dyn Fn(&String) -> String| manifest.environments.keys().map(what).collect::<Vec<_>>().join(", ");
    for name in manifest.release.order.iter().flatten() {
        if !manifest.environments.contains_key(name) {
            let known = known(&|name| format!("`{name}`"));
            let message = format!("expected an environment of the project ({known}), found `{name}`");
            problems.push(Problem::new(&["release", "order"], message, None));
        }
    }
    for name in manifest.environments.keys() {
        if manifest.release.order.as_ref().is_some_and(|order| order.iter().filter(|other| *other == name).count() != 1) {
            let message = format!("expected every environment of the project once in `order`, and `{name}` is not");
            problems.push(Problem::new(&["release", "order"], message, None));
        }
    }
    for (name, environment) in &manifest.environments {
        if let Some(key) = environment.key.as_ref().filter(|key| !manifest.secrets.contains_key(*key)) {
            problems.push(Problem::new(&["environments", name, "key"], unknown_secret(key, manifest), None));
        }
        if environment.approval.as_ref().is_some_and(|approval| approval.required == 0) {
            let message = format!("environment `{name}`: expected at least 1 required approval, found 0");
            let hint = Some("leave the table `approval` out where nobody is asked".to_owned());
            problems.push(Problem::new(&["environments", name, "approval", "required"], message, hint));
        }
    }
    problems.extend(python_problems(manifest));
    problems.extend(trigger_problems(manifest));
    problems.extend(batch_problems(manifest));
    problems
}

/// What is wrong with the Python environments.
fn python_problems(manifest: &Manifest) -> Vec<Problem> {
    let mut problems = vec![];
    for (name, python) in &manifest.python {
        let mut object_to = |key: &str, message: String| {
            problems.push(Problem::new(&["python", name, key], format!("environment `{name}`: {message}"), None));
        };
        let parts: Vec<_> = python.version.split('.').collect();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if parts[0] != "3" || !matches!(parts.len(), 2 | 3) || !parts.iter().all(is_number) {
            object_to("version", format!("expected a version of Python such as `3.11` or `3.11.7`, found `{}`", python.version));
        }
        if python.threads == 0 {
            object_to("threads", "expected at least 1 thread, found 0".to_owned());
        }
    }
    problems
}

/// What is wrong with the triggers.
fn trigger_problems(manifest: &Manifest) -> Vec<Problem> {
    let mut problems = vec![];
    for (name, trigger) in &manifest.triggers {
        let mut object_to = |key: &[&str], message: String| {
            let path: Vec<_> = ["triggers", name.as_str()].iter().chain(key).copied().collect();
            problems.push(Problem::new(&path, format!("trigger `{name}`: {message}"), None));
        };
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_name {
            object_to(&[], "expected a name of lower-case letters, digits and hyphens".to_owned());
        }
        for path in trigger.params.keys() {
            let stage = path.split_once('.').map(|(stage, _)| stage);
            if !stage.is_some_and(|stage| manifest.stages.contains_key(stage)) {
                object_to(&["params"], format!("expected parameters as `STAGE.NAME` of the project's stages, found `{path}`"));
            }
        }
        match trigger.kind() {
            Err(message) => object_to(&[], message),
            Ok(TriggerKind::Cron(cron)) => {
                if let Err(message) = Schedule::parse(cron, trigger.timezone.as_deref()) {
                    object_to(&["cron"], message);
                }
            }
            Ok(TriggerKind::Webhook(_) | TriggerKind::Watch(_)) => {
                if let Some(secret) = trigger.secret.as_ref().filter(|secret| !manifest.secrets.contains_key(*secret)) {
                    object_to(&["secret"], unknown_secret(secret, manifest));
                }
            }
            Ok(TriggerKind::Drift(environment)) if !manifest.environments.contains_key(environment) => {
                object_to(&["drift"], format!("expected an environment of the project, found `{environment}`"));
            }
            Ok(TriggerKind::After(pipeline)) if pipeline == manifest.project.name => {
                object_to(&["after"], format!("expected another pipeline, found this one, `{pipeline}`"));
            }
            Ok(_) => {}
        }
    }
    problems
}

/// What is wrong with the files that are scored.
fn batch_problems(manifest: &Manifest) -> Vec<Problem> {
    let mut problems = vec![];
    let mut outputs: Vec<(&str, &str)> = vec![];
    for (name, batch) in &manifest.batch {
        let mut object_to = |key: &str, message: String| {
            problems.push(Problem::new(&["batch", name, key], format!("batch `{name}`: {message}"), None));
        };
        for (key, path) in [("input", &batch.input), ("output", &batch.output)] {
            let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
            if !["csv", "tsv", "txt", "parquet", "pq"].contains(&extension.as_str()) {
                object_to(key, format!("expected a file with the extension `csv` or `parquet`, found `{path}`"));
            }
        }
        if batch.input == batch.output {
            object_to("output", format!("expected another file than the input, found `{}` for both", batch.output));
        }
        if let Some((other, _)) = outputs.iter().find(|(_, output)| *output == batch.output) {
            object_to(
                "output",
                format!("expected a file that no other batch writes, found that of `{other}`: `{}`", batch.output),
            );
        }
        outputs.push((name, &batch.output));
    }
    problems
}

/// What is wrong with the grants of a stage.
pub(super) fn grant_problems(entry: &Entry<'_>, kind: Kind, component: &Component, manifest: &Manifest) -> Vec<Problem> {
    let mut problems = vec![];
    let Entry { name, stage, .. } = entry;
    let grants = &stage.grants;
    let mut object_to = |key: &str, message: String, hint: Option<String>| {
        let path: Vec<_> = entry.path.iter().copied().chain(["grants", key]).collect();
        problems.push(Problem::new(&path, format!("stage `{name}`: {message}"), hint));
    };
    for variable in grants.env.iter().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
        object_to("env", format!("expected the name of an environment variable, found `{variable}`"), None);
    }
    for (key, is_given, kinds) in [
        ("http", !grants.http.is_empty(), NETWORK),
        ("secrets", !grants.secrets.is_empty(), NETWORK),
        ("services", grants.services, &[Kind::Provision, Kind::Deploy]),
        ("smtp", !grants.smtp.is_empty(), &[Kind::Notify]),
        ("folders", !grants.folders.is_empty(), &[Kind::Provision]),
        ("processes", !grants.processes.is_empty(), &[Kind::Train]),
        ("process-network", grants.process_network, &[Kind::Train]),
    ] {
        if is_given && !kinds.contains(&kind) {
            let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            let message =
                format!("`{key}` is a grant for stages of the kinds {}, found it on one of the kind `{kind}`", kinds.join(", "));
            object_to(key, message, Some(format!("take `{key}` out of the stage's grants")));
        }
    }
    for origin in &grants.http {
        if let Err(error) = origin.parse::<HttpGrant>() {
            object_to("http", error.to_string(), None);
        }
    }
    for server in &grants.smtp {
        let port = server.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() {
            object_to("smtp", format!("expected a mail server as `host:port`, found `{server}`"), None);
        }
    }
    for folder in grants.folders.iter().filter(|folder| folder.is_empty() || folder.contains('\0')) {
        object_to("folders", format!("expected the path of a folder, found `{}`", folder.escape_debug()), None);
    }
    for secret in grants.secrets.iter().filter(|secret| !manifest.secrets.contains_key(*secret)) {
        object_to(
            "secrets",
            unknown_secret(secret, manifest),
            Some(format!("add `[secrets.{secret}]` with its source and `hosts`")),
        );
    }
    for name in grants.processes.iter().filter(|name| !manifest.python.contains_key(*name)) {
        let known: Vec<_> = manifest.python.keys().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("expected an environment of the project ({known}), found `{name}`");
        let hint = format!("add `[python.{name}]` with its `lock` and `version`");
        object_to("processes", message, Some(hint));
    }
    if grants.process_network && grants.processes.is_empty() {
        let message = "expected `processes` beside `process-network`, which is about them; found none".to_owned();
        object_to("process-network", message, None);
    }
    if contract::runs_processes(component) && grants.processes.is_empty() {
        let path: Vec<_> = entry.path.iter().copied().chain(["plugin"]).collect();
        let message = format!("stage `{name}`: plugin `{}` runs scripts, and no environment is granted to it", stage.plugin);
        let hint = "add `grants = { processes = [\"NAME\"] }` with the name of a Python environment of the project".to_owned();
        problems.push(Problem { is_refusal: true, ..Problem::new(&path, message, Some(hint)) });
    }
    // A smoke test reaches the service that it tests without a grant; the others would find every request refused.
    if contract::sends_http(component) && grants.http.is_empty() && kind.may_use_network() && kind != Kind::SmokeTest {
        let path: Vec<_> = entry.path.iter().copied().chain(["plugin"]).collect();
        let message = format!("stage `{name}`: plugin `{}` sends HTTP requests, and no origin is granted to it", stage.plugin);
        let hint = "add `grants = { http = [\"https://HOST\"] }` with the origins that it may reach".to_owned();
        problems.push(Problem { is_refusal: true, ..Problem::new(&path, message, Some(hint)) });
    }
    problems
}

const NETWORK: &[Kind] = &[Kind::Provision, Kind::Deploy, Kind::SmokeTest, Kind::Notify];

fn unknown_secret(name: &str, manifest: &Manifest) -> String {
    let known: Vec<_> = manifest.secrets.keys().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("expected a secret of the project ({known}), found `{name}`")
}
