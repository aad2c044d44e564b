//! Who asks, and what they may do.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use sprag_core::digest::Digest;
use sprag_lifecycle::now;
use sprag_schemas::server::Role;
use sprag_store::Store;

use crate::limit::Limiter;
use crate::problem::Problem;
use crate::token;

/// Whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name, for records.
    pub user: String,
    /// What they may do.
    pub roles: Vec<Role>,
}

impl Caller {
    /// Insists on a role.
    ///
    /// # Errors
    /// The caller has none that covers it.
    pub fn need(&self, role: Role) -> Result<(), Problem> {
        if self.roles.iter().any(|has| has.covers(role)) {
            return Ok(());
        }
        let has: Vec<_> = self.roles.iter().map(|role| format!("`{}`", role.name())).collect();
        Err(Problem::forbidden(format!(
            "expected a caller with the role `{}`, found `{}` with {}",
            role.name(),
            self.user,
            if has.is_empty() { "none".to_owned() } else { has.join(", ") }
        )))
    }
}

/// How callers are known.
#[derive(Debug)]
pub struct Doorkeeper {
    store: Arc<Store>,
    /// Whoever reaches a server on loopback that has no token may do everything, under this name.
    owner: Option<String>,
    failures: Limiter<IpAddr>,
    asked: Limiter<String>,
    logins: Limiter<IpAddr>,
    /// By the hash of what the cookie says.
    sessions: Mutex<HashMap<Digest, Session>>,
    /// What forms carry where nobody has a session.
    csrf: String,
    /// Whether browsers come by TLS, and are told to send cookies by nothing else.
    is_behind_tls: bool,
}

/// A browser that somebody logged in by.
#[derive(Debug, Clone)]
struct Session {
    who: Who,
    csrf: String,
    /// It ends after this, or earlier where nothing was asked for a while.
    ends: Instant,
    last: Instant,
}

/// Who logged in.
#[derive(Debug, Clone)]
enum Who {
    /// Whoever has this token, by its hash: what it may do is asked anew each time, so that a token that is taken back ends its sessions.
    Token(Digest),
    /// Somebody whom a provider knows, with the roles that their groups gave them then: the session's end bounds how long they count.
    Person(Caller),
}

/// The name of the cookie.
const COOKIE: &str = "sprag_session";

/// How long a session lasts at most, and without a request.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
const IDLE: Duration = Duration::from_secs(3600);

/// The most sessions at once.
const MOST_SESSIONS: usize = 10_000;

impl Doorkeeper {
    /// Knows callers by the tokens of a store. Where `owner` is given and there is no token at all, whoever asks is that one.
    pub fn new(store: Arc<Store>, owner: Option<String>) -> Self {
        // A program that follows many runs is let in; one that asks in an endless loop, or tries tokens, is slowed down.
        Self {
            store,
            owner,
            failures: Limiter::new(20, 1.0 / 3.0),
            asked: Limiter::new(2000, 1000.0),
            logins: Limiter::new(30, 0.5),
            sessions: Mutex::default(),
            csrf: token::random::<18>().unwrap_or_default(),
            is_behind_tls: false,
        }
    }

    /// The same behind a proxy with TLS.
    #[must_use]
    pub fn behind_tls(self) -> Self {
        Self { is_behind_tls: true, ..self }
    }

    /// Knows the caller of a request.
    ///
    /// # Errors
    /// Nobody is known by what was shown; too often nobody was; or a page of another site asks.
    pub fn known(&self, parts: &Parts, from: IpAddr) -> Result<Caller, Problem> {
        let at = Instant::now();
        // Whoever shows a token that counts is let in, whoever else tries from there.
        let too_many = |seconds| Problem::too_many("too many requests that showed no token which counts", seconds);
        let caller = match bearer(&parts.headers) {
            Some(secret) => self.by_token(secret),
            None if self.has_session_of(&parts.headers) => self.by_session(parts),
            None if self.is_open()? => {
                self.refuse_other_sites(parts)?;
                let user = self.owner.clone().unwrap_or_default();
                Ok(Caller { user, roles: vec![Role::Admin] })
            }
            None => Err(Problem::unauthorized("expected a header `Authorization: Bearer TOKEN`, found none")),
        };
        match caller {
            Ok(caller) => {
                let too_many = |seconds| Problem::too_many(format!("too many requests of `{}`", caller.user), seconds);
                self.asked.take(caller.user.clone(), at).map_err(too_many)?;
                Ok(caller)
            }
            Err(problem) => {
                if problem.status == 401 {
                    self.failures.take(from, at).map_err(too_many)?;
                }
                Err(problem.hint(Some("an admin makes tokens by `sprag token add`".to_owned())))
            }
        }
    }

    fn by_token(&self, secret: &str) -> Result<Caller, Problem> {
        self.by_hash(&token::hash(secret))
    }

    fn by_hash(&self, hash: &Digest) -> Result<Caller, Problem> {
        let unknown = || Problem::unauthorized("expected a token of this server, found another");
        let token = self.store.token_of(hash)?.ok_or_else(unknown)?;
        match token::fault(&token, &now()) {
            None => Ok(Caller { user: token.user, roles: token.roles }),
            Some(fault) => Err(Problem::unauthorized(format!("the token `{}` {fault}", token.id))),
        }
    }

    /// Whether everybody is let in.
    fn is_open(&self) -> Result<bool, Problem> {
        Ok(self.owner.is_some() && !self.store.has_tokens()?)
    }

    /// Opens a session for whoever shows a token that counts, and gives what its cookie says.
    ///
    /// # Errors
    /// The token does not count, or too often none did.
    pub fn open_session(&self, secret: &str, from: IpAddr) -> Result<String, Problem> {
        let at = Instant::now();
        let too_many = |seconds| Problem::too_many("too many requests that showed no token which counts", seconds);
        if let Err(problem) = self.by_token(secret) {
            self.failures.take(from, at).map_err(too_many)?;
            return Err(problem);
        }
        self.new_session(Who::Token(token::hash(secret)), at)
    }

    /// Opens a session for somebody whom a provider let in, and gives what its cookie says.
    ///
    /// # Errors
    /// There are too many.
    pub fn open_session_of(&self, person: Caller) -> Result<String, Problem> {
        self.new_session(Who::Person(person), Instant::now())
    }

    fn new_session(&self, who: Who, at: Instant) -> Result<String, Problem> {
        let made = || Ok::<_, std::io::Error>((token::random::<32>()?, token::random::<18>()?));
        let (id, csrf) = made().map_err(|error| Problem::internal(&error))?;
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.is_alive(at));
        if sessions.len() >= MOST_SESSIONS {
            return Err(Problem::too_many("too many sessions", 60));
        }
        sessions.insert(token::hash(&id), Session { who, csrf, ends: at + LONGEST, last: at });
        Ok(id)
    }

    /// Counts a login at a provider that somebody begins or fails at.
    ///
    /// # Errors
    /// It was too often.
    pub fn count_login(&self, from: IpAddr) -> Result<(), Problem> {
        let too_many = |seconds| Problem::too_many("too many logins from there", seconds);
        self.logins.take(from, Instant::now()).map_err(too_many)
    }

    /// The cookie of a session, as a header says it: for this site alone, and for no script.
    pub fn cookie(&self, session: &str) -> String {
        format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict{}", self.secure())
    }

    /// What a header says of cookies beside, so that they cross no network in the open.
    pub(crate) fn secure(&self) -> &'static str {
        if self.is_behind_tls { "; Secure" } else { "" }
    }

    /// Ends the session of a request.
    pub fn close_session(&self, headers: &HeaderMap) {
        if let Some(session) = session_of(headers) {
            self.sessions().remove(&token::hash(session));
        }
    }

    /// What the forms of whoever asks carry.
    pub fn csrf(&self, headers: &HeaderMap) -> String {
        let session = session_of(headers).and_then(|session| self.sessions().get(&token::hash(session)).cloned());
        session.map_or_else(|| self.csrf.clone(), |session| session.csrf)
    }

    /// Whether a request comes with a session.
    pub fn has_session_of(&self, headers: &HeaderMap) -> bool {
        session_of(headers).is_some_and(|session| self.has_session(session))
    }

    fn has_session(&self, session: &str) -> bool {
        self.sessions().get(&token::hash(session)).is_some_and(|session| session.is_alive(Instant::now()))
    }

    fn by_session(&self, parts: &Parts) -> Result<Caller, Problem> {
        if parts.method != Method::GET && parts.method != Method::HEAD {
            self.refuse_other_origin(&parts.headers)?;
        }
        let who = {
            let mut sessions = self.sessions();
            let session = session_of(&parts.headers).and_then(|session| sessions.get_mut(&token::hash(session)));
            let session = session.ok_or_else(|| Problem::unauthorized("the session has ended"))?;
            session.last = Instant::now();
            session.who.clone()
        };
        match who {
            Who::Token(hash) => self.by_hash(&hash),
            Who::Person(caller) => Ok(caller),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where no token is shown, a page of another site in somebody's browser could ask as well as its owner could.
    fn refuse_other_sites(&self, parts: &Parts) -> Result<(), Problem> {
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !is_loopback(host) {
            return Err(Problem::forbidden(format!("expected a request to this machine's own loopback, found one to `{host}`")));
        }
        if parts.method == Method::GET || parts.method == Method::HEAD {
            Ok(())
        } else {
            self.refuse_other_origin(&parts.headers)
        }
    }

    /// Refuses what a page of another site asks for.
    ///
    /// # Errors
    /// It is one.
    pub fn refuse_other_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        let other = |origin: &str| origin.split_once("://").is_none_or(|(_, rest)| rest != host);
        let is_other = text(header::ORIGIN).is_some_and(other)
            || headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
        if is_other {
            return Err(Problem::forbidden("expected a request of this server's own page, found one of another site"));
        }
        Ok(())
    }
}

impl Session {
    fn is_alive(&self, at: Instant) -> bool {
        at < self.ends && at.saturating_duration_since(self.last) < IDLE
    }
}

/// The session that the cookie of a request names.
fn session_of(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE)
}

/// What a cookie of a request says.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == wanted && !value.is_empty()).then_some(value)
    })
}

/// The host of an address is this machine itself.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/api/v1/pipelines");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn door(owner: Option<&str>) -> (tempfile::TempDir, Arc<Store>, Doorkeeper) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join(".sprag")).unwrap());
        let keeper = Doorkeeper::new(store.clone(), owner.map(str::to_owned));
        (folder, store, keeper)
    }

    fn add(store: &Store, roles: &[Role], end: Option<&str>) -> String {
        let made = token::make("ada", roles.to_vec(), &now(), end.map(str::to_owned)).unwrap();
        store.add_token(&made.token, &made.hash).unwrap();
        made.secret
    }

    #[test]
    fn on_loopback_the_owner_needs_no_token_until_there_is_one() {
        let (_folder, store, door) = door(Some("ada"));
        let local = parts("POST", &[("host", "127.0.0.1:8080")]);
        assert_eq!(door.known(&local, FROM).unwrap(), Caller { user: "ada".to_owned(), roles: vec![Role::Admin] });
        add(&store, &[Role::Viewer], None);
        assert_eq!(door.known(&local, FROM).unwrap_err().status, 401);
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let (_folder, _store, door) = door(Some("ada"));
        let status =
            |method: &str, headers: &[(&str, &str)]| door.known(&parts(method, headers), FROM).map_err(|problem| problem.status);
        assert_eq!(status("GET", &[("host", "evil.example:8080")]), Err(403), "a name that was bound to loopback");
        assert_eq!(status("POST", &[("host", "localhost:8080"), ("origin", "https://evil.example")]), Err(403));
        assert_eq!(status("POST", &[("host", "localhost:8080"), ("origin", "null")]), Err(403));
        assert_eq!(status("POST", &[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")]), Err(403));
        assert_eq!(status("POST", &[("host", "localhost:8080"), ("origin", "http://localhost:8081")]), Err(403));
        assert!(status("POST", &[("host", "localhost:8080"), ("origin", "http://localhost:8080")]).is_ok());
        assert!(status("GET", &[("host", "[::1]:8080")]).is_ok());
    }

    #[test]
    fn elsewhere_a_token_that_counts_is_needed() {
        let (_folder, store, door) = door(None);
        let known = |secret: &str| door.known(&parts("GET", &[("authorization", &format!("Bearer {secret}"))]), FROM);
        assert_eq!(door.known(&parts("GET", &[]), FROM).unwrap_err().status, 401);
        assert_eq!(known("sprag_nothing").unwrap_err().status, 401);
        let secret = add(&store, &[Role::Runner], None);
        let caller = known(&secret).unwrap();
        assert!(caller.need(Role::Runner).is_ok() && caller.need(Role::Viewer).is_ok());
        let refused = caller.need(Role::Approver).unwrap_err();
        assert_eq!(
            (refused.status, refused.detail.as_str()),
            (403, "expected a caller with the role `approver`, found `ada` with `runner`")
        );
        let ended = add(&store, &[Role::Admin], Some("2020-01-01T00:00:00.000Z"));
        assert!(known(&ended).unwrap_err().detail.contains("has expired"));
    }

    #[test]
    fn a_session_that_ends_in_the_middle_of_an_approval_takes_the_form_with_it() {
        let (_folder, store, door) = door(None);
        let session = door.open_session(&add(&store, &[Role::Approver], None), FROM).unwrap();
        let cookie = format!("{COOKIE}={session}");
        let headers = [("host", "h"), ("origin", "https://h"), ("cookie", cookie.as_str())];
        let form = parts("POST", &headers);
        let csrf = door.csrf(&form.headers);
        assert!(door.known(&form, FROM).unwrap().need(Role::Approver).is_ok());
        door.sessions().values_mut().for_each(|session| session.ends = Instant::now());
        assert_eq!(door.known(&form, FROM).unwrap_err().status, 401);
        // After another login, the form of before is not one of the new session.
        let again = door.open_session_of(Caller { user: "ada".to_owned(), roles: vec![Role::Approver] }).unwrap();
        let headers = [("host", "h"), ("cookie", &format!("{COOKIE}={again}"))];
        assert_ne!(door.csrf(&parts("POST", &headers).headers), csrf);
    }

    #[test]
    fn who_tries_tokens_is_told_to_wait() {
        let (_folder, store, door) = door(None);
        let secret = add(&store, &[Role::Viewer], None);
        let known = |secret: &str| {
            door.known(&parts("GET", &[("authorization", &format!("Bearer {secret}"))]), FROM).map_err(|problem| problem.status)
        };
        let failed: Vec<_> = (0..25).map(|count| known(&format!("sprag_{count}")).unwrap_err()).collect();
        assert_eq!((failed[0], failed[19], failed[24]), (401, 401, 429));
        assert!(known(&secret).is_ok(), "nobody can lock another out");
    }
}
