//! The parameters.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The name of the secret with the cluster's credentials: one of the kind `kubeconfig`, or a bearer token.
    pub secret: String,
    /// The root of the API server, where the secret does not name it.
    #[cfg_attr(test, schemars(regex(pattern = "^https?://[^?#]+$")))]
    pub server: Option<String>,
    /// The namespace. Default: the environment's name.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")))]
    pub namespace: Option<String>,
    /// Whether the namespace is made where it is missing.
    pub create_namespace: bool,
    /// The service's name in the namespace. Default: model and environment.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$")))]
    pub name: Option<String>,
    /// How many pods a release has.
    pub autoscale: Autoscale,
    /// The most processor time of a pod, in Kubernetes' terms: `500m` is half a core.
    #[cfg_attr(test, schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?m?$")))]
    pub cpu: String,
    /// The most memory of a pod.
    #[cfg_attr(test, schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?(k|Ki|M|Mi|G|Gi|T|Ti)?$")))]
    pub memory: String,
    /// The processor time that is set aside for a pod; the autoscaler's percentages are of it. Default: `cpu`.
    #[cfg_attr(test, schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?m?$")))]
    pub cpu_request: Option<String>,
    /// The memory that is set aside for a pod. Default: `memory`.
    #[cfg_attr(test, schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?(k|Ki|M|Mi|G|Gi|T|Ti)?$")))]
    pub memory_request: Option<String>,
    /// The port that the image listens on.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: u16,
    /// The port of the Service.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub service_port: u16,
    /// From where the Service is reached.
    pub expose: Expose,
    /// Annotations of the Service, such as those that keep a load balancer of AKS inside the network.
    pub service_annotations: BTreeMap<String, String>,
    /// The root where callers reach the service, where that is another than the Service's own: an ingress that you keep, say.
    #[cfg_attr(test, schemars(regex(pattern = "^https?://[^/?#]+$")))]
    pub url: Option<String>,
    /// A gateway (of the Gateway API) that divides requests, exactly, in place of numbers of pods.
    pub gateway: Option<Gateway>,
    /// The Kubernetes Secret with the bearer keys that the service asks for. sprag never reads or writes it.
    pub key_secret: Option<KeySecret>,
    /// The Kubernetes Secrets by which the image is pulled, where the nodes may not pull it by themselves.
    pub pull_secrets: Vec<String>,
    /// The service account of the pods. They get no token of it.
    pub service_account: Option<String>,
    /// Labels of the nodes that the pods may run on.
    pub node_selector: BTreeMap<String, String>,
    /// Environment variables, for all to see.
    pub environment: BTreeMap<String, String>,
    /// Annotations of the pods.
    pub pod_annotations: BTreeMap<String, String>,
    /// How requests are divided between releases by numbers of pods.
    pub split: Split,
    /// How long a pod that is to stop goes on answering, in seconds: until the nodes, which learn of it at the same moment, have looked away. As `--notice`, which
    /// the image must not name itself.
    #[cfg_attr(test, schemars(range(max = 600)))]
    pub notice_seconds: u32,
    /// The time that a pod then has to finish its requests, in seconds. As `--drain`, which the image must not name itself.
    #[cfg_attr(test, schemars(range(min = 1, max = 3600)))]
    pub grace_seconds: u32,
    /// How long a release of before goes on running after callers were led on, in seconds: nodes, load balancers and gateways learn of it one after the other.
    #[cfg_attr(test, schemars(range(max = 3600)))]
    pub handover_seconds: u32,
    /// Whether fields of our own objects that somebody else has set since are set back. Else that is an error that names who.
    pub take_over: bool,
    /// The longest wait for everything that one call starts, in seconds. The stage's own limit `time` must allow it.
    #[cfg_attr(test, schemars(range(min = 1, max = 86_400)))]
    pub timeout_seconds: u32,
    /// Where the objects go.
    pub output: Output,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            secret: "kubeconfig".to_owned(),
            server: None,
            namespace: None,
            create_namespace: true,
            name: None,
            autoscale: Autoscale::default(),
            cpu: "500m".to_owned(),
            memory: "2Gi".to_owned(),
            cpu_request: None,
            memory_request: None,
            port: 8080,
            service_port: 80,
            expose: Expose::default(),
            service_annotations: BTreeMap::new(),
            url: None,
            gateway: None,
            key_secret: None,
            pull_secrets: vec![],
            service_account: None,
            node_selector: BTreeMap::new(),
            environment: BTreeMap::new(),
            pod_annotations: BTreeMap::new(),
            split: Split::default(),
            notice_seconds: 10,
            grace_seconds: 60,
            handover_seconds: 10,
            take_over: false,
            timeout_seconds: 480,
            output: Output::default(),
        }
    }
}

/// How many pods a release has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Autoscale {
    /// The fewest.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub min: u32,
    /// The most.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub max: u32,
    /// The processor use, in percent of what is set aside, that the cluster adds or removes pods to keep.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub cpu_percent: u32,
}

impl Default for Autoscale {
    fn default() -> Self {
        Self { min: 1, max: 3, cpu_percent: 70 }
    }
}

/// From where a Service is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Expose {
    /// From within the cluster.
    #[default]
    Cluster,
    /// From where the cluster's load balancer is reached.
    LoadBalancer,
}

/// A gateway of the Gateway API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Gateway {
    /// The Gateway's name.
    pub name: String,
    /// The Gateway's namespace. Default: that of the service.
    pub namespace: Option<String>,
    /// The listener of the Gateway. Default: all.
    pub listener: Option<String>,
    /// The host that callers ask for.
    pub host: String,
}

/// A key of a Kubernetes Secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct KeySecret {
    /// The Secret's name.
    pub name: String,
    /// The key in it. Its value has a bearer key on each line.
    #[serde(default = "default_key")]
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9._-]+$")))]
    pub key: String,
}

fn default_key() -> String {
    "key".to_owned()
}

/// How requests are divided by numbers of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Split {
    /// The most pods of all releases together.
    #[cfg_attr(test, schemars(range(min = 2, max = 1000)))]
    pub pods: u32,
    /// By how many percent points a share of the pods may differ from the share that was asked for.
    #[cfg_attr(test, schemars(range(max = 50)))]
    pub tolerance: u32,
}

impl Default for Split {
    fn default() -> Self {
        Self { pods: 20, tolerance: 1 }
    }
}

/// Where the objects go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Output {
    /// To the cluster.
    #[default]
    Cluster,
    /// Nowhere: a plan prints them, for `kubectl apply`, and no cluster is asked.
    Manifests,
}
