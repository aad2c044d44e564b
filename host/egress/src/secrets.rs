//! The project's secrets: where they come from, where they may go, and their values.

mod azure;
mod hosts;
mod kubeconfig;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sprag_schemas::secrets::Secret;
use zeroize::Zeroizing;

pub(crate) use azure::Azure;
pub(crate) use hosts::HostPattern;
pub(crate) use kubeconfig::{Cluster, Token};

/// The fewest bytes of a value. A shorter one would cover half of every answer with asterisks, and guards nothing.
const LEAST: usize = 4;

/// The most bytes of a file that holds a secret.
const MOST: u64 = 1 << 20;

/// Where a secret comes from, for a person: never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An environment variable.
    Variable(String),
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the file `{}`", path.display()),
        }
    }
}

/// What is wrong with one secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// The project file has no such secret.
    #[error("expected `[secrets.{name}]` in sprag.toml, found none")]
    Unknown {
        /// The secret's name.
        name: String,
    },
    /// Its source has no value.
    #[error("expected the value of the secret `{name}` in {place}, found none: {reason}")]
    Missing {
        /// The secret's name.
        name: String,
        /// Where it was looked for.
        place: Source,
        /// What was found instead: `it is not set`.
        reason: String,
    },
    /// It is described in a way that cannot be.
    #[error("the secret `{name}`: {message}")]
    Bad {
        /// The secret's name.
        name: String,
        /// What was expected and what was found.
        message: String,
    },
}

impl SecretProblem {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { name } => {
                format!("describe it: `[secrets.{name}]` with `env`, `file`, `azure` or `kubeconfig`, and `hosts`")
            }
            Self::Missing { place: Source::Variable(variable), .. } => format!("set `{variable}` where sprag runs"),
            Self::Missing { place: Source::File(path), .. } => format!("write the value to `{}`", path.display()),
            Self::Bad { .. } => "correct it in sprag.toml".to_owned(),
        }
    }
}

/// The secrets of a project that its stages are granted, with their values. Opened once, before anything runs.
#[derive(Clone, Default)]
pub struct Vault(Arc<BTreeMap<String, Entry>>);

/// One secret.
pub(crate) struct Entry {
    pub(crate) hosts: Vec<HostPattern>,
    /// The only authorities to trust as its hosts, PEM. Without them it is the system's.
    pub(crate) authorities: Option<Vec<u8>>,
    /// Whether it may go over HTTP without TLS.
    pub(crate) cleartext: bool,
    pub(crate) material: Material,
}

impl Entry {
    /// The client certificate and its key by which its hosts know us, PEM.
    pub(crate) fn identity(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Cluster(cluster) => cluster.identity.as_ref().map(|pem| pem.as_slice()),
            Material::Value(_) | Material::Azure(_) => None,
        }
    }

    /// Whether its hosts are trusted, or know us, in a way of their own.
    pub(crate) fn has_own_tls(&self) -> bool {
        self.authorities.is_some() || self.identity().is_some()
    }
}

/// What a secret is made of.
pub(crate) enum Material {
    /// The value itself.
    Value(Zeroizing<String>),
    /// An identity, for which there are access tokens.
    Azure(Azure),
    /// A cluster with its credentials.
    Cluster(Cluster),
}

impl Vault {
    /// Reads the secrets of these names. `environment` gives the value of a variable; `root` is the project's folder.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn open<'a>(
        secrets: &BTreeMap<String, Secret>,
        names: impl IntoIterator<Item = &'a str>,
        environment: &dyn Fn(&str) -> Option<String>,
        root: &Path,
    ) -> Result<Self, Vec<SecretProblem>> {
        let (mut entries, mut problems) = (BTreeMap::new(), vec![]);
        let names: std::collections::BTreeSet<_> = names.into_iter().collect();
        for name in names {
            let reader = Reader { name, environment, root };
            let read = match secrets.get(name) {
                Some(secret) => reader.entry(secret),
                None => Err(SecretProblem::Unknown { name: name.to_owned() }),
            };
            match read {
                Ok(entry) => {
                    entries.insert(name.to_owned(), entry);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(Arc::new(entries))) } else { Err(problems) }
    }

    /// The plain value of a secret that has one, for the host's own use: the bearer key of a service that it starts, say. It must go into no file, argument
    /// list or log.
    pub fn value(&self, name: &str) -> Option<Zeroizing<String>> {
        match &self.0.get(name)?.material {
            Material::Value(value) => Some(value.clone()),
            Material::Azure(_) | Material::Cluster(_) => None,
        }
    }

    /// The names of the secrets in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads one secret.
struct Reader<'a> {
    name: &'a str,
    environment: &'a dyn Fn(&str) -> Option<String>,
    root: &'a Path,
}

impl Reader<'_> {
    fn entry(&self, secret: &Secret) -> Result<Entry, SecretProblem> {
        let sources = [secret.env.is_some(), secret.file.is_some(), secret.azure.is_some(), secret.kubeconfig.is_some()];
        let count = sources.into_iter().filter(|&is_there| is_there).count();
        if count != 1 {
            return Err(self.bad(format!("expected exactly one of `env`, `file`, `azure` and `kubeconfig`, found {count}")));
        }
        let hosts = secret.hosts.iter().map(|text| text.parse().map_err(|message| self.bad(message)));
        let mut hosts = hosts.collect::<Result<Vec<HostPattern>, _>>()?;
        let mut authorities = secret.ca.as_ref().map(|path| self.authorities(Path::new(path))).transpose()?;
        let material = if let Some(variable) = &secret.env {
            Material::Value(self.long_enough(self.variable(variable)?)?)
        } else if let Some(path) = &secret.file {
            Material::Value(self.long_enough(self.file(Path::new(path))?)?)
        } else if let Some(identity) = &secret.azure {
            Material::Azure(Azure::read(self, identity, secret.cleartext)?)
        } else {
            let kubeconfig = secret.kubeconfig.clone().unwrap_or_default();
            let (cluster, own) = Cluster::read(self, &kubeconfig)?;
            if authorities.is_some() {
                return Err(self.bad("expected no `ca` beside `kubeconfig`, which names the cluster's own, found one"));
            }
            authorities = own;
            hosts.push(cluster.host());
            Material::Cluster(cluster)
        };
        Ok(Entry { hosts, authorities, cleartext: secret.cleartext, material })
    }

    /// The certificates of a file.
    fn authorities(&self, path: &Path) -> Result<Vec<u8>, SecretProblem> {
        let none = |why: &str| {
            self.bad(format!("expected certificates in PEM in the file `{}` of `ca`, found none{why}", path.display()))
        };
        let pem = self.file(path).map_err(|problem| match problem {
            SecretProblem::Missing { reason, .. } => none(&format!(": {reason}")),
            other => other,
        })?;
        match reqwest::Certificate::from_pem_bundle(pem.as_bytes()) {
            Ok(certificates) if !certificates.is_empty() => Ok(pem.as_bytes().to_vec()),
            Ok(_) | Err(_) => Err(none("")),
        }
    }

    fn bad(&self, message: impl Into<String>) -> SecretProblem {
        SecretProblem::Bad { name: self.name.to_owned(), message: message.into() }
    }

    fn missing(&self, place: Source, reason: impl Into<String>) -> SecretProblem {
        SecretProblem::Missing { name: self.name.to_owned(), place, reason: reason.into() }
    }

    fn variable(&self, variable: &str) -> Result<Zeroizing<String>, SecretProblem> {
        let place = || Source::Variable(variable.to_owned());
        let value = (self.environment)(variable).ok_or_else(|| self.missing(place(), "it is not set"))?;
        if value.is_empty() { Err(self.missing(place(), "it is empty")) } else { Ok(Zeroizing::new(value)) }
    }

    /// The text of a file without the white space at its end, which editors and `echo` put there.
    fn file(&self, path: &Path) -> Result<Zeroizing<String>, SecretProblem> {
        let path = self.root.join(path);
        let problem = |reason: String| self.missing(Source::File(path.clone()), reason);
        let length = std::fs::metadata(&path).map_err(|error| problem(error.to_string()))?.len();
        if length > MOST {
            return Err(problem(format!("it has {length} bytes, more than the {MOST} that a secret may have")));
        }
        let bytes = Zeroizing::new(std::fs::read(&path).map_err(|error| problem(error.to_string()))?);
        let text = std::str::from_utf8(&bytes).map_err(|_| problem("it is no UTF-8 text".to_owned()))?;
        let value = Zeroizing::new(text.trim_end().to_owned());
        if value.is_empty() { Err(problem("it is empty".to_owned())) } else { Ok(value) }
    }

    fn long_enough(&self, value: Zeroizing<String>) -> Result<Zeroizing<String>, SecretProblem> {
        if value.len() < LEAST {
            return Err(self.bad(format!("expected a value of at least {LEAST} bytes, found a shorter one")));
        }
        if value.chars().any(char::is_control) {
            return Err(self.bad("expected a value of one line, found control characters in it"));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
