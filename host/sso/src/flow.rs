//! A login from its beginning to its end.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sprag_http::Http;
use sprag_schemas::server::OpenIdConnect;
use tokio::sync::RwLock;
use url::form_urlencoded;

use crate::discovery::{Provider, asked, check_address, discover, get};
use crate::token::{Claims, Expected, TokenFault, verified};
use crate::{ClientSecret, LoginError, Person};

/// How long somebody may take at the provider.
const LONGEST: Duration = Duration::from_secs(600);

/// The most logins that are under way: whoever begins without an end gets no more memory.
const MOST: usize = 10_000;

/// How long what a provider says of itself counts.
const FRESH: Duration = Duration::from_secs(3600);

/// How soon the keys are asked for again because a token names one that is not among them.
const AGAIN: Duration = Duration::from_secs(10);

/// Logs people in by one provider.
#[derive(Debug)]
pub struct Login {
    settings: OpenIdConnect,
    secret: Option<ClientSecret>,
    http: Http,
    known: RwLock<Option<Known>>,
    /// By what the provider hands back.
    under_way: Mutex<HashMap<String, UnderWay>>,
}

/// What is known of the provider.
#[derive(Debug, Clone)]
struct Known {
    provider: Provider,
    keys: JwkSet,
    at: Instant,
}

#[derive(Debug, Clone)]
struct UnderWay {
    /// What the browser holds that began it.
    browser: String,
    nonce: String,
    verifier: String,
    next: String,
    begun: Instant,
}

/// A login that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What the browser is given to show when it is back, in a cookie.
    pub browser: String,
}

/// What a browser is back with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Returned {
    /// Which login it is.
    pub state: String,
    /// What the provider gives the ID token for.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
    /// Who says so (RFC 9207).
    pub iss: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    /// What is shown where the provider says more of somebody than the ID token does.
    #[serde(default)]
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct NoTokens {
    error: String,
}

impl Login {
    /// Logs people in by these settings.
    ///
    /// # Errors
    /// An address is none, or would carry tokens in the open.
    pub fn new(settings: OpenIdConnect, secret: Option<ClientSecret>, http: Http) -> Result<Self, LoginError> {
        for (key, address) in [("issuer", &settings.issuer), ("url", &settings.url)] {
            check_address(address).map_err(|message| LoginError::Settings(format!("`{key}`: {message}")))?;
        }
        if settings.roles.values().all(Vec::is_empty) {
            let message = "`roles`: expected at least one role with its groups, such as `viewer = [\"*\"]`, found none";
            return Err(LoginError::Settings(message.to_owned()));
        }
        Ok(Self { settings, secret, http, known: RwLock::default(), under_way: Mutex::default() })
    }

    /// What the page calls the provider.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where the provider sends browsers back to.
    fn redirect_uri(&self) -> String {
        format!("{}/login/oidc/return", self.settings.url.trim_end_matches('/'))
    }

    /// Begins a login that leads to the page `next`.
    ///
    /// # Errors
    /// The provider cannot be asked.
    pub async fn begin(&self, next: &str) -> Result<Begun, LoginError> {
        let provider = self.known(None).await?.provider;
        let (state, browser, nonce, verifier) = (random()?, random()?, random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let scopes =
            std::iter::once("openid").chain(self.settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        let mut url =
            url::Url::parse(&provider.authorization_endpoint).map_err(|error| LoginError::Settings(error.to_string()))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("scope", &scopes.collect::<Vec<_>>().join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let begun = Instant::now();
        let mut under_way = self.under_way();
        under_way.retain(|_, login| login.begun.elapsed() < LONGEST);
        if under_way.len() >= MOST {
            // The oldest gives way: whoever floods takes no more memory, and shuts nobody out for long.
            let oldest = under_way.iter().min_by_key(|(_, login)| login.begun).map(|(state, _)| state.clone());
            oldest.and_then(|state| under_way.remove(&state));
        }
        let login = UnderWay { browser: browser.clone(), nonce, verifier, next: next.to_owned(), begun };
        under_way.insert(state, login);
        Ok(Begun { url: url.into(), browser })
    }

    /// Ends a login: who it is, and the page that they wanted. `browser` is what [`Login::begin`] gave the browser. A login ends once, whatever comes of it.
    ///
    /// # Errors
    /// It was not begun here by this browser, the provider lets nobody in, or what it says does not hold.
    pub async fn finish(&self, returned: &Returned, browser: Option<&str>) -> Result<(Person, String), LoginError> {
        use subtle::ConstantTimeEq;
        let login = self.under_way().remove(&returned.state);
        let login = login.filter(|login| login.begun.elapsed() < LONGEST).ok_or(LoginError::Unknown)?;
        if !bool::from(login.browser.as_bytes().ct_eq(browser.unwrap_or_default().as_bytes())) {
            return Err(LoginError::Unknown);
        }
        if returned.iss.as_ref().is_some_and(|issuer| *issuer != self.settings.issuer) {
            return Err(LoginError::Unknown);
        }
        let code = match (&returned.code, &returned.error) {
            (Some(code), None) => code,
            (_, Some(error)) => {
                let more = returned.error_description.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
                return Err(LoginError::Refused(format!("{error}{more}").chars().take(200).collect()));
            }
            (None, None) => return Err(LoginError::Unknown),
        };
        let tokens = self.exchange(code, &login.verifier).await?;
        let mut claims = self.claims(&tokens.id_token, &login.nonce).await?;
        if !Person::is_told_by(&claims, &self.settings) {
            self.add_user_info(&mut claims, &tokens).await?;
        }
        Ok((Person::of(&claims, &self.settings)?, login.next))
    }

    /// Adds what the provider says of somebody beside the ID token, as it may where there is an access token (section 5.4). What the token says stays.
    async fn add_user_info(&self, claims: &mut Claims, tokens: &Tokens) -> Result<(), LoginError> {
        let place = self.known(None).await?.provider.userinfo_endpoint;
        let (Some(place), Some(token)) = (place, &tokens.access_token) else { return Ok(()) };
        let request = Request::get(&place).header("authorization", format!("Bearer {token}"));
        let more: Claims = asked(&self.http, "account of somebody", request).await?;
        // Section 5.3.2: another one's account must not be taken for theirs.
        if more.get("sub").is_none() || more.get("sub") != claims.get("sub") {
            return Err(LoginError::Token("the provider's account is of somebody else".to_owned()));
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// Gives the code for the tokens.
    async fn exchange(&self, code: &str, verifier: &str) -> Result<Tokens, LoginError> {
        let provider = self.known(None).await?.provider;
        let wrong = |message: String| LoginError::Provider { what: "tokens", message };
        let request = self.token_request(&provider, code, verifier).map_err(|error| wrong(error.to_string()))?;
        let answer = self.http.send(request).await?;
        if !answer.status().is_success() {
            let said = serde_json::from_slice::<NoTokens>(answer.body()).map(|said| said.error).unwrap_or_default();
            return Err(wrong(format!("expected status 200, found {} `{said}`", answer.status().as_u16())));
        }
        let tokens = serde_json::from_slice::<Tokens>(answer.body());
        // The error of a parser could quote a token.
        tokens.map_err(|_| wrong("expected JSON with an `id_token`, found something else".to_owned()))
    }

    /// The request that gives the code for tokens.
    fn token_request(&self, provider: &Provider, code: &str, verifier: &str) -> http::Result<Request<Vec<u8>>> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("code_verifier", verifier);
        let mut request = Request::post(&provider.token_endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        let by_header = provider.token_endpoint_auth_methods_supported.iter().any(|method| method == "client_secret_basic");
        match &self.secret {
            Some(secret) if by_header => {
                // RFC 6749, section 2.3.1: both are encoded as in a form first.
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let both = format!("{}:{}", encoded(&self.settings.client_id), encoded(secret.reveal()));
                request = request.header("authorization", format!("Basic {}", STANDARD.encode(both)));
            }
            Some(secret) => {
                form.append_pair("client_id", &self.settings.client_id).append_pair("client_secret", secret.reveal());
            }
            None => {
                form.append_pair("client_id", &self.settings.client_id);
            }
        }
        request.body(form.finish().into_bytes())
    }

    async fn claims(&self, token: &str, nonce: &str) -> Result<Claims, LoginError> {
        let expected = Expected { issuer: &self.settings.issuer, client: &self.settings.client_id, nonce };
        let known = self.known(None).await?;
        let judged = match verified(token, &known.keys, &expected) {
            Err(TokenFault::UnknownKey) => verified(token, &self.known(Some(known.at)).await?.keys, &expected),
            judged => judged,
        };
        judged.map_err(|fault| match fault {
            TokenFault::UnknownKey => LoginError::Token("it is signed by no key of the provider".to_owned()),
            TokenFault::Other(message) => LoginError::Token(message),
        })
    }

    /// What is known of the provider: asked for anew where it is old, or older than `stale` and a key is missing.
    async fn known(&self, stale: Option<Instant>) -> Result<Known, LoginError> {
        let will_do = |known: &Known| match stale {
            Some(at) => known.at > at || known.at.elapsed() < AGAIN,
            None => known.at.elapsed() < FRESH,
        };
        if let Some(known) = self.known.read().await.as_ref().filter(|known| will_do(known)) {
            return Ok(known.clone());
        }
        let mut place = self.known.write().await;
        if let Some(known) = place.as_ref().filter(|known| will_do(known)) {
            return Ok(known.clone());
        }
        let provider = discover(&self.http, &self.settings.issuer).await?;
        let keys = get(&self.http, "keys", &provider.jwks_uri).await?;
        let known = Known { provider, keys, at: Instant::now() };
        *place = Some(known.clone());
        Ok(known)
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 bits that nobody can guess, as text.
fn random() -> Result<String, LoginError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| LoginError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A provider that says who it is, and has no key.
    async fn login(issuer: Option<&str>) -> Login {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}", listener.local_addr().unwrap());
        let said = json!({
            "issuer": issuer.unwrap_or(&here), "authorization_endpoint": format!("{here}/auth?tenant=1"),
            "token_endpoint": format!("{here}/token"), "jwks_uri": format!("{here}/keys"),
        });
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; 4096];
                let count = stream.read(&mut asked).await.unwrap();
                let body = match &asked[..count] {
                    asked if asked.starts_with(b"GET /.well-known") => said.to_string(),
                    asked if asked.starts_with(b"GET /keys") => json!({ "keys": [] }).to_string(),
                    _ => json!({ "error": "invalid_grant" }).to_string(),
                };
                let status = if asked.starts_with(b"POST") { "400 Bad Request" } else { "200 OK" };
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).await.unwrap();
            }
        });
        let settings =
            json!({ "issuer": here, "client-id": "sprag", "url": "http://127.0.0.1:4180/", "roles": { "viewer": ["*"] } });
        let http = Http::new(None, Duration::from_secs(10), 1 << 16).unwrap();
        Login::new(serde_json::from_value(settings).unwrap(), None, http).unwrap()
    }

    fn state(begun: &Begun) -> String {
        let url = url::Url::parse(&begun.url).unwrap();
        url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
    }

    #[tokio::test]
    async fn a_browser_is_sent_with_all_that_ties_the_answer_to_it() {
        let login = login(None).await;
        let (one, other) = (login.begin("/models").await.unwrap(), login.begin("/models").await.unwrap());
        let url = url::Url::parse(&one.url).unwrap();
        let of = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        assert_eq!((url.path(), of("tenant"), of("response_type")), ("/auth", "1".to_owned(), "code".to_owned()));
        assert_eq!((of("code_challenge_method"), of("scope")), ("S256".to_owned(), "openid email profile".to_owned()));
        assert_eq!(of("redirect_uri"), "http://127.0.0.1:4180/login/oidc/return");
        assert_eq!(of("state").len(), 43);
        assert_ne!((state(&one), &one.browser), (state(&other), &other.browser));
    }

    #[tokio::test]
    async fn a_login_counts_once_and_in_the_browser_that_began_it() {
        let login = login(None).await;
        let begun = login.begin("/").await.unwrap();
        let returned = Returned { state: state(&begun), code: Some("c".to_owned()), ..Returned::default() };
        assert!(matches!(login.finish(&Returned::default(), Some(&begun.browser)).await, Err(LoginError::Unknown)));
        assert!(matches!(login.finish(&returned, Some("another")).await, Err(LoginError::Unknown)));
        // It is over with the first answer, whatever came of it.
        assert!(matches!(login.finish(&returned, Some(&begun.browser)).await, Err(LoginError::Unknown)));
        let begun = login.begin("/").await.unwrap();
        let refused = Returned { state: state(&begun), error: Some("access_denied".to_owned()), ..Returned::default() };
        let error = login.finish(&refused, Some(&begun.browser)).await.unwrap_err();
        assert_eq!(error.to_string(), "the provider says `access_denied`");
        let begun = login.begin("/").await.unwrap();
        let mixed = Returned {
            state: state(&begun),
            iss: Some("https://other".to_owned()),
            code: Some("c".to_owned()),
            ..Returned::default()
        };
        assert!(matches!(login.finish(&mixed, Some(&begun.browser)).await, Err(LoginError::Unknown)));
    }

    #[tokio::test]
    async fn a_code_that_does_not_count_gives_nothing() {
        let login = login(None).await;
        let begun = login.begin("/").await.unwrap();
        let returned = Returned { state: state(&begun), code: Some("stolen".to_owned()), ..Returned::default() };
        let error = login.finish(&returned, Some(&begun.browser)).await.unwrap_err().to_string();
        assert_eq!(error, "the provider's tokens: expected status 200, found 400 `invalid_grant`");
    }

    #[tokio::test]
    async fn a_provider_that_says_it_is_another_is_not_believed() {
        let error = login(Some("https://login.example.com")).await.begin("/").await.unwrap_err().to_string();
        assert!(
            error.contains("expected the issuer `http://127.0.0.1:") && error.ends_with("found `https://login.example.com`"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn whoever_floods_takes_no_more_memory() {
        let login = login(None).await;
        let first = login.begin("/").await.unwrap();
        for _ in 0..MOST {
            let _begun = login.begin("/").await.unwrap();
        }
        assert_eq!(login.under_way().len(), MOST);
        assert!(!login.under_way().contains_key(&state(&first)), "the oldest gives way");
    }
}
