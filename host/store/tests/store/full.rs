//! A disk that fills, for real: a small file system in memory where that is permitted, and a limit on file sizes everywhere.

use std::path::Path;
use std::process::Command;

use sprag_core::digest::Digest;
use sprag_schemas::record::{LogLevel, LogLine, StageReport};
use sprag_store::{Store, StoreError};

use crate::{again, samples};

fn check_full(error: &StoreError) {
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().ends_with("the disk is full"), "{error}");
    assert!(error.hint().unwrap().contains("nothing that was recorded is lost"));
}

fn temporary_files(store: &Store) -> usize {
    std::fs::read_dir(store.root().join("tmp")).unwrap().count()
}

/// Different content each time.
fn content(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(8_000)
}

/// On a disk of 2 MiB: fills it with content, then with records, then makes room.
#[test]
fn on_a_small_disk() {
    let Some(folder) = again::folder() else { return };
    let root = folder.join(".sprag");
    let store = Store::open(&root).unwrap();
    let mut run = samples::run("20261122-154300-k3xq");
    store.start_run(&run).unwrap();
    store.add_version(samples::version("diabetes", &run.id, b"state")).unwrap();

    let (kept, error) = fill(&store);
    check_full(&error);
    assert!(kept.len() > 10);
    assert_eq!(temporary_files(&store), 0);
    let mut writer = store.writer().unwrap();
    let failed = (0..100).find_map(|number| writer.append(&content(number)).err());
    check_full(&failed.unwrap_or_else(|| writer.finish().unwrap_err()));

    let line = LogLine { level: LogLevel::Info, message: "x".repeat(2_000_000), fields: Default::default() };
    run.stages.push(samples::stage("train", StageReport { logs: vec![line], ..StageReport::default() }));
    check_full(&store.update_run(&run, &[]).unwrap_err());
    check_full(&store.finish_run(&run, &[]).unwrap_err());
    drop(store);

    // The store may want room even to be opened; when it opens, it has everything.
    match Store::open(&root) {
        Ok(store) => check_kept(&store, &run.id, &kept[1..]),
        Err(error) => check_full(&error),
    }
    let room = samples_path(&root, &kept[0]);
    std::fs::remove_file(room).unwrap();
    let store = Store::open(&root).unwrap();
    check_kept(&store, &run.id, &kept[1..]);
    run.stages.clear();
    store.finish_run(&run, &[]).unwrap();
    store.add_version(samples::version("diabetes", "next", b"state")).unwrap();
}

fn samples_path(root: &Path, digest: &Digest) -> std::path::PathBuf {
    let hex = digest.hex();
    root.join("blobs/sha256").join(&hex[..2]).join(hex)
}

/// Puts content until the disk is full.
fn fill(store: &Store) -> (Vec<Digest>, StoreError) {
    let mut kept = Vec::new();
    loop {
        match store.put_bytes(&content(kept.len() as u64)) {
            Ok(digest) => kept.push(digest),
            Err(error) => return (kept, error),
        }
    }
}

fn check_kept(store: &Store, run_id: &str, kept: &[Digest]) {
    assert_eq!(store.run(run_id).unwrap().unwrap().stages, []);
    assert_eq!(store.versions("diabetes").unwrap().len(), 1);
    kept.iter().for_each(|digest| drop(store.read_blob(digest).unwrap()));
}

/// With files of at most 256 or 512 KiB, as the shell counts: content that is too large is refused, and leaves nothing.
#[test]
fn with_small_files_only() {
    let Some(folder) = again::folder() else { return };
    let store = Store::open(&folder.join(".sprag")).unwrap();
    let small = store.put_bytes(b"small").unwrap();
    check_full(&store.put_bytes(&vec![1; 1 << 20]).unwrap_err());
    let mut writer = store.writer().unwrap();
    check_full(&writer.append(&vec![1; 1 << 20]).unwrap_err());
    drop(writer);
    assert_eq!(temporary_files(&store), 0);
    assert_eq!(store.read_blob(&small).unwrap(), b"small");
}

fn run_confined(wrapper: &[&str], name: &str, folder: &Path) {
    let output = again::command(wrapper, name, folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_limit_on_file_sizes_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let shell = ["sh", "-c", "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\""];
    run_confined(&shell, "full::with_small_files_only", folder.path());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_clear_error_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A mount that only the process sees, and that ends with it. Some containers forbid it even so.
    let mount = format!("mount -t tmpfs -o size=2m none '{}'", folder.path().display());
    let permitted = Command::new("unshare").args(["-rm", "sh", "-c", &mount]).output().is_ok_and(|o| o.status.success());
    if permitted {
        let script = format!("{mount} && exec \"$0\" \"$@\"");
        run_confined(&["unshare", "-rm", "sh", "-c", &script], "full::on_a_small_disk", folder.path());
    }
}
