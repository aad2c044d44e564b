//! The network as one attempt at one stage may use it.

use std::sync::{Arc, PoisonError, RwLock};

use http::{Request, Response};
use sprag_core::http_grant::HttpGrant;
use sprag_core::origin::Origin;
use sprag_runtime::outside::{
    Body, MailError, MailMessage, MailServer, Outbound, Patience, Pending, SecretError, SecretHandle, SendError,
};
use sprag_schemas::manifest::Grants;

use crate::client::{Clients, choose_cryptography};
use crate::mail;
use crate::redact::Needles;
use crate::resolve::{Guard, Resolver, SystemResolver};
use crate::secrets::{HostPattern, Material, Vault};
use crate::send;

/// Why there is no network for a stage: the project file is wrong in a way that planning should have found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// A granted origin is none.
    #[error("`{place}.grants.http`: {message}")]
    Origin {
        /// The stage's keys in the project file.
        place: String,
        /// What was expected and what was found.
        message: String,
    },
    /// A granted secret was not opened.
    #[error("`{place}.grants.secrets`: expected the name of a secret under `[secrets]`, found `{name}`")]
    Secret {
        /// The stage's keys in the project file.
        place: String,
        /// The name.
        name: String,
    },
    /// The machine gives no random numbers.
    #[error("failed to draw random numbers for the placeholders of secrets")]
    Random,
}

/// The network as one attempt at one stage may use it. Made anew for each attempt, so that each has placeholders of its own.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

/// What all requests of a stage share.
pub(crate) struct Inner {
    /// The stage's name, for a person.
    pub(crate) stage: String,
    /// The stage's keys in the project file, joined by dots: `environments.staging.deploy`.
    pub(crate) place: String,
    pub(crate) origins: Vec<HttpGrant>,
    pub(crate) smtp: Vec<String>,
    pub(crate) vault: Vault,
    pub(crate) secrets: Vec<Granted>,
    pub(crate) clients: Clients,
    pub(crate) authorities: Vec<u8>,
    needles: RwLock<Needles>,
}

/// A secret that the stage is granted.
pub(crate) struct Granted {
    pub(crate) name: String,
    pub(crate) placeholder: String,
    /// Hosts that it may go to beside those in the project file.
    pub(crate) also: Vec<HostPattern>,
}

/// How a [`Network`] is made.
pub struct Settings<'a> {
    stage: String,
    place: String,
    grants: &'a Grants,
    vault: &'a Vault,
    also: Vec<(Origin, Option<String>)>,
    resolver: Arc<dyn Resolver>,
    authorities: Vec<u8>,
}

impl<'a> Settings<'a> {
    /// Lets the stage reach one more origin, such as the service that it tests, and send one secret to it.
    #[must_use]
    pub fn reaching(mut self, origin: Origin, secret: Option<&str>) -> Self {
        self.also.push((origin, secret.map(str::to_owned)));
        self
    }

    /// Resolves names in another way than the system's.
    #[must_use]
    pub fn resolved_by(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Trusts more authorities than the system's: certificates in PEM.
    #[must_use]
    pub fn trusting(mut self, pem: &[u8]) -> Self {
        self.authorities.extend_from_slice(pem);
        self
    }

    /// Makes the network.
    ///
    /// # Errors
    /// The grants are not what planning lets through, or the machine gives no random numbers.
    pub fn build(self) -> Result<Network, NetworkError> {
        choose_cryptography();
        let Self { stage, place, grants, vault, also, resolver, authorities } = self;
        let granted = grants.http.iter().map(|text| {
            text.parse::<HttpGrant>().map_err(|error| NetworkError::Origin { place: place.clone(), message: error.to_string() })
        });
        let mut origins = granted.collect::<Result<Vec<_>, _>>()?;
        origins.extend(also.iter().map(|(origin, _)| origin.clone().into()));
        let more = also.iter().filter_map(|(_, secret)| secret.as_ref());
        let names: std::collections::BTreeSet<_> = grants.secrets.iter().chain(more).collect();
        let (mut secrets, mut needles) = (vec![], Needles::default());
        for name in names {
            let unknown = || NetworkError::Secret { place: place.clone(), name: name.clone() };
            needles.add_material(&vault.get(name).ok_or_else(unknown)?.material);
            let for_it = also.iter().filter(|(_, secret)| secret.as_ref() == Some(name));
            let also = for_it.filter_map(|(origin, _)| Some(HostPattern::exact(&host_of(origin)?, origin.port))).collect();
            secrets.push(Granted { name: name.clone(), placeholder: placeholder()?, also });
        }
        // The guard's question is how a host is granted: the authority of an identity is the project file's own word too.
        let authority = secrets.iter().filter_map(|granted| match &vault.get(&granted.name)?.material {
            Material::Azure(azure) => Some(azure.authority.clone()),
            Material::Value(_) | Material::Cluster(_) => None,
        });
        let named = Arc::new(origins.iter().map(|granted| granted.origin.clone()).chain(authority).collect());
        let clients = Clients::new(Guard::new(resolver, named), authorities.clone());
        let inner = Inner {
            stage,
            place,
            origins,
            smtp: grants.smtp.clone(),
            vault: vault.clone(),
            secrets,
            clients,
            authorities,
            needles: RwLock::new(needles),
        };
        Ok(Network { inner: Arc::new(inner) })
    }
}

/// The host of an origin that names one.
fn host_of(origin: &Origin) -> Option<String> {
    origin.is_exact().then(|| url::Url::parse(&origin.to_string()).ok()?.host_str().map(str::to_owned)).flatten()
}

/// 128 random bits as text that stands unchanged in a header, a JSON string, a form and a path.
fn placeholder() -> Result<String, NetworkError> {
    use std::fmt::Write as _;
    let mut random = [0; 16];
    let provider = rustls::crypto::ring::default_provider();
    provider.secure_random.fill(&mut random).map_err(|_| NetworkError::Random)?;
    let mut text = "sprag-secret-".to_owned();
    for byte in random {
        let _infallible = write!(text, "{byte:02x}");
    }
    Ok(text)
}

impl Network {
    /// Begins the network of an attempt at a stage. `place` are the stage's keys in the project file, joined by dots; errors point there.
    pub fn of<'a>(stage: &str, place: &str, grants: &'a Grants, vault: &'a Vault) -> Settings<'a> {
        Settings {
            stage: stage.to_owned(),
            place: place.to_owned(),
            grants,
            vault,
            also: vec![],
            resolver: Arc::new(SystemResolver),
            authorities: vec![],
        }
    }
}

impl Inner {
    /// The line of the project file that would grant more, with what is granted already.
    pub(crate) fn line(&self, key: &str, granted: impl IntoIterator<Item = String>, more: &str) -> String {
        let all: Vec<_> = granted.into_iter().chain([more.to_owned()]).map(|text| format!("\"{text}\"")).collect();
        format!("`{}.grants.{key} = [{}]`", self.place, all.join(", "))
    }

    pub(crate) fn needles(&self) -> Needles {
        self.needles.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Covers one more value from now on: a token that was had meanwhile.
    pub(crate) fn cover(&self, value: &str) {
        self.needles.write().unwrap_or_else(PoisonError::into_inner).add(value);
    }

    pub(crate) fn secret(&self, name: &str) -> Result<SecretHandle, SecretError> {
        let Some(granted) = self.secrets.iter().find(|granted| granted.name == name) else {
            let line = self.line("secrets", self.secrets.iter().map(|granted| granted.name.clone()), name);
            return Err(SecretError::Denied(format!(
                "the stage `{}` asked for the secret `{name}`, which its grants do not name; to allow it, set {line} in sprag.toml",
                self.stage
            )));
        };
        let endpoint = self.vault.get(name).and_then(|entry| match &entry.material {
            Material::Cluster(cluster) => Some(cluster.server.clone()),
            Material::Value(_) | Material::Azure(_) => None,
        });
        Ok(SecretHandle { name: name.to_owned(), placeholder: granted.placeholder.clone(), endpoint })
    }
}

impl Needles {
    fn add_material(&mut self, material: &Material) {
        match material {
            Material::Value(value) => self.add(value),
            Material::Azure(azure) => azure.values().for_each(|value| self.add(value)),
            Material::Cluster(cluster) => cluster.values().for_each(|value| self.add(value)),
        }
    }
}

impl Outbound for Network {
    fn send(&self, request: Request<Body>, patience: Patience) -> Pending<Result<Response<Body>, SendError>> {
        let inner = self.inner.clone();
        Box::pin(async move { send::send(&inner, request, patience).await.map_err(|error| send::covered(&inner, error)) })
    }

    fn secret(&self, name: &str) -> Result<SecretHandle, SecretError> {
        self.inner.secret(name)
    }

    fn mail(&self, server: MailServer, message: MailMessage) -> Pending<Result<String, MailError>> {
        let inner = self.inner.clone();
        Box::pin(async move { mail::send(&inner, server, message).await })
    }
}
