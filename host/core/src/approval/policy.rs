//! Whose word counts, and for what.

use std::collections::BTreeSet;

use sprag_schemas::approval::{Approval, Ballot, NAMESPACE, Statement, Verdict};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, PublicKey, SshSig};

use super::keys::ballot_text;
use super::signers::{Signer, Signers};
use super::statement::changes;

/// The rule of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How many different people must approve.
    pub required: u32,
    /// Those who may.
    pub signers: Signers,
    /// Whether an author may approve what is theirs.
    pub author_may_approve: bool,
}

/// A rule that nobody can meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected at least {required} different approvers, found {found}")]
pub struct PolicyError {
    required: u32,
    found: usize,
}

/// Why an approval does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature cannot be read.
    #[error("expected an SSH signature (`-----BEGIN SSH SIGNATURE-----`), found something else: {0}")]
    Malformed(String),
    /// The signature is of another kind of key.
    #[error("expected a signature by an Ed25519 key (`ssh-ed25519`), found one by `{0}`")]
    Unsupported(String),
    /// The signature was made for something else.
    #[error("expected a signature for `{NAMESPACE}`, found one for `{0}`")]
    Namespace(String),
    /// The signature does not fit what is said to be signed.
    #[error("the signature is not one over this approval by `{approver}`: it was changed after it was signed, or forged")]
    Forged {
        /// Who is said to have signed.
        approver: String,
    },
    /// The key is nobody's.
    #[error("the key {fingerprint} is not that of an approver; approvers are {}", list(.known))]
    Unknown {
        /// The key.
        fingerprint: String,
        /// Who may approve.
        known: Vec<String>,
    },
    /// The key is somebody else's.
    #[error("`{claimed}` is said to have signed, and the key is that of `{owner}`")]
    NotTheirKey {
        /// Who is said to have signed.
        claimed: String,
        /// Whose key it is.
        owner: String,
    },
    /// The key does not count any more, or not yet.
    #[error("the key of `{approver}` counts {when}")]
    KeyTime {
        /// Whose key it is.
        approver: String,
        /// From or until when.
        when: String,
    },
    /// It is about something else.
    #[error("the approval is for {what} `{signed}`, not for `{asked}`: an approval cannot be used twice")]
    Replayed {
        /// What it names: the release or the environment.
        what: &'static str,
        /// What was signed.
        signed: String,
        /// What is asked for.
        asked: String,
    },
    /// What it was given for is not what stands there now.
    #[error("the approval of `{approver}` is void, because what was approved changed{}", lines(.changes))]
    Void {
        /// Who gave it.
        approver: String,
        /// What changed, one line for each field.
        changes: Vec<String>,
    },
    /// The time for it is over.
    #[error("the request expired at {expires_at}, and now it is {now}")]
    Expired {
        /// When it expired.
        expires_at: String,
        /// When it was looked at.
        now: String,
    },
    /// It was signed before it was asked for, or in the future.
    #[error("the approval says that it was given at {at}, which is not between the request at {requested_at} and now, {now}")]
    Untimely {
        /// When it says that it was given.
        at: String,
        /// When it was asked for.
        requested_at: String,
        /// When it was looked at.
        now: String,
    },
    /// Who made it cannot approve it.
    #[error("`{approver}` is an author of this release ({}) and cannot approve it", list(.authors))]
    Author {
        /// Who tried.
        approver: String,
        /// The authors.
        authors: Vec<String>,
    },
    /// One person counts once.
    #[error("`{approver}` has {verdict} already, at {at}")]
    Twice {
        /// Who.
        approver: String,
        /// What they said.
        verdict: &'static str,
        /// When.
        at: String,
    },
    /// A no is final: no yes counts after it.
    #[error("the release was rejected by `{by}`: {reason}")]
    Rejected {
        /// Who said no.
        by: String,
        /// Why.
        reason: String,
    },
    /// There is no reason.
    #[error("expected a reason, found none")]
    NoReason,
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Malformed(_) | Self::Forged { .. } | Self::Namespace(_) => {
                "have the approver sign it again, with `sprag approve`".to_owned()
            }
            Self::Unsupported(_) => "make an Ed25519 key with `sprag key new` or `ssh-keygen -t ed25519`".to_owned(),
            Self::Unknown { .. } => {
                "add the key to the file of approvers, in a change that the others review; `sprag key show` prints its line"
                    .to_owned()
            }
            Self::NotTheirKey { owner, .. } => format!("sign with your own key, or as `{owner}`"),
            Self::KeyTime { .. } => "renew the key's line in the file of approvers".to_owned(),
            Self::Replayed { .. } | Self::Void { .. } => {
                "look at what would be released now, with `sprag approvals`, and approve that".to_owned()
            }
            Self::Expired { .. } => "ask again, with `sprag resume`".to_owned(),
            Self::Untimely { .. } => "set the clocks of both machines, and sign again".to_owned(),
            Self::Author { .. } => {
                "have somebody else approve it; `author-may-approve = true` in the project file allows it for all".to_owned()
            }
            Self::Twice { .. } => "nothing is to be done: it counts once".to_owned(),
            Self::Rejected { .. } => "start another release once the reason is gone".to_owned(),
            Self::NoReason => "say why, with `--reason`".to_owned(),
        }
    }
}

/// What the approvals so far come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Enough people approved: who.
    Approved(Vec<String>),
    /// Somebody said no.
    Rejected {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// So many are missing.
    Waiting {
        /// How many.
        missing: u32,
    },
    /// The time is over.
    Expired {
        /// Since when.
        at: String,
    },
}

/// The approvals of a release, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What they come to.
    pub standing: Standing,
    /// The approvals that do not count, by their place in the list, with the reason.
    pub refused: Vec<(usize, Refusal)>,
}

impl Policy {
    /// Refuses a rule that nobody can meet.
    ///
    /// # Errors
    /// It asks for more people than there are.
    pub fn check(&self) -> Result<(), PolicyError> {
        let found = self.signers.people().len();
        if usize::try_from(self.required).is_ok_and(|required| required <= found) {
            Ok(())
        } else {
            Err(PolicyError { required: self.required, found })
        }
    }

    /// Judges all approvals that were given, in the order in which they were, against the statement as it stands now.
    pub fn judge(&self, now_stands: &Statement, given: &[Approval], now: &str) -> Judgement {
        let mut counted: Vec<&Approval> = vec![];
        let mut refused = vec![];
        for (place, approval) in given.iter().enumerate() {
            match self.admit(now_stands, &counted, approval, now) {
                Ok(()) => counted.push(approval),
                Err(refusal) => refused.push((place, refusal)),
            }
        }
        let count = u32::try_from(counted.len()).unwrap_or(u32::MAX);
        let standing = if let Some(no) = counted.iter().find(|approval| is_no(approval)) {
            Standing::Rejected { by: no.ballot.approver.clone(), reason: no.ballot.reason.clone() }
        } else if now > now_stands.expires_at.as_str() {
            Standing::Expired { at: now_stands.expires_at.clone() }
        } else if count >= self.required {
            Standing::Approved(counted.iter().map(|approval| approval.ballot.approver.clone()).collect())
        } else {
            Standing::Waiting { missing: self.required - count }
        };
        Judgement { standing, refused }
    }

    /// The first no that counts. Of the statement, only what it is about matters: the project, the release and the environment.
    pub fn rejection<'a>(&self, about: &Statement, given: &'a [Approval], now: &str) -> Option<&'a Ballot> {
        let no = given.iter().find(|approval| is_no(approval) && self.admit(about, &[], approval, now).is_ok());
        no.map(|approval| &approval.ballot)
    }

    /// Whether one more approval counts, after those that count already.
    ///
    /// # Errors
    /// Why it does not.
    pub fn admit(&self, now_stands: &Statement, counted: &[&Approval], new: &Approval, now: &str) -> Result<(), Refusal> {
        let signer = self.signer(new)?;
        about(&new.ballot.statement, now_stands)?;
        if is_no(new) {
            return admit_no(signer, &new.ballot, now);
        }
        let approver = &new.ballot.approver;
        in_force(signer, approver, now)?;
        if let Some(no) = counted.iter().find(|approval| is_no(approval)) {
            return Err(Refusal::Rejected { by: no.ballot.approver.clone(), reason: no.ballot.reason.clone() });
        }
        let changed = changes(&new.ballot.statement, now_stands);
        if !changed.is_empty() {
            return Err(Refusal::Void { approver: approver.clone(), changes: changed });
        }
        if now > now_stands.expires_at.as_str() {
            return Err(Refusal::Expired { expires_at: now_stands.expires_at.clone(), now: now.to_owned() });
        }
        in_time(&new.ballot, now)?;
        has_reason(&new.ballot)?;
        if !self.author_may_approve && signer.names.iter().any(|name| is_author(name, &now_stands.authors)) {
            return Err(Refusal::Author { approver: approver.clone(), authors: now_stands.authors.clone() });
        }
        let people: BTreeSet<&String> = signer.names.iter().collect();
        let same_person = |earlier: &&&Approval| {
            let other = self.signer(earlier);
            other.is_ok_and(|other| other.key == signer.key || other.names.iter().any(|name| people.contains(name)))
        };
        match counted.iter().find(same_person) {
            Some(earlier) => {
                let (verdict, at) = (earlier.ballot.verdict.past(), earlier.ballot.at.clone());
                Err(Refusal::Twice { approver: approver.clone(), verdict, at })
            }
            None => Ok(()),
        }
    }

    /// Who signed: the signature is read and checked, and the key is looked up.
    fn signer(&self, approval: &Approval) -> Result<&Signer, Refusal> {
        let claimed = &approval.ballot.approver;
        let signature = SshSig::from_pem(&approval.signature).map_err(|error| Refusal::Malformed(error.to_string()))?;
        if signature.namespace() != NAMESPACE {
            return Err(Refusal::Namespace(signature.namespace().to_owned()));
        }
        let data: &KeyData = signature.public_key();
        if data.algorithm() != Algorithm::Ed25519 {
            return Err(Refusal::Unsupported(data.algorithm().to_string()));
        }
        let text = ballot_text(&approval.ballot);
        let key = PublicKey::new(data.clone(), "");
        let verified = key.verify(NAMESPACE, text.as_bytes(), &signature);
        verified.map_err(|_| Refusal::Forged { approver: claimed.clone() })?;
        let Some(signer) = self.signers.by_key(data) else {
            let fingerprint = key.fingerprint(ssh_key::HashAlg::Sha256).to_string();
            return Err(Refusal::Unknown { fingerprint, known: self.signers.people() });
        };
        if !signer.names.contains(claimed) {
            return Err(Refusal::NotTheirKey { claimed: claimed.clone(), owner: signer.names.join(", ") });
        }
        Ok(signer)
    }
}

fn is_no(approval: &Approval) -> bool {
    approval.ballot.verdict == Verdict::Reject
}

/// Whether a no counts. It is welcome from whoever made the release, and from whoever said yes before; and it is final: what changes afterwards, an end of
/// the time for the request, or of that for the key, takes none back.
fn admit_no(signer: &Signer, ballot: &Ballot, now: &str) -> Result<(), Refusal> {
    in_time(ballot, now)?;
    in_force(signer, &ballot.approver, now)
        .or_else(|refusal| in_force(signer, &ballot.approver, &ballot.at).map_err(|_| refusal))?;
    has_reason(ballot)
}

/// Whether it was given between the request that was signed and now.
fn in_time(ballot: &Ballot, now: &str) -> Result<(), Refusal> {
    let (at, requested_at) = (ballot.at.as_str(), ballot.statement.requested_at.as_str());
    if is_time(at) && at >= requested_at && at <= now {
        return Ok(());
    }
    Err(Refusal::Untimely { at: at.to_owned(), requested_at: requested_at.to_owned(), now: now.to_owned() })
}

fn has_reason(ballot: &Ballot) -> Result<(), Refusal> {
    if ballot.reason.trim().is_empty() { Err(Refusal::NoReason) } else { Ok(()) }
}

/// Whether the key counts at a time.
fn in_force(signer: &Signer, approver: &str, now: &str) -> Result<(), Refusal> {
    let digits: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
    let fail = |when: String| Err(Refusal::KeyTime { approver: approver.to_owned(), when });
    match (&signer.valid_after, &signer.valid_before) {
        (Some(from), _) if digits < *from => fail(format!("from {from}Z on, and now it is {now}")),
        (_, Some(until)) if digits >= *until => fail(format!("until {until}Z, and now it is {now}")),
        _ => Ok(()),
    }
}

/// Whether it is about this release and this environment at all.
fn about(signed: &Statement, asked: &Statement) -> Result<(), Refusal> {
    let pairs = [
        ("the project", &signed.project, &asked.project),
        ("the release", &signed.release, &asked.release),
        ("the environment", &signed.environment, &asked.environment),
    ];
    match pairs.into_iter().find(|(_, signed, asked)| signed != asked) {
        Some((what, signed, asked)) => Err(Refusal::Replayed { what, signed: signed.clone(), asked: asked.clone() }),
        None => Ok(()),
    }
}

/// Whether a text has the form in which times are compared: RFC 3339 in UTC with milliseconds, where order of text is order of time.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00.000Z";
    let fits = |(found, wanted): (char, char)| if wanted == '0' { found.is_ascii_digit() } else { found == wanted };
    text.len() == form.len() && text.chars().zip(form.chars()).all(fits)
}

/// Whether a person is among the authors: by the whole name, or by what stands before the `@` of an address, since the account of a machine knows no address.
fn is_author(name: &str, authors: &[String]) -> bool {
    let same = |author: &String| {
        let (a, b) = (author.to_lowercase(), name.to_lowercase());
        let account = |text: &str| text.split('@').next().unwrap_or_default().to_owned();
        a == b || (!(a.contains('@') && b.contains('@')) && account(&a) == account(&b))
    };
    authors.iter().any(same)
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

fn lines(changes: &[String]) -> String {
    changes.iter().map(|change| format!("\n  {change}")).collect()
}
