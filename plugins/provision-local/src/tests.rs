//! The plugin over folders in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::*;

/// Paths with their files; none for a folder. Writes are counted.
#[derive(Default)]
struct Memory {
    entries: RefCell<BTreeMap<String, Option<Vec<u8>>>>,
    writes: Cell<usize>,
    is_full: bool,
}

impl Memory {
    fn change(&self, path: &str, entry: Option<Vec<u8>>) -> Result<(), FolderError> {
        if self.is_full {
            return Err(FolderError::Io("no space left on device".to_owned()));
        }
        self.writes.set(self.writes.get() + 1);
        self.entries.borrow_mut().insert(path.to_owned(), entry);
        Ok(())
    }
}

impl Disk for Memory {
    fn look(&self, _: &str, path: &str) -> Result<Option<Entry>, FolderError> {
        let entries = self.entries.borrow();
        Ok(entries.get(path).map(|entry| if entry.is_some() { Entry::File } else { Entry::Folder }))
    }

    fn make(&self, _: &str, path: &str) -> Result<bool, FolderError> {
        self.change(path, None).map(|()| true)
    }

    fn read(&self, _: &str, path: &str) -> Result<Option<Vec<u8>>, FolderError> {
        Ok(self.entries.borrow().get(path).cloned().flatten())
    }

    fn write(&self, _: &str, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        self.change(path, Some(bytes.to_vec()))
    }
}

fn params() -> Params {
    Params {
        folder: "../workspace".to_owned(),
        name: "diabetes".to_owned(),
        description: String::new(),
        folders: vec!["data".to_owned(), "scored/daily".to_owned()],
    }
}

fn actions(changes: &[Change]) -> Vec<(Action, &str)> {
    changes.iter().map(|change| (change.action, change.subject.as_str())).collect()
}

#[test]
fn the_schema_is_committed() {
    let derived = schemars::schema_for!(Params).to_value();
    sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <ProvisionLocal as sprag_sdk::Plugin>::JSON, &derived);
}

#[test]
fn the_second_run_changes_nothing_and_says_so() {
    let disk = Memory::default();
    let all = |action: Action| {
        vec![
            (action, "folder ../workspace"),
            (action, "folder ../workspace/data"),
            (action, "folder ../workspace/scored/daily"),
            (action, "file ../workspace/workspace.json"),
        ]
    };
    assert_eq!(actions(&changes(&disk, &params()).unwrap()), all(Action::Create));
    assert_eq!(disk.writes.get(), 0, "a plan changes nothing");
    assert_eq!(actions(&apply(&disk, &params()).unwrap()), all(Action::Create));
    let writes = disk.writes.get();
    assert_eq!(actions(&apply(&disk, &params()).unwrap()), all(Action::Keep));
    assert_eq!(disk.writes.get(), writes);
    let described = Params { description: "patients".to_owned(), ..params() };
    let changed = apply(&disk, &described).unwrap();
    assert_eq!((changed[3].action, changed[3].detail.as_str()), (Action::Update, "description `` -> `patients`"));
    assert_eq!(actions(&apply(&disk, &described).unwrap()), all(Action::Keep));
}

#[test]
fn what_is_missing_again_is_made_again() {
    let disk = Memory::default();
    apply(&disk, &params()).unwrap();
    disk.entries.borrow_mut().remove("data");
    let changed = apply(&disk, &params()).unwrap();
    assert_eq!(
        changed.iter().map(|change| change.action).collect::<Vec<_>>(),
        [Action::Keep, Action::Create, Action::Keep, Action::Keep]
    );
}

#[test]
fn what_is_somebody_else_s_is_left_alone() {
    let disk = Memory::default();
    apply(&disk, &params()).unwrap();
    let writes = disk.writes.get();
    let other = Params { name: "churn".to_owned(), folders: vec!["new".to_owned()], ..params() };
    assert_eq!(
        apply(&disk, &other).unwrap_err().message(),
        "expected `../workspace/workspace.json` to name the workspace `churn`, found `diabetes`; name another folder"
    );
    disk.entries.borrow_mut().insert(CARD.to_owned(), Some(b"hello".to_vec()));
    assert!(apply(&disk, &params()).unwrap_err().message().contains("found another kind of file"));
    disk.entries.borrow_mut().insert("data".to_owned(), Some(vec![]));
    assert!(apply(&disk, &params()).unwrap_err().message().starts_with("expected a folder or nothing at `../workspace/data`"));
    assert_eq!(disk.writes.get(), writes);
}

#[test]
fn a_disk_that_is_full_and_a_name_that_is_none_are_failures() {
    let disk = Memory { is_full: true, ..Memory::default() };
    assert_eq!(apply(&disk, &params()).unwrap_err(), Failure::internal("no space left on device"));
    for bad in ["", CARD] {
        let wrong = Params { folders: vec![bad.to_owned()], ..params() };
        assert!(matches!(changes(&Memory::default(), &wrong), Err(Failure::BadParams(_))), "{bad}");
    }
}
