use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use sprag_core::digest::Digest;
use sprag_store::Store;

use crate::samples;

/// Looks the file up, digests it, and says whether the digest is remembered now.
fn digest(store: &Store, path: &Path) -> bool {
    assert_eq!(store.remembered_digest(path).unwrap(), None);
    store.remember_digest(path, &Digest::of(&fs::read(path).unwrap())).unwrap()
}

/// Waits until what was just written counts as settled.
fn settle() {
    std::thread::sleep(Duration::from_millis(2_050));
}

#[test]
fn a_settled_file_is_remembered_until_it_changes() {
    let (folder, store) = samples::store();
    let paths = ["rewritten", "replaced", "touched", "changed-meanwhile", "never-looked-up"].map(|name| folder.path().join(name));
    let [rewritten, replaced, touched, meanwhile, never] = &paths;
    for path in &paths {
        fs::write(path, "content").unwrap();
    }
    assert!(!digest(&store, rewritten), "a file that was just written is not to be trusted");
    settle();

    assert!(!store.remember_digest(never, &Digest::of(b"content")).unwrap());
    assert_eq!(store.remembered_digest(meanwhile).unwrap(), None);
    fs::write(meanwhile, "CONTENT").unwrap();
    assert!(!store.remember_digest(meanwhile, &Digest::of(b"content")).unwrap());
    assert_eq!(store.remembered_digest(meanwhile).unwrap(), None);

    for path in [rewritten, replaced, touched] {
        assert!(digest(&store, path));
    }
    let reopened = Store::open(store.root()).unwrap();
    for path in [rewritten, replaced, touched] {
        assert_eq!(reopened.remembered_digest(path).unwrap(), Some(Digest::of(b"content")));
    }
    let modified = fs::metadata(touched).unwrap().modified().unwrap();
    fs::write(rewritten, "CONTENT").unwrap();
    fs::rename(never, replaced).unwrap();
    // The same size and, by an archiver's hand, the same time of change.
    fs::write(touched, "CONTENT").unwrap();
    File::options().write(true).open(touched).unwrap().set_modified(modified).unwrap();
    for path in [rewritten, replaced, touched] {
        assert_eq!(reopened.remembered_digest(path).unwrap(), None, "{}", path.display());
    }
}

#[test]
fn a_file_from_the_future_is_not_trusted() {
    let (folder, store) = samples::store();
    let path = folder.path().join("data.csv");
    fs::write(&path, "content").unwrap();
    let future = SystemTime::now() + Duration::from_secs(3_600);
    File::options().write(true).open(&path).unwrap().set_modified(future).unwrap();
    assert!(!digest(&store, &path));
}

#[test]
fn what_is_no_file_is_not_remembered() {
    let (folder, store) = samples::store();
    for path in [folder.path(), &folder.path().join("missing")] {
        assert_eq!(store.remembered_digest(path).unwrap(), None);
        assert!(!store.remember_digest(path, &Digest::of(b"")).unwrap());
    }
}
