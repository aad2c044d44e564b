//! How people log in to the server by OpenID Connect: the file of `--oidc`.

use std::path::Path;
use std::time::Duration;

use sprag_http::Http;
use sprag_schemas::server::{OpenIdConnect, SecretSource};
use sprag_sso::{ClientSecret, Login};

use crate::error::CommandError;

/// The longest wait for a provider's answer, and the most bytes of one.
const PATIENCE: Duration = Duration::from_secs(20);
const MOST: usize = 1 << 20;

/// Reads the file, and the secret that it names.
pub(super) fn read(path: &Path) -> Result<Login, CommandError> {
    let place = path.display();
    let wrong =
        |message: &str| CommandError::user(format!("`{place}`: {message}")).hint("`sprag schema oidc` describes the file");
    let file = |path: &Path| std::fs::read_to_string(path).map_err(|error| CommandError::io("read", path, &error));
    let settings: OpenIdConnect = OpenIdConnect::parse(&file(path)?).map_err(|error| wrong(&error))?;
    let beside = |name: &str| path.parent().unwrap_or(Path::new("")).join(name);
    let secret = match &settings.client_secret {
        None => None,
        Some(SecretSource::Env(name)) => {
            let value = std::env::var(name).ok().filter(|value| !value.is_empty());
            Some(
                value
                    .ok_or_else(|| wrong(&format!("`client-secret`: expected the environment variable `{name}`, found none")))?,
            )
        }
        Some(SecretSource::File(name)) => Some(file(&beside(name.as_str()))?.trim_end().to_owned()),
    };
    let authorities = settings.ca.as_ref().map(|name| file(&beside(name.as_str()))).transpose()?;
    let http = Http::new(authorities.as_deref().map(str::as_bytes), PATIENCE, MOST).map_err(|error| wrong(&error.to_string()))?;
    Login::new(settings, secret.map(ClientSecret::new), http).map_err(|error| wrong(&error.to_string()))
}
