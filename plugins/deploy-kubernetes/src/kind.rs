//! The kinds of objects that are worked on, with their places in the API.

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Namespace,
    Deployment,
    Service,
    Autoscaler,
    Route,
    Pod,
    Event,
}

impl Kind {
    /// The name, as manifests have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::Autoscaler => "HorizontalPodAutoscaler",
            Self::Route => "HTTPRoute",
            Self::Pod => "Pod",
            Self::Event => "Event",
        }
    }

    /// Group and version.
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Namespace | Self::Service | Self::Pod | Self::Event => "v1",
            Self::Deployment => "apps/v1",
            Self::Autoscaler => "autoscaling/v2",
            Self::Route => "gateway.networking.k8s.io/v1",
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Deployment => "deployments",
            Self::Service => "services",
            Self::Autoscaler => "horizontalpodautoscalers",
            Self::Route => "httproutes",
            Self::Pod => "pods",
            Self::Event => "events",
        }
    }

    /// The path of the collection in a namespace, from the root of the API server.
    pub(crate) fn path(self, namespace: &str) -> String {
        let version = self.version();
        let root = if version == "v1" { "/api" } else { "/apis" };
        match self {
            Self::Namespace => format!("{root}/{version}/namespaces"),
            _ => format!("{root}/{version}/namespaces/{namespace}/{}", self.plural()),
        }
    }
}
