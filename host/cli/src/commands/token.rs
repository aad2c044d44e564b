//! `sprag token`

use std::path::Path;

use serde::Serialize;
use sprag_lifecycle::{after, now, origin};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::server::{Role, Token};
use sprag_server::token;
use sprag_store::{NewAuditEntry, Store};

use crate::args::{TokenArgs, TokenCommand};
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// What `sprag token add --json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Made {
    #[serde(flatten)]
    token: Token,
    secret: String,
}

/// Does what a command of the group says.
///
/// # Errors
/// There is no such token, or the store cannot be written.
pub fn run(args: &TokenArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let home = super::project_dir(project)?;
    let store = Store::open(&home.join(".sprag"))?;
    let audit = |action: &str, subject: &str, user: &str| {
        let by = origin(&home).by;
        let details = [("user".to_owned(), user.to_owned())].into();
        store.audit(NewAuditEntry { at: now(), by, action: action.to_owned(), subject: subject.to_owned(), details })
    };
    match &args.command {
        TokenCommand::Add { user, roles, expires, json } => {
            if user.trim().is_empty() || user.chars().any(char::is_control) {
                return Err(CommandError::user(format!("expected a name for the user, found `{}`", user.escape_debug())));
            }
            let mut roles: Vec<Role> = roles.iter().copied().map(Role::from).collect();
            roles.sort();
            roles.dedup();
            let end = expires.map(|expires| after(expires.0));
            let made = token::make(user, roles, &now(), end)
                .map_err(|error| CommandError::internal(format!("failed to make a token: {error}")))?;
            store.add_token(&made.token, &made.hash)?;
            audit("token.add", &made.token.id, user)?;
            if *json {
                console.json(&Made { token: made.token, secret: made.secret });
            } else {
                console.line(&made.secret);
                console.note(&format!("keep it now: it is shown once; its id is {}", made.token.id));
            }
        }
        TokenCommand::List { json } => {
            let tokens = store.tokens()?;
            if *json {
                console.json(&tokens);
                return Ok(exit_code::SUCCESS);
            }
            for token in tokens {
                let roles: Vec<_> = token.roles.iter().map(|role| role.name()).collect();
                let state = token::fault(&token, &now()).map(|fault| format!("  {fault}")).unwrap_or_default();
                let end = token.expires_at.map(|end| format!("  until {end}")).unwrap_or_default();
                console.line(&format!(
                    "{}  {BOLD}{}{BOLD:#}  {}{DIM}{end}{state}{DIM:#}",
                    token.id,
                    token.user,
                    roles.join(", ")
                ));
            }
        }
        TokenCommand::Revoke { id } => {
            let known = store.tokens()?.into_iter().find(|token| token.id == *id);
            if store.revoke_token(id, &now())? {
                audit("token.revoke", id, &known.map(|token| token.user).unwrap_or_default())?;
                console.line(&format!("{id} counts no more"));
            } else {
                console.line(&format!("{id} was taken back before"));
            }
        }
    }
    Ok(exit_code::SUCCESS)
}
