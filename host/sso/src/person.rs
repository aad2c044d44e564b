//! Who a token is about, and what they may do.

use serde_json::Value;
use sprag_schemas::server::{OpenIdConnect, Role};

use crate::LoginError;
use crate::token::Claims;

/// The group that everybody is in whom the provider lets in.
const EVERYBODY: &str = "*";

/// The longest name.
const MOST: usize = 256;

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, for records: what the claim says that the settings name.
    pub user: String,
    /// What they may do.
    pub roles: Vec<Role>,
}

impl Person {
    /// Whether claims hold all that is asked for: a name and groups.
    pub(crate) fn is_told_by(claims: &Claims, settings: &OpenIdConnect) -> bool {
        claims.contains_key(&settings.user_claim) && found(claims, &settings.groups_claim).is_some()
    }

    pub(crate) fn of(claims: &Claims, settings: &OpenIdConnect) -> Result<Self, LoginError> {
        let claim = settings.user_claim.as_str();
        let user = claims.get(claim).and_then(Value::as_str).unwrap_or_default();
        let is_plain = !user.is_empty() && user.len() <= MOST && !user.chars().any(char::is_control);
        if !is_plain {
            return Err(LoginError::Token(format!("its claim `{claim}` is no name")));
        }
        // An address that somebody merely says they have is nobody's name.
        if claim == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
            return Err(LoginError::Token(format!("`{user}` is an address that the provider has not verified")));
        }
        let groups = groups(claims, &settings.groups_claim);
        let is_in = |wanted: &String| wanted == EVERYBODY || groups.contains(&wanted.as_str());
        let roles = settings.roles.iter().filter(|(_, wanted)| wanted.iter().any(is_in)).map(|(role, _)| *role);
        let roles: Vec<_> = roles.collect();
        if roles.is_empty() {
            return Err(LoginError::NoRole(user.to_owned()));
        }
        Ok(Self { user: user.to_owned(), roles })
    }
}

/// The groups: a list of texts, or one text. A dot in the claim's name goes into an object, as in `realm_access.roles`.
fn groups<'a>(claims: &'a Claims, claim: &str) -> Vec<&'a str> {
    match found(claims, claim) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    }
}

fn found<'a>(claims: &'a Claims, claim: &str) -> Option<&'a Value> {
    claims.get(claim).or_else(|| {
        let mut parts = claim.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(more: &str) -> OpenIdConnect {
        let text = json!({
            "issuer": "https://login.example.com",
            "client-id": "sprag",
            "url": "https://sprag.example.com",
            "roles": { "viewer": ["*"], "approver": ["ml-leads"], "admin": ["platform"] },
        });
        let mut value: Value = text;
        if !more.is_empty() {
            value["groups-claim"] = more.into();
        }
        serde_json::from_value(value).unwrap()
    }

    fn of(claims: &Value, settings: &OpenIdConnect) -> Result<Person, String> {
        Person::of(claims.as_object().unwrap(), settings).map_err(|error| error.to_string())
    }

    #[test]
    fn groups_give_roles() {
        let claims = json!({ "email": "ada@example.com", "groups": ["ml-leads", "other"] });
        let person = Person { user: "ada@example.com".to_owned(), roles: vec![Role::Viewer, Role::Approver] };
        assert_eq!(of(&claims, &settings("")), Ok(person));
        let nested = json!({ "email": "ada@example.com", "realm_access": { "roles": ["platform"] } });
        assert_eq!(of(&nested, &settings("realm_access.roles")).unwrap().roles, [Role::Viewer, Role::Admin]);
    }

    #[test]
    fn nobody_is_somebody_by_an_address_that_nobody_verified() {
        let claims = json!({ "email": "ada@example.com", "email_verified": false });
        assert!(of(&claims, &settings("")).unwrap_err().contains("not verified"));
        assert!(of(&json!({ "sub": "1" }), &settings("")).unwrap_err().contains("`email` is no name"));
        assert!(of(&json!({ "email": "a\nb" }), &settings("")).is_err());
    }

    #[test]
    fn who_is_in_no_group_may_do_nothing() {
        let mut settings = settings("");
        settings.roles.remove(&Role::Viewer);
        let refused = of(&json!({ "email": "eve@example.com", "groups": "*" }), &settings).unwrap_err();
        assert_eq!(refused, "expected somebody in a group that has a role here, found `eve@example.com`");
    }
}
