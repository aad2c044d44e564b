//! The resources that are served.

/// A resource.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// The API group; empty for the core.
    pub(crate) group: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The name in paths.
    pub(crate) plural: &'static str,
    /// The kind.
    pub(crate) kind: &'static str,
    /// Whether its objects are in namespaces.
    pub(crate) is_namespaced: bool,
    /// Its subresources.
    pub(crate) subresources: &'static [&'static str],
    /// What people call it.
    pub(crate) short: &'static [&'static str],
}

const fn core(plural: &'static str, kind: &'static str, short: &'static [&'static str]) -> Resource {
    Resource { group: "", version: "v1", plural, kind, is_namespaced: true, subresources: &[], short }
}

const fn of(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Resource {
    Resource { group, version, plural, kind, is_namespaced: true, subresources: &[], short }
}

/// All of them.
pub(crate) const RESOURCES: [Resource; 9] = [
    Resource { is_namespaced: false, ..core("namespaces", "Namespace", &["ns"]) },
    core("services", "Service", &["svc"]),
    core("pods", "Pod", &["po"]),
    core("secrets", "Secret", &[]),
    core("events", "Event", &["ev"]),
    Resource { subresources: &["scale"], ..of("apps", "v1", "deployments", "Deployment", &["deploy"]) },
    of("apps", "v1", "replicasets", "ReplicaSet", &["rs"]),
    of("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", &["hpa"]),
    of("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", &[]),
];

impl Resource {
    /// By its kind.
    pub(crate) fn of_kind(kind: &str) -> Option<&'static Self> {
        RESOURCES.iter().find(|resource| resource.kind == kind)
    }

    /// Group and version as manifests have them.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The name with its group, as refusals have it.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}
