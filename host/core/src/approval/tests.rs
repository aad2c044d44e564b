//! Every way in which an approval does not count, and the ways in which it does.

use sprag_schemas::approval::{Approval, Ballot, Statement, Verdict};
use sprag_schemas::record::VersionRef;

use super::*;
use crate::digest::Digest;

const ASKED: &str = "2026-11-24T10:00:00.000Z";
const GIVEN: &str = "2026-11-24T11:00:00.000Z";
const NOW: &str = "2026-11-24T12:00:00.000Z";
const EXPIRES: &str = "2026-11-25T10:00:00.000Z";
const LATE: &str = "2026-11-25T10:00:00.001Z";

fn statement() -> Statement {
    Statement {
        release: "20261124-100000-k3xq".into(),
        project: "diabetes".into(),
        environment: "production".into(),
        version: VersionRef { name: "diabetes".into(), version: 3 },
        model: Digest::of(b"model").to_string(),
        plan: Digest::of(b"plan").to_string(),
        evaluation: Digest::of(b"evaluation").to_string(),
        package: Digest::of(b"package").to_string(),
        target: Digest::of(b"target").to_string(),
        replaces: None,
        requested_at: ASKED.into(),
        expires_at: EXPIRES.into(),
        authors: vec!["eve".into()],
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32], "")
}

/// Ada, Grace and Eve.
fn policy(required: u32) -> Policy {
    let lines = [(1, "ada@example.com"), (2, "grace@example.com"), (3, "eve@example.com")];
    let text: String = lines.iter().map(|(seed, name)| key(*seed).signers_line(name) + "\n").collect();
    Policy { required, signers: Signers::parse(&text).unwrap(), author_may_approve: false }
}

fn ballot(approver: &str) -> Ballot {
    let (approver, reason) = (approver.to_owned(), "looks right".to_owned());
    Ballot { statement: statement(), verdict: Verdict::Approve, reason, approver, at: GIVEN.into() }
}

fn signed(seed: u8, ballot: Ballot) -> Approval {
    sign(&key(seed), ballot).unwrap()
}

fn ada() -> Approval {
    signed(1, ballot("ada@example.com"))
}

fn grace() -> Approval {
    signed(2, ballot("grace@example.com"))
}

#[track_caller]
fn refused(approval: &Approval, text: &str) {
    let refusal = policy(1).admit(&statement(), &[], approval, NOW).unwrap_err();
    assert!(refusal.to_string().starts_with(text), "{refusal}");
    assert!(!refusal.hint().is_empty());
}

#[test]
fn a_good_approval_counts() {
    assert_eq!(policy(1).admit(&statement(), &[], &ada(), NOW), Ok(()));
    let judgement = policy(1).judge(&statement(), &[ada()], NOW);
    assert_eq!(judgement, Judgement { standing: Standing::Approved(vec!["ada@example.com".into()]), refused: vec![] });
}

#[test]
fn so_many_must_approve_as_the_rule_says() {
    let standing = |given: &[Approval]| policy(2).judge(&statement(), given, NOW).standing;
    assert_eq!(standing(&[]), Standing::Waiting { missing: 2 });
    assert_eq!(standing(&[ada()]), Standing::Waiting { missing: 1 });
    assert_eq!(standing(&[ada(), ada()]), Standing::Waiting { missing: 1 });
    assert_eq!(standing(&[ada(), grace()]), Standing::Approved(vec!["ada@example.com".into(), "grace@example.com".into()]));
    assert_eq!(policy(0).judge(&statement(), &[], NOW).standing, Standing::Approved(vec![]));
}

#[test]
fn a_rule_that_nobody_can_meet_is_refused() {
    assert_eq!(policy(3).check(), Ok(()));
    assert_eq!(policy(4).check().unwrap_err().to_string(), "expected at least 4 different approvers, found 3");
}

#[test]
fn one_person_counts_once() {
    let (first, again) = (ada(), signed(1, Ballot { reason: "still right".into(), ..ballot("ada@example.com") }));
    let refusal = policy(2).admit(&statement(), &[&first], &again, NOW).unwrap_err();
    assert_eq!(refusal.to_string(), format!("`ada@example.com` has approved already, at {GIVEN}"));
}

#[test]
fn one_person_with_two_keys_counts_once() {
    let text = format!("{}\n{}\n", key(1).signers_line("ada,ada@example.com"), key(4).signers_line("ada@example.com"));
    let policy = Policy { required: 2, signers: Signers::parse(&text).unwrap(), author_may_approve: false };
    let (first, again) = (signed(1, ballot("ada")), signed(4, ballot("ada@example.com")));
    let refusal = policy.admit(&statement(), &[&first], &again, NOW).unwrap_err();
    assert!(matches!(refusal, Refusal::Twice { .. }), "{refusal}");
    assert_eq!(policy.check().unwrap_err().to_string(), "expected at least 2 different approvers, found 1");
}

#[test]
fn a_no_is_final_and_may_come_from_an_author_or_from_whoever_said_yes() {
    for no in [no(1, "ada@example.com"), no(3, "eve@example.com")] {
        let judgement = policy(1).judge(&statement(), &[ada(), no.clone(), grace()], NOW);
        let by = no.ballot.approver;
        assert_eq!(judgement.standing, Standing::Rejected { by, reason: "too slow".into() });
    }
}

fn no(seed: u8, name: &str) -> Approval {
    signed(seed, Ballot { verdict: Verdict::Reject, reason: "too slow".into(), ..ballot(name) })
}

#[test]
fn a_no_outlives_every_change_the_request_and_the_key() {
    let rejected = Standing::Rejected { by: "ada@example.com".into(), reason: "too slow".into() };
    let no = no(1, "ada@example.com");
    let renewed = Statement {
        target: Digest::of(b"another").to_string(),
        requested_at: LATE.into(),
        expires_at: "2026-11-26T10:00:00.000Z".into(),
        ..statement()
    };
    for (stands, now) in [(&renewed, "2026-11-25T11:00:00.000Z"), (&statement(), LATE)] {
        assert_eq!(policy(1).judge(stands, std::slice::from_ref(&no), now).standing, rejected);
        assert_eq!(policy(1).rejection(stands, &[ada(), no.clone()], now), Some(&no.ballot));
    }
    let line = key(1).signers_line("ada@example.com").replace(" namespaces=", " valid-before=\"20261124113000\",namespaces=");
    let ended = Policy { required: 1, signers: Signers::parse(&line).unwrap(), author_may_approve: false };
    assert_eq!(
        ended.judge(&statement(), std::slice::from_ref(&no), NOW).standing,
        rejected,
        "it was given while the key counted"
    );
    let other = Statement { release: "20261124-100000-aaaa".into(), ..statement() };
    assert_eq!(policy(1).rejection(&other, std::slice::from_ref(&no), NOW), None);
    let mut forged = no;
    forged.ballot.reason = "too fast".into();
    assert_eq!(policy(1).rejection(&statement(), &[forged], NOW), None);
}

#[test]
fn no_yes_counts_after_a_no() {
    let refusal = policy(1).admit(&statement(), &[&no(1, "ada@example.com")], &grace(), NOW).unwrap_err();
    assert_eq!(refusal.to_string(), "the release was rejected by `ada@example.com`: too slow");
    let judgement = policy(1).judge(&statement(), &[no(1, "ada@example.com"), grace()], NOW);
    assert!(matches!(judgement.refused[..], [(1, Refusal::Rejected { .. })]), "{judgement:?}");
}

#[test]
fn an_author_cannot_approve() {
    let eve = signed(3, ballot("eve@example.com"));
    refused(&eve, "`eve@example.com` is an author of this release (`eve`) and cannot approve it");
    let allowed = Policy { author_may_approve: true, ..policy(1) };
    assert_eq!(allowed.admit(&statement(), &[], &eve, NOW), Ok(()));
}

#[test]
fn authors_are_known_by_their_account_or_their_address() {
    let by = |authors: &[&str]| {
        let statement = Statement { authors: authors.iter().map(|name| (*name).to_owned()).collect(), ..statement() };
        let ballot = Ballot { statement: statement.clone(), ..ballot("ada@example.com") };
        policy(1).admit(&statement, &[], &signed(1, ballot), NOW).is_ok()
    };
    assert!(by(&["grace", "adam", "ada@elsewhere.org"]));
    assert!(!by(&["ada"]));
    assert!(!by(&["ADA@Example.com"]));
}

#[test]
fn a_changed_ballot_is_forged() {
    let text = "the signature is not one over this approval by `ada@example.com`: it was changed after it was signed, or forged";
    let mut forged = ada();
    forged.ballot.reason = "looks wrong".into();
    refused(&forged, text);
    let mut forged = ada();
    forged.ballot.statement.package = Digest::of(b"other").to_string();
    refused(&forged, text);
    let mut forged = signed(1, Ballot { verdict: Verdict::Reject, ..ballot("ada@example.com") });
    forged.ballot.verdict = Verdict::Approve;
    refused(&forged, text);
    let mut forged = ada();
    forged.signature = grace().signature;
    refused(&forged, text);
}

#[test]
fn a_text_that_is_no_signature_is_refused() {
    let mut damaged = ada();
    for signature in ["", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", "yes"] {
        damaged.signature = signature.to_owned();
        refused(&damaged, "expected an SSH signature (`-----BEGIN SSH SIGNATURE-----`), found something else");
    }
}

#[test]
fn a_signature_for_another_purpose_is_refused() {
    let text = ballot_text(&ballot("ada@example.com"));
    let key = ssh_key::PrivateKey::from_openssh(key(1).to_openssh()).unwrap();
    let signature = key.sign("git", ssh_key::HashAlg::Sha512, text.as_bytes()).unwrap();
    let approval = Approval { signature: signature.to_pem(ssh_key::LineEnding::LF).unwrap(), ..ada() };
    refused(&approval, "expected a signature for `sprag-approval`, found one for `git`");
}

#[test]
fn a_strangers_key_is_refused() {
    refused(
        &signed(9, ballot("ada@example.com")),
        &format!("the key {} is not that of an approver; approvers are `ada", key(9).fingerprint()),
    );
}

#[test]
fn nobody_signs_in_anothers_name() {
    let text = "`grace@example.com` is said to have signed, and the key is that of `ada@example.com`";
    refused(&signed(1, ballot("grace@example.com")), text);
}

#[test]
fn an_approval_of_something_else_cannot_be_used_again() {
    let other = |change: fn(&mut Statement)| {
        let mut ballot = ballot("ada@example.com");
        change(&mut ballot.statement);
        signed(1, ballot)
    };
    refused(
        &other(|statement| statement.release = "20261123-090000-aaaa".into()),
        "the approval is for the release `20261123-090000-aaaa`, not for `20261124-100000-k3xq`: an approval cannot be used twice",
    );
    refused(&other(|statement| statement.environment = "staging".into()), "the approval is for the environment `staging`");
    refused(&other(|statement| statement.project = "other".into()), "the approval is for the project `other`");
}

#[test]
fn an_approval_is_void_once_anything_changed_and_says_what() {
    let mut now_stands = statement();
    now_stands.package = Digest::of(b"rebuilt").to_string();
    now_stands.replaces = Some(Digest::of(b"there").to_string());
    now_stands.version.version = 4;
    let refusal = policy(1).admit(&now_stands, &[], &ada(), NOW).unwrap_err();
    let (before, after, there) = (Digest::of(b"package"), Digest::of(b"rebuilt"), Digest::of(b"there"));
    assert_eq!(
        refusal.to_string(),
        format!(
            "the approval of `ada@example.com` is void, because what was approved changed\n  package changed: {before} -> {after}\n  \
             replaces changed: none -> {there}\n  version changed: diabetes@3 -> diabetes@4"
        )
    );
    let judgement = policy(1).judge(&now_stands, &[ada()], NOW);
    assert_eq!((judgement.standing, judgement.refused.len()), (Standing::Waiting { missing: 1 }, 1));
}

#[test]
fn an_approval_comes_in_time_or_not_at_all() {
    let refusal = policy(1).admit(&statement(), &[], &ada(), LATE).unwrap_err();
    assert_eq!(refusal.to_string(), format!("the request expired at {EXPIRES}, and now it is {LATE}"));
    // What was approved in time cannot be used when the time is over, either.
    let judgement = policy(1).judge(&statement(), &[ada()], LATE);
    assert_eq!(judgement.standing, Standing::Expired { at: EXPIRES.into() });
    for at in ["2026-11-24T09:59:59.999Z", "2026-11-24T12:00:00.001Z", "yesterday", "2026-11-24 11:00:00.000Z"] {
        refused(
            &signed(1, Ballot { at: at.into(), ..ballot("ada@example.com") }),
            &format!("the approval says that it was given at {at}"),
        );
    }
}

#[test]
fn an_approval_has_a_reason() {
    refused(&signed(1, Ballot { reason: " ".into(), ..ballot("ada@example.com") }), "expected a reason, found none");
}

#[test]
fn a_key_counts_between_its_dates() {
    let at = |option: &str| {
        let line = key(1).signers_line("ada@example.com").replace(" namespaces=", &format!(" {option},namespaces="));
        let policy = Policy { required: 1, signers: Signers::parse(&line).unwrap(), author_may_approve: false };
        policy.admit(&statement(), &[], &ada(), NOW).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(at("valid-after=\"20261101\",valid-before=\"20270101Z\""), Ok(()));
    assert_eq!(
        at("valid-before=\"20261124115959\""),
        Err(format!("the key of `ada@example.com` counts until 20261124115959Z, and now it is {NOW}"))
    );
    assert_eq!(
        at("valid-after=\"202611241201\""),
        Err(format!("the key of `ada@example.com` counts from 20261124120100Z on, and now it is {NOW}"))
    );
}

#[test]
fn the_file_of_approvers_is_understood_or_refused() {
    let ada = key(1).public();
    let signers =
        Signers::parse(&format!("# us\n\nada,ada@x {ada} laptop\n  grace namespaces=\"git\" {}\n", key(2).public())).unwrap();
    assert_eq!((signers.entries.len(), signers.people()), (1, vec!["ada".to_owned()]));
    assert_eq!(signers.name_of(&ada), Some("ada"));
    assert_eq!(signers.name_of(&key(2).public()), None);
    let cases = [
        ("*@x KEY", "line 1: expected names without `*`, `?` and `!`, found `*@x`"),
        (
            "ada cert-authority KEY",
            "line 1: expected the options `namespaces`, `valid-after` and `valid-before`, found `cert-authority`",
        ),
        ("ada valid-before=\"soon\" KEY", "line 1: expected a time such as `20270131` or `20270131120000Z`, found `soon`"),
        ("ada", "line 1: expected `NAME [OPTIONS] ssh-ed25519 KEY`, found `ada`"),
        ("ada \"x KEY", "line 1: expected a second quotation mark, found the end of the line"),
        ("ada KEY\nada KEY", "line 2: expected each key once, found the key of line 1 again"),
        ("ada ssh-ed25519 AAAA", "line 1: expected a public key, found `ssh-ed25519 AAAA`"),
        ("ada ssh-rsa AAAA", "line 1: expected a public key, found `ssh-rsa AAAA`"),
    ];
    for (text, error) in cases {
        let found = Signers::parse(&text.replace("KEY", &ada)).unwrap_err().to_string();
        assert!(found.starts_with(error), "{text}: {found}");
    }
}

#[test]
fn the_digest_is_that_of_every_field() {
    let digest = statement_digest(&statement());
    assert_eq!(digest, statement_digest(&statement()));
    assert_ne!(digest, statement_digest(&Statement { authors: vec![], ..statement() }));
}

#[test]
fn keys_are_read_back_and_wrong_ones_explained() {
    let text = key(1).to_openssh();
    assert_eq!(SigningKey::parse(&text, None).unwrap().public(), key(1).public());
    assert!(matches!(SigningKey::parse("no key", None), Err(KeyError::Malformed(_))));
    assert!(key(1).fingerprint().starts_with("SHA256:"));
    assert!(!format!("{:?}", key(1)).contains("PRIVATE"));
}
