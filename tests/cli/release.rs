//! Releases, approvals and keys through the command line, as far as they need no service.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use sprag_schemas::exit_code;

use crate::context::Project;

#[test]
fn a_project_without_environments_says_what_to_add() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    assert_snapshot!(project.run(&["release"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected `[environments]` in the project file, found none

    hint: add `[environments.staging]` and `[environments.production]`; `docs/guides/release.md` shows how
    ");
    assert_snapshot!(project.run(&["rollback", "production"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected `[environments]` in the project file, found none

    hint: add `[environments.staging]` and `[environments.production]`; `docs/guides/release.md` shows how
    ");
}

#[test]
fn nothing_released_is_nothing_to_show() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    for (args, note) in [
        (["releases"], "nothing has been released yet\n"),
        (["approvals"], "nothing waits for an approval\n"),
        (["environments"], "the project has no environments\n"),
    ] {
        let outcome = project.run(&args).ok();
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", note));
        let json: Vec<serde_json::Value> = project.run(&[args[0], "--json"]).ok().json();
        assert!(json.is_empty());
    }
    assert_snapshot!(project.run(&["resume"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: no release is called `latest`

    hint: `sprag releases` lists all releases; `latest` means the newest
    ");
}

#[test]
fn a_key_is_the_owners_alone_and_never_overwritten() {
    let project = Project::diabetes();
    let line = project.run(&["key", "new", "--name", "ada@example.com"]).ok().stdout;
    assert!(line.starts_with("ada@example.com namespaces=\"sprag-approval\" ssh-ed25519 AAAA"), "{line}");
    let path = project.outside().join("home/.config/sprag/key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&path).unwrap();
    let again = project.run(&["key", "new", "--name", "eve"]).exits(exit_code::BAD_PROJECT);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // The key says whose it is.
    assert_eq!(project.run(&["key", "show"]).ok().stdout, line);
    let private = String::from_utf8(before).unwrap();
    let secret = private.lines().nth(1).unwrap();
    assert!(!line.contains(secret));
}

#[test]
fn a_key_that_cannot_be_used_says_why() {
    let project = Project::diabetes();
    let missing = project.run(&["key", "show"]).exits(exit_code::BAD_PROJECT).error();
    assert!(missing.contains("hint: make one with `sprag key new`, or name one with `--key` or `SPRAG_KEY`"), "{missing}");
    project.write("no-key", "hello\n");
    let wrong = project.run(&["key", "show", "--key", "no-key"]).exits(exit_code::BAD_PROJECT).error();
    assert!(wrong.contains("`no-key`: expected a private key as `ssh-keygen -t ed25519` writes it"), "{wrong}");
    let name = project.run(&["key", "new", "--name", "ada and eve"]).exits(exit_code::BAD_PROJECT).error();
    assert!(name.contains("found `ada and eve`"), "{name}");
    let add = project.run(&["key", "new", "--add"]).exits(exit_code::BAD_PROJECT).error();
    assert!(add.contains("expected an environment with `approval` in the project file, found none"), "{add}");
    assert!(!project.outside().join("home/.config/sprag/key").exists());
}
