//! Lock files: `requirements.txt` in pip's hash-checking form.
//!
//! What pip would accept beside pinned, hashed requirements (other files, other indexes, editable installs, addresses) is refused: each of them lets something into the
//! environment that the lock does not name. `uv export`, `uv pip compile --generate-hashes` and `pip-compile --generate-hashes` write this form.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

/// A lock: every requirement with one version and the SHA-256 of each file that may be installed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    requirements: Vec<Requirement>,
}

/// One requirement of a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The project's name as PEP 503 normalises it: lower case, `-` for every run of `-`, `_` and `.`.
    pub name: String,
    /// The extras, sorted.
    pub extras: Vec<String>,
    /// The one version.
    pub version: String,
    /// The environment marker (PEP 508), as it was written; none where it holds anywhere.
    pub marker: Option<String>,
    /// SHA-256 of the files, in lower-case hexadecimal, sorted.
    pub hashes: Vec<String>,
}

/// Why a text is no lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the lock: {problem}")]
pub struct LockError {
    /// The line, from 1: the first of those that a backslash joins.
    pub line: usize,
    /// What is wrong with it.
    pub problem: LockProblem,
}

/// What is wrong with a line of a lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockProblem {
    /// An option of pip, such as `-r` or `--index-url`.
    #[error("expected a requirement, found the option `{0}`; where files come from is set in pip's or uv's own configuration")]
    Option(String),
    /// A requirement that is an address or a path.
    #[error("expected `NAME==VERSION`, found the address `{0}`")]
    Address(String),
    /// No version, or more than one.
    #[error("expected `{name}==VERSION`, found `{found}`")]
    NotPinned {
        /// The project.
        name: String,
        /// What stands there.
        found: String,
    },
    /// No hash.
    #[error("expected `--hash=sha256:...` for `{0}`, found none")]
    NoHash(String),
    /// A hash of another kind, or damaged.
    #[error("expected `--hash=sha256:` and 64 hexadecimal digits, found `{0}`")]
    Hash(String),
    /// Not a name that a project can have.
    #[error("expected the name of a project, found `{0}`")]
    Name(String),
    /// The same project twice without markers that tell them apart.
    #[error("expected each project once, found `{name}` on line {first} too")]
    Twice {
        /// The project.
        name: String,
        /// Where it stands first.
        first: usize,
    },
    /// The file ends within a line.
    #[error("expected another line after the backslash, found the end")]
    Unfinished,
}

impl Lock {
    /// Reads a lock. All that is wrong with it is reported, by line.
    pub fn parse(text: &str) -> Result<Self, Vec<LockError>> {
        let mut found: Vec<(usize, Requirement)> = vec![];
        let mut errors = vec![];
        for (line, joined) in logical_lines(text) {
            match joined.and_then(|joined| requirement(&joined)) {
                Ok(None) => {}
                Ok(Some(requirement)) => {
                    // Two lines for one project are what resolvers write for different platforms: each has a marker.
                    let twice = |(_, other): &&(usize, Requirement)| {
                        other.name == requirement.name && (other.marker.is_none() || other.marker == requirement.marker)
                    };
                    match found.iter().find(twice) {
                        Some((first, _)) => {
                            let problem = LockProblem::Twice { name: requirement.name, first: *first };
                            errors.push(LockError { line, problem });
                        }
                        None => found.push((line, requirement)),
                    }
                }
                Err(problem) => errors.push(LockError { line, problem }),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut requirements: Vec<_> = found.into_iter().map(|(_, requirement)| requirement).collect();
        requirements.sort();
        Ok(Self { requirements })
    }

    /// The requirements, sorted by name.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// SHA-256 of the lock's text as [`Display`](fmt::Display) writes it, in lower-case hexadecimal: comments, order and line breaks of the file are not in it.
    pub fn digest(&self) -> String {
        hexadecimal(&Sha256::digest(self.to_string()))
    }
}

impl fmt::Display for Lock {
    /// The form that pip and uv are given: they never see the file itself.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.requirements.iter().try_for_each(|requirement| writeln!(formatter, "{requirement}"))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if !self.extras.is_empty() {
            write!(formatter, "[{}]", self.extras.join(","))?;
        }
        write!(formatter, "=={}", self.version)?;
        if let Some(marker) = &self.marker {
            write!(formatter, " ; {marker}")?;
        }
        self.hashes.iter().try_for_each(|hash| write!(formatter, " --hash=sha256:{hash}"))
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

/// Lines with those joined that end in a backslash, comments taken out, each with the number of its first.
fn logical_lines(text: &str) -> Vec<(usize, Result<String, LockProblem>)> {
    let mut lines = vec![];
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = without_comment(line).trim_end();
        let (first, mut joined) = open.take().unwrap_or((index + 1, String::new()));
        match line.strip_suffix('\\') {
            Some(start) => {
                joined.push_str(start);
                joined.push(' ');
                open = Some((first, joined));
            }
            None => {
                joined.push_str(line);
                lines.push((first, Ok(joined)));
            }
        }
    }
    // pip itself takes an unfinished last line as it is. Here a file that was cut off must not look whole.
    lines.extend(open.map(|(first, _)| (first, Err(LockProblem::Unfinished))));
    lines
}

/// pip's rule: a comment begins at the start of a line or after white space.
fn without_comment(line: &str) -> &str {
    let starts = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    line.match_indices('#').find(starts).map_or(line, |(at, _)| &line[..at])
}

fn requirement(line: &str) -> Result<Option<Requirement>, LockProblem> {
    let (words, options): (Vec<_>, Vec<_>) = line.split_whitespace().partition(|word| !word.starts_with('-'));
    let mut hashes = vec![];
    for option in options {
        let Some(hash) = option.strip_prefix("--hash=") else {
            let name = option.split('=').next().unwrap_or(option);
            return Err(LockProblem::Option(name.to_owned()));
        };
        let digits = hash.strip_prefix("sha256:").filter(|digits| is_sha256(digits));
        hashes.push(digits.ok_or_else(|| LockProblem::Hash(hash.to_owned()))?.to_ascii_lowercase());
    }
    let specification = words.join(" ");
    if specification.is_empty() {
        // Hashes that belong to nothing were meant for something.
        return if hashes.is_empty() { Ok(None) } else { Err(LockProblem::Name(line.trim().to_owned())) };
    }
    if specification.contains("://") || specification.contains(" @ ") || specification.starts_with(['.', '/']) {
        return Err(LockProblem::Address(without_credentials(&specification)));
    }
    let (pinned, marker) = match specification.split_once(';') {
        Some((pinned, marker)) => (pinned.trim(), Some(marker.trim().to_owned())),
        None => (specification.trim(), None),
    };
    let end = pinned.find(|found: char| "=<>!~ ".contains(found)).unwrap_or(pinned.len());
    let (named, rest) = pinned.split_at(end);
    let (name, extras) = name(named)?;
    let version = rest.trim().strip_prefix("==").map(str::trim).filter(|version| is_version(version));
    let Some(version) = version.map(str::to_owned) else {
        return Err(LockProblem::NotPinned { name, found: pinned.to_owned() });
    };
    if hashes.is_empty() {
        return Err(LockProblem::NoHash(name));
    }
    hashes.sort();
    hashes.dedup();
    Ok(Some(Requirement { name, extras, version, marker, hashes }))
}

/// The name and the extras of `name[extra,extra]`.
fn name(text: &str) -> Result<(String, Vec<String>), LockProblem> {
    let bad = || LockProblem::Name(text.to_owned());
    let (name, extras) = match text.split_once('[') {
        Some((name, extras)) => (name, extras.strip_suffix(']').ok_or_else(bad)?),
        None => (text, ""),
    };
    let is_name = |name: &str| {
        name.chars().all(|found| found.is_ascii_alphanumeric() || "-_.".contains(found))
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    let mut extras: Vec<_> = extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()).map(normalised).collect();
    if !is_name(name) || !extras.iter().all(|extra| is_name(extra)) {
        return Err(bad());
    }
    extras.sort();
    extras.dedup();
    Ok((normalised(name), extras))
}

/// PEP 503: lower case, and one `-` for every run of separators.
fn normalised(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// The characters of a PEP 440 version. A `*` would allow many.
fn is_version(text: &str) -> bool {
    let is_fine = |found: char| found.is_ascii_alphanumeric() || ".+!-_".contains(found);
    text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.chars().all(is_fine)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|found| found.is_ascii_hexdigit())
}

/// The text with what stands between `://` and `@` of an address taken out: an index's user and password.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|found: char| found.is_whitespace() || "/?#'\"`".contains(found)).unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(sign) => {
                out.push_str("***");
                rest = &after[sign..];
            }
            None => rest = after,
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";

    fn check(text: &str, expected: &[&str]) {
        let text = text.replace("HASH", HASH);
        let found: Vec<_> = match Lock::parse(&text) {
            Ok(lock) => lock.to_string().replace(&HASH.to_lowercase(), "HASH").lines().map(str::to_owned).collect(),
            Err(errors) => errors.iter().map(LockError::to_string).collect(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn locks_are_read_as_resolvers_write_them() {
        check("", &[]);
        check("# nothing\n\n", &[]);
        check("numpy==2.0.1 --hash=sha256:HASH", &["numpy==2.0.1 --hash=sha256:HASH"]);
        check(
            "Scikit_Learn[b,A]==1.5 ; python_version >= \"3.9\" \\\n    --hash=sha256:HASH \\\n    --hash=sha256:HASH\n    # via -r in\n",
            &["scikit-learn[a,b]==1.5 ; python_version >= \"3.9\" --hash=sha256:HASH"],
        );
        check(
            "\u{feff}b==1 --hash=sha256:HASH # last\na==2+cpu --hash=sha256:HASH",
            &["a==2+cpu --hash=sha256:HASH", "b==1 --hash=sha256:HASH"],
        );
        check(
            "a==1 ; x --hash=sha256:HASH\r\na==2 ; y --hash=sha256:HASH\r\n",
            &["a==1 ; x --hash=sha256:HASH", "a==2 ; y --hash=sha256:HASH"],
        );
    }

    #[test]
    fn all_else_is_refused_by_line() {
        let option = "expected a requirement, found the option";
        let elsewhere = "where files come from is set in pip's or uv's own configuration";
        check("--index-url https://x:y@h/\n", &[&format!("line 1 of the lock: {option} `--index-url`; {elsewhere}")]);
        check("\n-r other.txt", &[&format!("line 2 of the lock: {option} `-r`; {elsewhere}")]);
        check("a==1", &["line 1 of the lock: expected `--hash=sha256:...` for `a`, found none"]);
        check(
            "a>=1 --hash=sha256:HASH\nb --hash=sha256:HASH\nc==1.* --hash=sha256:HASH",
            &[
                "line 1 of the lock: expected `a==VERSION`, found `a>=1`",
                "line 2 of the lock: expected `b==VERSION`, found `b`",
                "line 3 of the lock: expected `c==VERSION`, found `c==1.*`",
            ],
        );
        check("a===1 --hash=sha256:HASH", &["line 1 of the lock: expected `a==VERSION`, found `a===1`"]);
        check("a==1,<2 --hash=sha256:HASH", &["line 1 of the lock: expected `a==VERSION`, found `a==1,<2`"]);
        check(
            "a @ https://me:pw@host/a.whl --hash=sha256:HASH",
            &["line 1 of the lock: expected `NAME==VERSION`, found the address `a @ https://***@host/a.whl`"],
        );
        check("./a --hash=sha256:HASH", &["line 1 of the lock: expected `NAME==VERSION`, found the address `./a`"]);
        check("a==1 --hash=md5:00", &["line 1 of the lock: expected `--hash=sha256:` and 64 hexadecimal digits, found `md5:00`"]);
        check(
            "a==1 --hash=sha256:HASH\nA==2 --hash=sha256:HASH",
            &["line 2 of the lock: expected each project once, found `a` on line 1 too"],
        );
        check("a==1 \\\n", &["line 1 of the lock: expected another line after the backslash, found the end"]);
        check(
            "--hash=sha256:HASH",
            &[&format!("line 1 of the lock: expected the name of a project, found `--hash=sha256:{HASH}`")],
        );
        check("a[b==1 --hash=sha256:HASH", &["line 1 of the lock: expected the name of a project, found `a[b`"]);
    }

    #[test]
    fn the_digest_is_that_of_what_is_installed() {
        let parse = |text: &str| Lock::parse(&text.replace("HASH", HASH)).unwrap().digest();
        let one = parse("a==1 --hash=sha256:HASH\nb==1 --hash=sha256:HASH");
        assert_eq!(one, parse("# c\nB==1 \\\n --hash=sha256:HASH\na==1 --hash=sha256:HASH"));
        assert_ne!(one, parse("a==1 --hash=sha256:HASH\nb==2 --hash=sha256:HASH"));
        assert_eq!(one.len(), 64);
    }

    #[test]
    fn credentials_are_taken_out_of_addresses() {
        let check = |text: &str, expected: &str| assert_eq!(without_credentials(text), expected);
        check("no address", "no address");
        check("at https://host/x@y", "at https://host/x@y");
        check("at https://u:p@ss@host/x and http://t@h", "at https://***@host/x and http://***@h");
    }
}
