//! The file of approvers, in the format of OpenSSH's `allowed_signers` (ssh-keygen(1)): on each line who, options, and a public key.
//!
//! What a reviewer cannot take in at a glance is refused: patterns in place of names, and certificate authorities.

use std::collections::{BTreeMap, BTreeSet};

use sprag_schemas::approval::NAMESPACE;
use ssh_key::{Algorithm, HashAlg, PublicKey};

/// Everyone who may approve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    /// One entry for each line.
    pub entries: Vec<Signer>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The names of one person; the first is the one that reports use.
    pub names: Vec<String>,
    /// The public key.
    pub key: PublicKey,
    /// From when the key counts: 14 digits, UTC.
    pub valid_after: Option<String>,
    /// Until when the key counts: 14 digits, UTC.
    pub valid_before: Option<String>,
}

impl Signer {
    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// What is wrong with a file of approvers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SignersError {
    /// The line, from 1.
    pub line: usize,
    /// What was expected and what was found.
    pub message: String,
}

impl Signers {
    /// Reads the text of a file. Lines for other namespaces only are left out: they approve nothing.
    ///
    /// # Errors
    /// A line that is not understood: an approval must not depend on a guess.
    pub fn parse(text: &str) -> Result<Self, SignersError> {
        let mut entries: Vec<Signer> = vec![];
        let mut lines = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = number + 1;
            let fail = |message: String| SignersError { line: number, message };
            let Some(signer) = entry(line).map_err(fail)? else { continue };
            if let Some(earlier) = lines.insert(signer.fingerprint(), number) {
                return Err(fail(format!("expected each key once, found the key of line {earlier} again")));
            }
            entries.push(signer);
        }
        Ok(Self { entries })
    }

    /// The entry that has this key.
    pub(super) fn by_key(&self, key: &ssh_key::public::KeyData) -> Option<&Signer> {
        self.entries.iter().find(|signer| signer.key.key_data() == key)
    }

    /// The names of the people, each once, in the file's order. Lines that share a name are one person's.
    pub fn people(&self) -> Vec<String> {
        let mut people: Vec<(&String, BTreeSet<&String>)> = vec![];
        for signer in &self.entries {
            let names: BTreeSet<&String> = signer.names.iter().collect();
            match people.iter_mut().find(|(_, known)| !known.is_disjoint(&names)) {
                Some((_, known)) => known.extend(names),
                None => people.extend(signer.names.first().map(|first| (first, names))),
            }
        }
        people.into_iter().map(|(first, _)| first.clone()).collect()
    }

    /// The name under which the file lists a public key in OpenSSH's format.
    pub fn name_of(&self, public_key: &str) -> Option<&str> {
        let key = PublicKey::from_openssh(public_key).ok()?;
        self.by_key(key.key_data())?.names.first().map(String::as_str)
    }
}

fn entry(line: &str) -> Result<Option<Signer>, String> {
    let mut fields = fields(line)?.into_iter().peekable();
    let names = fields.next().unwrap_or_default();
    let mut options = String::new();
    if fields.peek().is_some_and(|field| !is_key_type(field)) {
        options = fields.next().unwrap_or_default();
    }
    let (Some(kind), Some(data)) = (fields.next(), fields.next()) else {
        return Err(format!("expected `NAME [OPTIONS] ssh-ed25519 KEY`, found `{line}`"));
    };
    let names = names_of(names.trim_matches('"'))?;
    let (valid_after, valid_before) = match options_of(&options)? {
        Options { is_for_approvals: false, .. } => return Ok(None),
        Options { valid_after, valid_before, .. } => (valid_after, valid_before),
    };
    let key = PublicKey::from_openssh(&format!("{kind} {data}")).map_err(|error| {
        if is_key_type(&kind) { format!("expected a public key, found `{kind} {data}`: {error}") } else { not_a_key_type(&kind) }
    })?;
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(not_a_key_type(&kind));
    }
    Ok(Some(Signer { names, key, valid_after, valid_before }))
}

fn not_a_key_type(found: &str) -> String {
    format!("expected a key of the type `ssh-ed25519`, found `{found}`")
}

fn is_key_type(field: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| field.starts_with(start))
}

/// Splits at white space outside of quotation marks.
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            c if c.is_whitespace() && !is_quoted => {
                fields.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(field) = fields.last_mut() {
            field.push(c);
        }
    }
    if is_quoted {
        return Err("expected a second quotation mark, found the end of the line".to_owned());
    }
    fields.retain(|field| !field.is_empty());
    Ok(fields)
}

fn names_of(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<_> = text.split(',').map(str::to_owned).collect();
    match names.iter().find(|name| name.is_empty() || name.contains(['*', '?', '!'])) {
        Some(name) => Err(format!("expected names without `*`, `?` and `!`, found `{name}`")),
        None => Ok(names),
    }
}

struct Options {
    is_for_approvals: bool,
    valid_after: Option<String>,
    valid_before: Option<String>,
}

fn options_of(text: &str) -> Result<Options, String> {
    let mut options = Options { is_for_approvals: true, valid_after: None, valid_before: None };
    for option in split_outside_quotes(text) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        // OpenSSH compares the names of options without regard to case.
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => options.is_for_approvals = value.split(',').any(|namespace| namespace == NAMESPACE),
            "valid-after" => options.valid_after = Some(time(value)?),
            "valid-before" => options.valid_before = Some(time(value)?),
            _ => {
                return Err(format!(
                    "expected the options `namespaces`, `valid-after` and `valid-before`, found `{}`",
                    option.split('=').next().unwrap_or(option)
                ));
            }
        }
    }
    Ok(options)
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let split = text.split(move |c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    split.filter(|part| !part.is_empty()).collect()
}

/// A time of `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with or without `Z`, as 14 digits. It is read as UTC: what counts must not depend on the zone
/// of the machine that looks.
fn time(text: &str) -> Result<String, String> {
    let digits = text.strip_suffix('Z').unwrap_or(text);
    let is_time = matches!(digits.len(), 8 | 12 | 14) && digits.bytes().all(|b| b.is_ascii_digit());
    if is_time {
        Ok(format!("{digits:0<14}"))
    } else {
        Err(format!("expected a time such as `20270131` or `20270131120000Z`, found `{text}`"))
    }
}
