//! One request: held against the grants, given its secrets, sent, and its answer covered.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue,
};
use http::{Request, Response};
use http_body_util::{BodyDataStream, BodyExt, Limited};
use sprag_core::http_grant::HttpGrant;
use sprag_runtime::outside::{Body, Patience, SendError};
use url::Url;
use zeroize::Zeroizing;

use crate::address::is_this_machine;
use crate::answer::{Answer, Bounds};
use crate::client::explain;
use crate::network::{Granted, Inner};
use crate::secrets::{Entry, Material, Token};
use crate::substitute::{Form, close_basic, open_basic, replace};

/// The most bytes of a body in which placeholders are looked for; a larger one of such a type is refused.
const MOST_TEXT: u64 = 16 << 20;

/// The most bytes of an answer.
const MOST_ANSWER: u64 = 256 << 20;

/// The longest wait for the head of an answer, and between two pieces of its body.
const MOST_WAIT: Duration = Duration::from_secs(300);

/// The same where the stage says nothing.
const WAIT: Duration = Duration::from_secs(60);

/// Where a request goes.
struct Target {
    host: String,
    port: u16,
    is_https: bool,
    /// The origin as a person reads it.
    origin: String,
}

/// Sends a request.
pub(crate) async fn send(inner: &Inner, request: Request<Body>, patience: Patience) -> Result<Response<Body>, SendError> {
    let (parts, body) = request.into_parts();
    let mut url = Url::parse(&parts.uri.to_string())
        .map_err(|error| SendError::Denied(format!("expected an address to send to, found one that is none: {error}")))?;
    let target = target(inner, &url, parts.method.as_str())?;
    let mut carried = Carried::new(inner, &target);
    carried.put_into_url(&mut url).await?;
    let headers = carried.put_into_headers(parts.headers).await?;
    let (headers, body) = carried.put_into_body(headers, body).await?;
    let client = match carried.own_tls()? {
        Some((name, entry)) => inner.clients.of(name, entry)?,
        None => inner.clients.plain()?,
    };
    let wait = patience.first_byte.unwrap_or(WAIT).min(MOST_WAIT);
    let sent = client.request(parts.method, url).headers(headers).body(body).send();
    let sent = tokio::time::timeout(wait, sent).await;
    let sent = sent.map_err(|_| SendError::Timeout { host: target.origin.clone(), seconds: wait.as_secs() })?;
    let response = sent.map_err(|error| explain(&error, &target.origin))?;
    let between = patience.between_bytes.unwrap_or(WAIT).min(MOST_WAIT);
    answer(inner, &target, response.into(), between, !carried.used.is_empty())
}

/// An error whose words cannot carry a secret.
pub(crate) fn covered(inner: &Inner, error: SendError) -> SendError {
    let cover = |text: &str| inner.needles().cover_text(text);
    match error {
        SendError::Denied(message) => SendError::Denied(cover(&message)),
        SendError::Connect { host, message } => SendError::Connect { host, message: cover(&message) },
        SendError::Tls { host, message } => SendError::Tls { host, message: cover(&message) },
        SendError::Broken { host, message } => SendError::Broken { host, message: cover(&message) },
        other => other,
    }
}

/// Holds the address of a request against the grants.
fn target(inner: &Inner, url: &Url, method: &str) -> Result<Target, SendError> {
    let is_https = match url.scheme() {
        "https" => true,
        "http" => false,
        other => return Err(SendError::Denied(format!("expected an address of `http` or `https`, found `{other}`"))),
    };
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(SendError::Denied("expected an address with a host, found none".to_owned()));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SendError::Denied(format!("expected an address of `{host}` without user and password, found one with")));
    }
    let origin = url.origin().ascii_serialization();
    let mut covering = inner.origins.iter().filter(|granted| granted.origin.covers(is_https, host, port)).peekable();
    let is_reached = covering.peek().is_some();
    if !covering.any(|granted| granted.allows(method)) {
        // Where the origin is granted to other methods, the method is what is missing.
        let asked = if is_reached { format!("{method} {origin}") } else { origin };
        let line = inner.line("http", inner.origins.iter().map(HttpGrant::to_string), &asked);
        return Err(SendError::Denied(format!(
            "the stage `{}` asked for `{asked}`, which its grants do not cover; to allow it, set {line} in sprag.toml",
            inner.stage
        )));
    }
    Ok(Target { host: host.to_owned(), port, is_https, origin })
}

/// The secrets that a request turned out to carry.
struct Carried<'a> {
    inner: &'a Inner,
    target: &'a Target,
    used: BTreeSet<&'a str>,
}

impl<'a> Carried<'a> {
    const fn new(inner: &'a Inner, target: &'a Target) -> Self {
        Self { inner, target, used: BTreeSet::new() }
    }

    /// Replaces every placeholder in a text. None where a secret has no value, since it authenticates in another way.
    async fn put<'t>(&mut self, text: &'t str, form: Form) -> Result<Option<Cow<'t, str>>, SendError> {
        let mut text = Cow::Borrowed(text);
        for granted in &self.inner.secrets {
            if !text.contains(&granted.placeholder) {
                continue;
            }
            let entry = self.allowed(granted)?;
            self.used.insert(&granted.name);
            let Some(value) = self.value(granted, entry).await? else { return Ok(None) };
            text = Cow::Owned(replace(&text, &granted.placeholder, &value, form).into_owned());
        }
        Ok(Some(text))
    }

    /// Refuses a secret toward a host that it is not for, and where others could read it on the way.
    fn allowed(&self, granted: &Granted) -> Result<&'a Entry, SendError> {
        let Granted { name, also, .. } = granted;
        let Target { host, port, origin, is_https } = self.target;
        let entry = self.inner.vault.get(name).ok_or_else(|| SendError::Denied(format!("the secret `{name}` was not opened")))?;
        if entry.hosts.iter().chain(also).any(|pattern| pattern.covers(host, *port)) {
            if *is_https || entry.cleartext || is_this_machine(host) {
                return Ok(entry);
            }
            return Err(SendError::Denied(format!(
                "the stage `{}` asked to send the secret `{name}` to `{origin}`, where all on the way can read it; use `https`, or set `secrets.{name}.cleartext = true` in sprag.toml",
                self.inner.stage
            )));
        }
        Err(SendError::Denied(format!(
            "the stage `{}` asked to send the secret `{name}` to `{origin}`, which is none of its hosts; to allow it, add \"{host}:{port}\" to `secrets.{name}.hosts` in sprag.toml",
            self.inner.stage
        )))
    }

    async fn value(&self, granted: &Granted, entry: &Entry) -> Result<Option<Zeroizing<String>>, SendError> {
        let value = match &entry.material {
            Material::Value(value) => value.clone(),
            Material::Azure(azure) => azure.token(&granted.name, &self.inner.clients.plain()?).await?,
            Material::Cluster(cluster) => match &cluster.token {
                Some(Token::Value(token)) => token.clone(),
                Some(Token::File(path)) => {
                    let read = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
                        let (name, path) = (&granted.name, path.display());
                        SendError::Denied(format!(
                            "expected the token of the secret `{name}` in the file `{path}`, found none: {error}"
                        ))
                    })?;
                    Zeroizing::new(read.trim_end().to_owned())
                }
                None => return Ok(None),
            },
        };
        self.inner.cover(&value);
        Ok(Some(value))
    }

    async fn put_into_url(&mut self, url: &mut Url) -> Result<(), SendError> {
        let (path, query) = (url.path().to_owned(), url.query().map(str::to_owned));
        if let Some(Cow::Owned(path)) = self.put(&path, Form::Path).await? {
            url.set_path(&path);
        }
        if let Some(query) = query
            && let Some(Cow::Owned(query)) = self.put(&query, Form::UrlEncoded).await?
        {
            url.set_query(Some(&query));
        }
        Ok(())
    }

    async fn put_into_headers(&mut self, headers: HeaderMap) -> Result<HeaderMap, SendError> {
        let mut filled = HeaderMap::with_capacity(headers.len());
        for (name, value) in &headers {
            // The client writes it from the address, so that the two cannot differ.
            if name == HOST {
                continue;
            }
            let text = value.to_str().ok();
            let basic = (name == AUTHORIZATION).then(|| text.and_then(open_basic)).flatten();
            let put = match (&basic, text) {
                (Some(credentials), _) => self.put(credentials, Form::Plain).await?.map(|text| Cow::Owned(close_basic(&text))),
                (None, Some(text)) => self.put(text, Form::Plain).await?,
                (None, None) => {
                    filled.append(name, value.clone());
                    continue;
                }
            };
            let Some(put) = put else { continue };
            let mut value = HeaderValue::from_str(&put)
                .map_err(|_| SendError::Denied(format!("expected a value that fits into the header `{name}`, found another")))?;
            value.set_sensitive(matches!(put, Cow::Owned(_)));
            filled.append(name, value);
        }
        Ok(filled)
    }

    async fn put_into_body(&mut self, mut headers: HeaderMap, body: Body) -> Result<(HeaderMap, reqwest::Body), SendError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let form = if self.inner.secrets.is_empty() { None } else { Form::of_body(content_type) };
        let Some(form) = form else {
            // With a length that the stage knows the client frames the body by it, else in chunks.
            return Ok((headers, reqwest::Body::wrap_stream(BodyDataStream::new(body))));
        };
        let limited = Limited::new(body, usize::try_from(MOST_TEXT).unwrap_or(usize::MAX));
        let collected = limited.collect().await.map_err(|error| match error.downcast::<SendError>() {
            Ok(error) => *error,
            Err(_) => SendError::TooLarge { what: "the text of a request", most: MOST_TEXT },
        })?;
        let bytes = collected.to_bytes();
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok((headers, bytes.into())) };
        let Some(put) = self.put(text, form).await? else {
            return Err(SendError::Denied(format!(
                "expected no placeholder in a body toward `{}` of a secret that authenticates by certificate, found one",
                self.target.origin
            )));
        };
        headers.remove(CONTENT_LENGTH);
        Ok((headers, put.into_owned().into()))
    }

    /// The secret that says whom to trust as the host, or by which certificate the host knows us.
    fn own_tls(&self) -> Result<Option<(&'a str, &'a Entry)>, SendError> {
        let inner = self.inner;
        let entries = self.used.iter().filter_map(|&name| Some((name, inner.vault.get(name)?)));
        let mut entries = entries.filter(|(_, entry)| entry.has_own_tls());
        let first = entries.next();
        match (first, entries.next()) {
            (Some((first, _)), Some((second, _))) => Err(SendError::Denied(format!(
                "expected one secret with authorities of its own in a request to `{}`, found `{first}` and `{second}`",
                self.target.origin
            ))),
            _ => Ok(first),
        }
    }
}

/// The answer as the stage sees it.
fn answer(
    inner: &Inner,
    target: &Target,
    response: Response<reqwest::Body>,
    between: Duration,
    carried: bool,
) -> Result<Response<Body>, SendError> {
    let needles = inner.needles();
    let (mut parts, body) = response.into_parts();
    let is_encoded = parts.headers.get(CONTENT_ENCODING).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if carried && is_encoded {
        return Err(SendError::Denied(format!(
            "expected an answer of `{}` that is not compressed, since it is searched for the secret that the request carried, found one that is; leave the header `{ACCEPT_ENCODING}` out",
            target.origin
        )));
    }
    if parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .is_some_and(|length: u64| length > MOST_ANSWER)
    {
        return Err(SendError::TooLarge { what: "an answer", most: MOST_ANSWER });
    }
    for value in parts.headers.values_mut() {
        let mut bytes = value.as_bytes().to_vec();
        needles.cover(&mut bytes);
        // Asterisks are allowed wherever a byte of a header was.
        if let Ok(covered) = HeaderValue::from_bytes(&bytes) {
            *value = covered;
        }
    }
    let bounds = Bounds { bytes: MOST_ANSWER, between };
    let host = target.origin.clone();
    Ok(Response::from_parts(parts, Answer::new(body, host, bounds, &needles).boxed_unsync()))
}
