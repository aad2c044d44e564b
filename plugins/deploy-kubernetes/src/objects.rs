//! The objects as they should be. Each carries the labels and annotations by which they are known again.

use serde_json::{Map, Value, json};
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::{Release, Service, short_digest};

use crate::kind::Kind;
use crate::params::{Expose, Params};

/// The labels that all objects of a service have.
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label of what belongs to one release: the first digits of the package's digest, since a label holds 63 characters.
pub(crate) const PACKAGE: &str = "sprag/package";
/// The annotations, which hold what no label can.
pub(crate) const MODEL: &str = "sprag/model";
pub(crate) const ENVIRONMENT: &str = "sprag/environment";
pub(crate) const DIGEST: &str = "sprag/package-digest";

/// The maker.
pub(crate) const SPRAG: &str = "sprag";

/// The longest name of a service, so that there is room for a release's digits behind it.
const LONGEST: usize = 50;

/// The image's user and group: nobody in particular.
const USER: u32 = 65_532;

/// Where the bearer keys are in a container. The service reads the file again when the Secret changes.
const KEYS: &str = "/etc/sprag/keys";

/// How long a service may take to answer at first, in seconds: it compiles its model.
const STARTUP_SECONDS: u32 = 120;

/// What a pod needs to end beyond what it allows itself, in seconds.
const TO_END: u32 = 5;

/// An object as it should be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Desired {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) body: Value,
    /// What it is for, in a few words.
    pub(crate) purpose: String,
}

/// Makes the objects of one service.
pub(crate) struct Objects<'a> {
    params: &'a Params,
    service: &'a Service,
    /// The name of all that belongs to the whole service.
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(params: &'a Params, service: &'a Service) -> Result<Self, Failure> {
        let name = service.resource_name(params.name.as_deref(), LONGEST);
        let namespace = params.namespace.clone().unwrap_or_else(|| service.environment.clone());
        for (what, text) in [("name", &name), ("namespace", &namespace)] {
            // They become parts of paths.
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if text.is_empty() || text.len() > 63 || !text.chars().all(is_plain) || text.starts_with('-') || text.ends_with('-') {
                return Err(Failure::bad_params(format!(
                    "expected lower-case letters, digits and hyphens as the {what}, found `{text}`"
                )));
            }
        }
        if params.autoscale.min > params.autoscale.max {
            let (min, max) = (params.autoscale.min, params.autoscale.max);
            return Err(Failure::bad_params(format!(
                "expected `autoscale.min` to be at most `autoscale.max`, found {min} and {max}"
            )));
        }
        if service.key.is_some() && params.key_secret.is_none() {
            return Err(Failure::bad_params(
                "expected `key_secret`, the Kubernetes Secret with the bearer key that the environment's `key` names, found none",
            ));
        }
        Ok(Self { params, service, name, namespace })
    }

    /// The name of what belongs to one release.
    pub(crate) fn name_of(&self, package: &str) -> String {
        format!("{}-{}", self.name, short_digest(package, 12))
    }

    /// The value of the label of a release.
    pub(crate) fn label_of(package: &str) -> &str {
        short_digest(package, 32)
    }

    /// What selects the objects of the service.
    pub(crate) fn selector(&self) -> String {
        format!("{MANAGED_BY}={SPRAG},{INSTANCE}={}", self.name)
    }

    pub(crate) fn make_namespace(&self) -> Desired {
        let labels = json!({ MANAGED_BY: SPRAG, "pod-security.kubernetes.io/enforce": "restricted" });
        let metadata = json!({ "name": self.namespace, "labels": labels });
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        Desired { kind: Kind::Namespace, name: self.namespace.clone(), body, purpose: "holds the service".to_owned() }
    }

    /// The Deployment of a release. How many pods it has is left to the autoscaler, or set apart from it.
    pub(crate) fn deployment(&self, release: &Release) -> Result<Desired, Failure> {
        let Params { autoscale, cpu, memory, timeout_seconds, .. } = self.params;
        let image = release.image_by_digest()?;
        let mut labels = self.labels();
        labels.insert(PACKAGE.to_owned(), json!(Self::label_of(&release.package)));
        let selector = json!({ INSTANCE: self.name, PACKAGE: Self::label_of(&release.package) });
        labels.insert("app.kubernetes.io/version".to_owned(), json!(release.version.to_string()));
        let mut annotations = self.annotations();
        annotations.insert(DIGEST.to_owned(), json!(release.package));
        annotations.insert("sprag/model-digest".to_owned(), json!(release.model_digest));
        let mut pod = json!({ "labels": labels });
        if !self.params.pod_annotations.is_empty() {
            pod["annotations"] = json!(self.params.pod_annotations);
        }
        let name = self.name_of(&release.package);
        let spec = json!({
            "selector": { "matchLabels": selector },
            "progressDeadlineSeconds": timeout_seconds,
            "revisionHistoryLimit": 2,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "template": { "metadata": pod, "spec": self.pod(image) },
        });
        let body = self.object(Kind::Deployment, &name, annotations, labels, &json!({ "spec": spec }));
        let purpose = format!("runs {image} with {cpu} cpu and {memory} memory in {} to {} pods", autoscale.min, autoscale.max);
        Ok(Desired { kind: Kind::Deployment, name, body, purpose })
    }

    fn pod(&self, image: &str) -> Value {
        let params = self.params;
        let probe = |path: &str, period: u32, failures: u32| {
            let get = json!({ "path": path, "port": "http", "scheme": "HTTP" });
            json!({ "httpGet": get, "periodSeconds": period, "failureThreshold": failures, "timeoutSeconds": 5 })
        };
        let limits = json!({ "cpu": params.cpu, "memory": params.memory });
        let requests = json!({
            "cpu": params.cpu_request.as_ref().unwrap_or(&params.cpu),
            "memory": params.memory_request.as_ref().unwrap_or(&params.memory),
        });
        let (notice, drain) = (format!("{}s", params.notice_seconds), format!("{}s", params.grace_seconds));
        let mut arguments = vec!["--notice".to_owned(), notice, "--drain".to_owned(), drain];
        let mut container = json!({
            "name": "scorer",
            "image": image,
            "ports": [{ "name": "http", "containerPort": params.port, "protocol": "TCP" }],
            "resources": { "limits": limits, "requests": requests },
            "startupProbe": probe("/healthz", 1, STARTUP_SECONDS),
            "livenessProbe": probe("/healthz", 10, 3),
            "readinessProbe": probe("/readyz", 2, 2),
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            },
        });
        let mut spec = json!({
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": params.notice_seconds + params.grace_seconds + TO_END,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
        });
        if let Some(secret) = &params.key_secret {
            arguments.extend(["--key-file".to_owned(), format!("{KEYS}/{}", secret.key)]);
            container["volumeMounts"] = json!([{ "name": "keys", "mountPath": KEYS, "readOnly": true }]);
            let items = json!([{ "key": secret.key, "path": secret.key }]);
            // 0440: the group is the pod's own.
            let volume = json!({ "secretName": secret.name, "defaultMode": 0o440, "items": items, "optional": false });
            spec["volumes"] = json!([{ "name": "keys", "secret": volume }]);
        }
        if !params.environment.is_empty() {
            let variables = params.environment.iter().map(|(name, value)| json!({ "name": name, "value": value }));
            container["env"] = variables.collect();
        }
        if !params.pull_secrets.is_empty() {
            spec["imagePullSecrets"] = params.pull_secrets.iter().map(|name| json!({ "name": name })).collect();
        }
        if let Some(account) = &params.service_account {
            spec["serviceAccountName"] = json!(account);
        }
        if !params.node_selector.is_empty() {
            spec["nodeSelector"] = json!(params.node_selector);
        }
        container["args"] = json!(arguments);
        spec["containers"] = json!([container]);
        spec
    }

    pub(crate) fn autoscaler(&self, package: &str) -> Desired {
        let name = self.name_of(package);
        let scale = self.params.autoscale;
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": name });
        let cpu = json!({ "name": "cpu", "target": { "type": "Utilization", "averageUtilization": scale.cpu_percent } });
        let spec = json!({
            "scaleTargetRef": target,
            "minReplicas": scale.min,
            "maxReplicas": scale.max,
            "metrics": [{ "type": "Resource", "resource": cpu }],
        });
        let body = self.object(Kind::Autoscaler, &name, self.annotations(), self.labels(), &json!({ "spec": spec }));
        let purpose = format!("keeps {} to {} pods at {} % cpu", scale.min, scale.max, scale.cpu_percent);
        Desired { kind: Kind::Autoscaler, name, body, purpose }
    }

    /// The Service that callers reach: with a package it selects one release, else all that run.
    pub(crate) fn front(&self, package: Option<&str>) -> Desired {
        let mut selector = json!({ INSTANCE: self.name });
        if let Some(package) = package {
            selector[PACKAGE] = json!(Self::label_of(package));
        }
        let mut annotations = self.annotations();
        annotations.extend(self.params.service_annotations.iter().map(|(key, value)| (key.clone(), json!(value))));
        let kind = match self.params.expose {
            Expose::Cluster => "ClusterIP",
            Expose::LoadBalancer => "LoadBalancer",
        };
        let body = self.service(&self.name, annotations, &selector, kind);
        let to = package.map_or_else(|| "all releases that run".to_owned(), |package| format!("the package {package}"));
        Desired { kind: Kind::Service, name: self.name.clone(), body, purpose: format!("leads to {to}") }
    }

    /// The Service of one release, for a gateway to choose.
    pub(crate) fn behind(&self, package: &str) -> Desired {
        let name = self.name_of(package);
        let selector = json!({ INSTANCE: self.name, PACKAGE: Self::label_of(package) });
        let body = self.service(&name, self.annotations(), &selector, "ClusterIP");
        Desired { kind: Kind::Service, name, body, purpose: format!("leads to the package {package}") }
    }

    fn service(&self, name: &str, annotations: Map<String, Value>, selector: &Value, kind: &str) -> Value {
        let port = json!({ "name": "http", "port": self.params.service_port, "targetPort": "http", "protocol": "TCP" });
        let spec = json!({ "type": kind, "selector": selector, "ports": [port] });
        self.object(Kind::Service, name, annotations, self.labels(), &json!({ "spec": spec }))
    }

    /// The route of the gateway: packages with the percents that they get.
    pub(crate) fn route(&self, weights: &[(&str, u32)]) -> Result<Desired, Failure> {
        let gateway = self.params.gateway.as_ref();
        let gateway = gateway.ok_or_else(|| Failure::internal("a route was asked for where no gateway is named"))?;
        let mut parent = json!({ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway.name });
        if let Some(namespace) = &gateway.namespace {
            parent["namespace"] = json!(namespace);
        }
        if let Some(listener) = &gateway.listener {
            parent["sectionName"] = json!(listener);
        }
        let backend = |(package, percent): &(&str, u32)| {
            let name = self.name_of(package);
            json!({ "group": "", "kind": "Service", "name": name, "port": self.params.service_port, "weight": percent })
        };
        let rule = json!({ "backendRefs": weights.iter().map(backend).collect::<Value>() });
        let spec = json!({ "parentRefs": [parent], "hostnames": [gateway.host], "rules": [rule] });
        let body = self.object(Kind::Route, &self.name, self.annotations(), self.labels(), &json!({ "spec": spec }));
        let told: Vec<_> = weights.iter().map(|(package, percent)| format!("{percent} % to the package {package}")).collect();
        Ok(Desired { kind: Kind::Route, name: self.name.clone(), body, purpose: told.join(", ") })
    }

    fn labels(&self) -> Map<String, Value> {
        let mut labels = Map::new();
        labels.insert(INSTANCE.to_owned(), json!(self.name));
        labels.insert(MANAGED_BY.to_owned(), json!(SPRAG));
        labels.insert("app.kubernetes.io/name".to_owned(), json!("sprag-model"));
        labels
    }

    fn annotations(&self) -> Map<String, Value> {
        let mut annotations = Map::new();
        annotations.insert(MODEL.to_owned(), json!(self.service.model));
        annotations.insert(ENVIRONMENT.to_owned(), json!(self.service.environment));
        annotations
    }

    fn object(&self, kind: Kind, name: &str, annotations: Map<String, Value>, labels: Map<String, Value>, rest: &Value) -> Value {
        let metadata = json!({ "name": name, "namespace": self.namespace, "labels": labels, "annotations": annotations });
        let mut body = json!({ "apiVersion": kind.version(), "kind": kind.name(), "metadata": metadata });
        body["spec"] = rest["spec"].clone();
        body
    }

    /// Holds what was found against the service: nothing of another one, or of another maker, is touched.
    pub(crate) fn check_own(&self, kind: Kind, found: &Value) -> Result<(), Failure> {
        let annotation = |name: &str| found["metadata"]["annotations"][name].as_str();
        let is_ours = found["metadata"]["labels"][MANAGED_BY] == SPRAG;
        let Service { model, environment, .. } = self.service;
        let owner = match (is_ours, annotation(MODEL), annotation(ENVIRONMENT)) {
            (true, Some(a), Some(b)) if a == model && b == environment => return Ok(()),
            (true, Some(model), Some(environment)) => format!("the model `{model}` in the environment `{environment}`"),
            _ => "something that sprag did not make".to_owned(),
        };
        let (kind, name) = (kind.name(), found["metadata"]["name"].as_str().unwrap_or_default());
        Err(Failure::bad_params(format!(
            "expected {kind} {name} in the namespace {} to be of the model `{model}` in the environment `{environment}`, found {owner}: give the \
             parameter `name` or `namespace` another value, or remove it first",
            self.namespace
        )))
    }
}
