//! A context of a kubeconfig file: the API server, whom to trust as it, and how to be known by it.
//!
//! The format is that of <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>. Programs that a kubeconfig names to get a token are not run: they
//! would run with the rights of whoever runs sprag, on the word of a file.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sprag_schemas::secrets::Kubeconfig;
use zeroize::Zeroizing;

use super::{HostPattern, Reader, SecretProblem, Source, yaml};

/// A cluster with credentials.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The address of the API server.
    pub(crate) server: String,
    host: (String, u16),
    /// The client certificate and its key, PEM.
    pub(crate) identity: Option<Zeroizing<Vec<u8>>>,
    pub(crate) token: Option<Token>,
}

/// A bearer token.
pub(crate) enum Token {
    Value(Zeroizing<String>),
    /// The file is read for each request, since the platform renews it.
    File(PathBuf),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    clusters: Vec<Named<ClusterOf>>,
    #[serde(default)]
    users: Vec<Named<UserOf>>,
    #[serde(default)]
    contexts: Vec<Named<ContextOf>>,
    #[serde(default)]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct Named<T> {
    name: String,
    #[serde(flatten)]
    inner: T,
}

#[derive(Deserialize)]
struct ClusterOf {
    cluster: ClusterEntry,
}

#[derive(Deserialize)]
struct UserOf {
    user: Option<User>,
}

#[derive(Deserialize)]
struct ContextOf {
    context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterEntry {
    server: String,
    certificate_authority: Option<String>,
    certificate_authority_data: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct User {
    client_certificate: Option<String>,
    client_certificate_data: Option<String>,
    client_key: Option<String>,
    client_key_data: Option<String>,
    token: Option<Zeroizing<String>>,
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
    username: Option<String>,
    exec: Option<serde_json::Value>,
    auth_provider: Option<serde_json::Value>,
}

impl Cluster {
    /// A cluster, and the only authorities to trust as it, PEM, where the file names some.
    pub(super) fn read(reader: &Reader<'_>, described: &Kubeconfig) -> Result<(Self, Option<Vec<u8>>), SecretProblem> {
        let path = reader.root.join(path(reader, described)?);
        let text = reader.file(&path)?;
        let wrong = |message: String| reader.bad(format!("the kubeconfig `{}`: {message}", path.display()));
        // The words of a parser can repeat what it read, and what it read is secret.
        let value = yaml::parse(&text).map_err(|_| wrong("expected YAML or JSON, found something else".to_owned()))?;
        let file: File = serde_json::from_value(value).map_err(|_| {
            wrong("expected `clusters`, `users` and `contexts` as kubectl writes them, found another shape".to_owned())
        })?;
        let wanted = described.context.as_ref().or(file.current_context.as_ref());
        let wanted =
            wanted.ok_or_else(|| wrong("expected a `current-context`, found none; name one with `context`".to_owned()))?;
        let context = named(&file.contexts, wanted, "context").map_err(wrong)?;
        let cluster = &named(&file.clusters, &context.context.cluster, "cluster").map_err(wrong)?.cluster;
        let no_user = User::default();
        let user = named(&file.users, &context.context.user, "user").map_err(wrong)?.user.as_ref().unwrap_or(&no_user);
        let beside = Beside { reader, folder: path.parent().unwrap_or(reader.root) };
        beside.cluster(cluster, user).map_err(|problem| match problem {
            Problem::Wrong(message) => wrong(message),
            Problem::Secret(problem) => problem,
        })
    }

    /// The values that must not come back in an answer. A token from a file joins them when it is read.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        match &self.token {
            Some(Token::Value(token)) => Some(token.as_str()),
            Some(Token::File(_)) | None => None,
        }
        .into_iter()
    }

    /// The host of the API server, to which the credentials may go without further words.
    pub(super) fn host(&self) -> HostPattern {
        HostPattern::exact(&self.host.0, self.host.1)
    }
}

/// Where the file is: as described, else as kubectl looks for it.
fn path(reader: &Reader<'_>, described: &Kubeconfig) -> Result<PathBuf, SecretProblem> {
    if let Some(path) = &described.path {
        return Ok(PathBuf::from(path));
    }
    if let Some(list) = (reader.environment)("KUBECONFIG").filter(|list| !list.is_empty()) {
        // kubectl merges several files; one context of one file is enough here.
        let first = std::env::split_paths(&list).next();
        return first.ok_or_else(|| reader.missing(Source::Variable("KUBECONFIG".to_owned()), "it names no file"));
    }
    let home =
        (reader.environment)("HOME").ok_or_else(|| reader.missing(Source::Variable("HOME".to_owned()), "it is not set"))?;
    Ok(Path::new(&home).join(".kube/config"))
}

fn named<'a, T>(all: &'a [Named<T>], name: &str, what: &str) -> Result<&'a T, String> {
    all.iter().find(|entry| entry.name == name).map(|entry| &entry.inner).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|entry| format!("`{}`", entry.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        format!("expected a {what} `{name}`, found {known}")
    })
}

enum Problem {
    Wrong(String),
    Secret(SecretProblem),
}

/// Reads what the file names, relative to where it lies.
struct Beside<'a> {
    reader: &'a Reader<'a>,
    folder: &'a Path,
}

impl Beside<'_> {
    /// The cluster, and the authorities that the file names.
    fn cluster(&self, cluster: &ClusterEntry, user: &User) -> Result<(Cluster, Option<Vec<u8>>), Problem> {
        let unsupported = [
            (
                cluster.insecure_skip_tls_verify,
                "`insecure-skip-tls-verify`: give the cluster's `certificate-authority-data` instead",
            ),
            (cluster.tls_server_name.is_some(), "`tls-server-name`"),
            (cluster.proxy_url.is_some(), "`proxy-url`"),
            (
                user.exec.is_some(),
                "`exec`, a program that gets a token: use a `token`, a `tokenFile` or a client certificate, such as that of a service account",
            ),
            (user.auth_provider.is_some(), "`auth-provider`: use a `token`, a `tokenFile` or a client certificate"),
            (user.username.is_some(), "`username` and `password`, which API servers no longer take"),
        ];
        if let Some((_, what)) = unsupported.into_iter().find(|(is_there, _)| *is_there) {
            return Err(Problem::Wrong(format!("expected credentials without {what}")));
        }
        let url = url::Url::parse(&cluster.server).ok();
        let host = url.as_ref().and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
        let host = host.ok_or_else(|| Problem::Wrong("expected an address as `server`, found something else".to_owned()))?;
        let authorities = self.bytes(
            cluster.certificate_authority.as_ref(),
            cluster.certificate_authority_data.as_ref(),
            "certificate-authority",
        )?;
        let certificate =
            self.bytes(user.client_certificate.as_ref(), user.client_certificate_data.as_ref(), "client-certificate")?;
        let key = self.bytes(user.client_key.as_ref(), user.client_key_data.as_ref(), "client-key")?;
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let mut both = certificate;
                both.push(b'\n');
                both.extend_from_slice(&key);
                Some(both)
            }
            (None, None) => None,
            _ => {
                return Err(Problem::Wrong("expected a client certificate with its key, found one without the other".to_owned()));
            }
        };
        let token = match (&user.token, &user.token_file) {
            (Some(token), _) => Some(Token::Value(token.clone())),
            (None, Some(file)) => {
                let path = self.folder.join(file);
                self.reader.file(&path).map_err(Problem::Secret)?;
                Some(Token::File(path))
            }
            (None, None) => None,
        };
        if token.is_none() && identity.is_none() {
            return Err(Problem::Wrong(
                "expected a `token`, a `tokenFile` or a client certificate for the user, found none".to_owned(),
            ));
        }
        let authorities = authorities.map(|bytes| bytes.to_vec());
        Ok((Cluster { server: cluster.server.trim_end_matches('/').to_owned(), host, identity, token }, authorities))
    }

    fn bytes(&self, file: Option<&String>, data: Option<&String>, what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Problem> {
        // The data wins where both are there, as kubectl has it.
        if let Some(data) = data {
            let compact: String = data.split_whitespace().collect();
            let decoded = STANDARD.decode(compact).map_err(|_| Problem::Wrong(format!("expected base64 as `{what}-data`")))?;
            return Ok(Some(Zeroizing::new(decoded)));
        }
        let Some(file) = file else { return Ok(None) };
        let text = self.reader.file(&self.folder.join(file)).map_err(Problem::Secret)?;
        Ok(Some(Zeroizing::new(text.as_bytes().to_vec())))
    }
}
