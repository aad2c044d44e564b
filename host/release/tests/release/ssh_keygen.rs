//! OpenSSH's own tool as a second opinion on keys and signatures.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sprag_core::approval::{Policy, Signers, SigningKey, ballot_text, sign};
use sprag_schemas::approval::{Approval, Ballot, NAMESPACE, Statement, Verdict};
use sprag_schemas::record::VersionRef;

use crate::support::key;

const ADA: &str = "ada@example.com";

/// Runs `ssh-keygen`; none where the machine has none.
fn ssh_keygen(args: &[&str], input: &str) -> Option<Output> {
    let child = Command::new("ssh-keygen").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "expected `ssh-keygen`, found {error}");
            eprintln!("left out: `ssh-keygen` is not here");
            return None;
        }
    };
    // A tool that has seen enough closes its input; what it thinks is in its exit status.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Some(child.wait_with_output().unwrap())
}

fn ballot() -> Ballot {
    let text = |text: &str| text.to_owned();
    let statement = Statement {
        release: text("20261124-100000-k3xq"),
        project: text("diabetes"),
        environment: text("production"),
        version: VersionRef { name: text("diabetes"), version: 3 },
        model: text("sha256:aa"),
        plan: text("sha256:bb"),
        evaluation: text("sha256:cc"),
        package: text("sha256:dd"),
        target: text("sha256:ee"),
        replaces: None,
        requested_at: text("2026-11-24T10:00:00.000Z"),
        expires_at: text("2026-11-25T10:00:00.000Z"),
        authors: vec![text("eve")],
    };
    let reason = text("looks \"right\"\nto me: \u{e4}\u{1f600}");
    Ballot { statement, verdict: Verdict::Approve, reason, approver: text(ADA), at: text("2026-11-24T11:00:00.000Z") }
}

fn verify(dir: &Path, approval: &Approval) -> Option<Output> {
    let (signers, signature) = (dir.join("signers"), dir.join("signature"));
    fs::write(&signers, key(1).signers_line(ADA) + "\n").unwrap();
    fs::write(&signature, &approval.signature).unwrap();
    let args = ["-Y", "verify", "-f", signers.to_str().unwrap(), "-I", ADA, "-n", NAMESPACE, "-s", signature.to_str().unwrap()];
    ssh_keygen(&args, &ballot_text(&approval.ballot))
}

#[test]
fn openssh_verifies_what_is_signed_here() {
    let dir = tempfile::tempdir().unwrap();
    let mut approval = sign(&key(1), ballot()).unwrap();
    let Some(output) = verify(dir.path(), &approval) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    approval.ballot.reason.push('!');
    assert!(!verify(dir.path(), &approval).unwrap().status.success());
}

#[test]
fn what_openssh_signs_counts_here() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let args = ["-q", "-t", "ed25519", "-N", "", "-C", ADA, "-f", path.to_str().unwrap()];
    let Some(made) = ssh_keygen(&args, "") else { return };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = SigningKey::parse(&fs::read_to_string(&path).unwrap(), None).unwrap();
    assert_eq!(key.comment(), ADA);
    let signed = ssh_keygen(&["-Y", "sign", "-f", path.to_str().unwrap(), "-n", NAMESPACE], &ballot_text(&ballot())).unwrap();
    let approval = Approval { ballot: ballot(), signature: String::from_utf8(signed.stdout).unwrap() };
    let policy = Policy { required: 1, signers: Signers::parse(&key.signers_line(ADA)).unwrap(), author_may_approve: false };
    let ballot = ballot();
    assert_eq!(policy.admit(&ballot.statement, &[], &approval, "2026-11-24T12:00:00.000Z"), Ok(()));
}

#[test]
fn an_encrypted_key_of_openssh_opens_with_its_passphrase() {
    use sprag_core::approval::KeyError;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let args = ["-q", "-t", "ed25519", "-N", "correct horse", "-a", "1", "-f", path.to_str().unwrap()];
    if ssh_keygen(&args, "").is_none() {
        return;
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(SigningKey::parse(&text, None).unwrap_err(), KeyError::Encrypted);
    assert_eq!(SigningKey::parse(&text, Some("wrong")).unwrap_err(), KeyError::WrongPassphrase);
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    let opened = SigningKey::parse(&text, Some("correct horse")).unwrap();
    assert!(public.starts_with(&opened.public()));
}

#[test]
fn a_key_of_another_kind_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    if ssh_keygen(&["-q", "-t", "ecdsa", "-N", "", "-f", path.to_str().unwrap()], "").is_none() {
        return;
    }
    let error = SigningKey::parse(&fs::read_to_string(&path).unwrap(), None).unwrap_err().to_string();
    assert!(error.contains("ecdsa") || error.starts_with("expected a private key"), "{error}");
}

#[test]
fn a_key_made_here_is_one_of_openssh() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    fs::write(&path, key(1).to_openssh()).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let Some(output) = ssh_keygen(&["-y", "-f", path.to_str().unwrap()], "") else { return };
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), key(1).public());
}
