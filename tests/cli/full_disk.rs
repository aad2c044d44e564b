//! A disk that fills: the error names it, what was recorded stands, and the next run completes.

use crate::context::{Outcome, Project, Sprag};

/// Runs a command among mounts of its own, which go with it, whatever becomes of it; none where the machine lets nobody like us mount anything. With `CI` set,
/// whatever else is missing fails the test.
pub(crate) fn among_mounts(project: &Project) -> Option<impl Fn(&[&str]) -> Outcome + '_> {
    let run = |options: &[&str], args: &[&str]| Sprag::of(project, "unshare".as_ref(), &[options, args].concat()).run();
    // The right to mount, or else a namespace of users in which everybody has it.
    let ways = [&["--mount"][..], &["--user", "--map-root-user", "--mount"]];
    let mut refusals = vec![];
    for options in ways {
        let probe = run(options, &["mount", "-t", "tmpfs", "tmpfs", "data"]);
        if probe.code == Some(0) {
            return Some(move |args: &[&str]| run(options, args));
        }
        refusals.push(probe.stderr);
    }
    assert!(std::env::var_os("CI").is_none() || !may_mount(), "expected a disk to be mounted, found: {}", refusals.concat());
    eprintln!("not tested here: no disk can be mounted: {}", refusals.concat());
    None
}

/// Whether the system gives this process the right to mount: `CAP_SYS_ADMIN`, bit 21 of capabilities(7).
fn may_mount() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective =
        status.lines().find_map(|line| line.strip_prefix("CapEff:")).and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    effective.is_some_and(|rights| rights >> 21 & 1 == 1)
}

/// What the program does within a limit on the size of each file that it writes, in units of 512 bytes.
fn within(project: &Project, blocks: usize) -> Outcome {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$SPRAG\" run");
    Sprag::of(project, "sh".as_ref(), &["-c", &script]).run()
}

#[test]
fn no_file_may_grow() {
    let mut failures = vec![];
    for blocks in [0, 1, 8, 24, 48, 64, 96, 128, 192, 256, 320, 384, 512, 1024] {
        let project = Project::diabetes();
        let run = within(&project, blocks);
        if run.code == Some(0) {
            continue;
        }
        let said = run.redacted(&format!("{}{}", run.stdout, run.stderr));
        assert_eq!(run.code, Some(1), "{blocks}: {said}");
        // SQLite has no code of its own for a limit on the size of a file.
        let is_sqlites = said.contains("disk I/O error");
        let is_ours = said.contains("the disk is full") && said.contains("hint: free some space and run again");
        assert!(is_sqlites || is_ours, "{blocks}: {said}");
        failures.push(blocks);
        if project.path(".sprag/store.db").exists() {
            let _ = project.run(&["models"]).ok();
        }
        let run = project.run(&["run"]).ok();
        assert!(run.stdout.contains("registered  diabetes@1"), "{blocks}: {}", run.stdout);
    }
    assert!(failures.len() >= 5, "the limit hit in several places: {failures:?}");
}

#[test]
fn a_disk_with_little_room() {
    let project = Project::diabetes();
    let Some(among_mounts) = among_mounts(&project) else { return };
    let script = r#"
        set -e
        disk="$HOME/disk"
        mkdir -p "$disk"
        mount -t tmpfs tmpfs "$disk"
        cp -r . "$disk/diabetes"
        cd "$disk/diabetes"
        used=$(df -k . | awk 'END { print $3 }')
        mount -o remount,size=$((used + $1))k "$disk"
        set +e
        "$SPRAG" run 2>&1
        echo "exit code $?"
        mount -o remount,size=64m "$disk"
        [ -e .sprag/store.db ] && "$SPRAG" models 2>&1
        "$SPRAG" run 2>&1
        echo "exit code $?"
    "#;
    let mut failures = vec![];
    for room in ["0", "4", "16", "40", "80", "120", "160", "200", "280", "360", "10000"] {
        let run = among_mounts(&["sh", "-c", script, "sh", room]).ok();
        let (full, after) = run.stdout.split_once("exit code ").unwrap();
        assert!(after.ends_with("exit code 0\n"), "{room}: {}", run.stdout);
        if after.starts_with('0') {
            continue;
        }
        failures.push(room);
        assert!(after.starts_with("1\n") && full.contains("the disk is full"), "{room}: {}", run.stdout);
        assert!(full.contains("hint: free some space and run again"), "{room}: {}", run.stdout);
        assert!(after.contains("registered  diabetes@1"), "{room}: {}", run.stdout);
    }
    assert!(failures.len() >= 5 && !failures.contains(&"10000"), "the disk was full in several places: {failures:?}");
}
