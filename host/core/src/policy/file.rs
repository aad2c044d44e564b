//! A policy file that was read and makes sense.

use std::collections::{BTreeMap, BTreeSet};

use sprag_schemas::manifest::Kind;
use sprag_schemas::policy::{Policy, Step, line_at};
use ssh_key::{Algorithm, HashAlg, PublicKey};

use super::Source;
use crate::digest::Digest;
use crate::http_grant::HttpGrant;
use crate::plan::is_name;

/// A policy in force.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// The file, as people know it.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// What it says.
    pub policy: Policy,
    text: String,
    /// The fingerprint of each signer's key.
    pub(super) signers: BTreeMap<String, String>,
}

/// What is wrong with a policy: nothing runs by a rule that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{} {message}", .line.map(|line| format!("{line}:")).unwrap_or_default())]
pub struct PolicyError {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What was expected and what was found.
    pub message: String,
}

impl PolicyFile {
    /// Reads the text of a policy.
    ///
    /// # Errors
    /// It is not TOML, has a key that is not known, or a value that means nothing.
    pub fn parse(path: &str, text: &str) -> Result<Self, PolicyError> {
        let error = |line, message| PolicyError { path: path.to_owned(), line, message };
        let policy = Policy::parse(text).map_err(|message| error(None, message))?;
        let signers = check(&policy).map_err(|(steps, message)| error(line_at(text, &steps), message))?;
        Ok(Self { path: path.to_owned(), digest: Digest::of(text.as_bytes()), policy, text: text.to_owned(), signers })
    }

    /// The line of a place in it.
    pub(super) fn line(&self, steps: &[Step<'_>]) -> Option<usize> {
        line_at(&self.text, steps)
    }
}

type Fault<'a> = (Vec<Step<'a>>, String);

/// Holds each text against what it must be, and gives the fingerprints of the signers.
fn check(policy: &Policy) -> Result<BTreeMap<String, String>, Fault<'_>> {
    use Step::{Item, Key};
    let mut signers = BTreeMap::new();
    for (name, key) in &policy.signers {
        let fault = |message| (vec![Key("signers"), Key(name)], message);
        if !is_name(name) {
            return Err(fault(format!(
                "signer: expected lower-case letters, digits and hyphens, beginning with a letter, found `{name}`"
            )));
        }
        let parsed = PublicKey::from_openssh(key).ok().filter(|key| key.algorithm() == Algorithm::Ed25519);
        let parsed = parsed.ok_or_else(|| {
            fault(format!("signer `{name}`: expected a public key as `ssh-ed25519 AAAA...`, found `{}`", key.escape_debug()))
        })?;
        let fingerprint = parsed.fingerprint(HashAlg::Sha256).to_string();
        if let Some((other, _)) = signers.iter().find(|(_, known)| **known == fingerprint) {
            return Err(fault(format!("signer `{name}`: expected a key of its own, found that of `{other}`")));
        }
        signers.insert(name.clone(), fingerprint);
    }
    let known = signers.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "none".to_owned() } else { known };
    for (at, text) in policy.revoked.signers.iter().enumerate() {
        let is_fingerprint = text.strip_prefix("SHA256:").is_some_and(|rest| rest.len() == 43);
        if !is_fingerprint && !signers.contains_key(text) {
            let message =
                format!("revoked: expected a signer of the policy ({known}) or a fingerprint `SHA256:...`, found `{text}`");
            return Err((vec![Key("revoked"), Key("signers"), Item(at)], message));
        }
    }
    for (at, text) in policy.revoked.digests.iter().enumerate() {
        if text.parse::<Digest>().is_err() {
            let message = format!("revoked: expected a digest such as `sha256:` and 64 hexadecimal digits, found `{text}`");
            return Err((vec![Key("revoked"), Key("digests"), Item(at)], message));
        }
    }
    for (at, rule) in policy.plugins.iter().enumerate() {
        let here = [Key("plugins"), Item(at)];
        scope(&here, rule.kinds.as_deref(), rule.projects.as_deref())?;
        if rule.from.is_none() && rule.signed_by.is_none() {
            let message =
                "expected `from` or `signed-by` in `[[plugins]]`, found neither; `from = [\"any\"]` allows all".to_owned();
            return Err((here.to_vec(), message));
        }
        for (key, list) in [("from", &rule.from), ("signed-by", &rule.signed_by)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                return Err((within(&here, key, None), format!("`{key}`: expected at least one entry, found none")));
            }
        }
        for (item, text) in rule.from.iter().flatten().enumerate() {
            text.parse::<Source>().map_err(|message| (within(&here, "from", Some(item)), format!("`from`: {message}")))?;
        }
        for (item, name) in rule.signed_by.iter().flatten().enumerate() {
            if !signers.contains_key(name) {
                let message = format!("`signed-by`: expected a signer of the policy ({known}), found `{name}`");
                return Err((within(&here, "signed-by", Some(item)), message));
            }
        }
    }
    for (at, rule) in policy.grants.iter().enumerate() {
        let here = [Key("grants"), Item(at)];
        scope(&here, rule.kinds.as_deref(), rule.projects.as_deref())?;
        for (item, text) in rule.http.iter().enumerate() {
            text.parse::<HttpGrant>().map_err(|error| (within(&here, "http", Some(item)), error.to_string()))?;
        }
        for (key, list) in [("env", &rule.env), ("secrets", &rule.secrets), ("smtp", &rule.smtp), ("processes", &rule.processes)]
        {
            patterns(&here, key, list)?;
        }
        if let Some(item) = rule.folders.iter().position(String::is_empty) {
            return Err((within(&here, "folders", Some(item)), "`folders`: expected the path of a folder, found ``".to_owned()));
        }
    }
    Ok(signers)
}

fn within<'a>(here: &[Step<'a>], key: &'a str, item: Option<usize>) -> Vec<Step<'a>> {
    here.iter().copied().chain([Step::Key(key)]).chain(item.map(Step::Item)).collect()
}

/// For which stages and projects a rule is.
fn scope<'a>(here: &[Step<'a>], kinds: Option<&[Kind]>, projects: Option<&'a [String]>) -> Result<(), Fault<'a>> {
    let found = kinds.map(|kinds| kinds.iter().collect::<BTreeSet<_>>().len());
    for (key, is_empty) in [("kinds", found == Some(0)), ("projects", projects.is_some_and(<[_]>::is_empty))] {
        if is_empty {
            let message = format!("`{key}`: expected at least one entry, found none; without the key the rule is for all");
            return Err((within(here, key, None), message));
        }
    }
    patterns(here, "projects", projects.unwrap_or_default())
}

/// A star stands at the end or nowhere: elsewhere it would look like a rule and be none.
fn patterns<'a>(here: &[Step<'a>], key: &'a str, list: &[String]) -> Result<(), Fault<'a>> {
    let is_bad = |text: &String| text.is_empty() || text.strip_suffix('*').unwrap_or(text).contains('*');
    match list.iter().position(is_bad) {
        Some(item) => {
            let message = format!("`{key}`: expected a name, perhaps with one `*` at its end, found `{}`", list[item]);
            Err((within(here, key, Some(item)), message))
        }
        None => Ok(()),
    }
}
