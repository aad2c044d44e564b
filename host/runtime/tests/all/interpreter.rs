//! Scripts in an interpreter that is a module of WASI preview 1: what they see, how they end, and that nothing else of the machine is there.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use sprag_core::digest::Digest;
use sprag_runtime::interpreter::{Entry, Folder, Interpreter, Output, Script, ScriptEnd, ScriptRun, Watch};

/// What each module begins with: imports, a page of memory, and the place of a path.
const HEAD: &str = r#"
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "host" "call" (func $host (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 100) "../secret")
    (data (i32.const 120) "made")
"#;

/// The error numbers of WASI that are met here.
const BAD_DESCRIPTOR: i32 = 8;

fn interpreter(run: &str) -> Interpreter {
    let text = format!("(module {HEAD} (func (export \"run\") (result i32) {run}))");
    let module = wat::parse_str(text).unwrap();
    Interpreter::load(None, Digest::of(&module), || Ok(module)).unwrap()
}

/// Lets a script go on for so many looks, and hears its lines.
#[derive(Default)]
struct Watcher {
    most: Option<u32>,
    asked: AtomicU32,
    heard: Mutex<Vec<(Output, String)>>,
}

impl Watch for Watcher {
    fn goes_on(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        self.most.is_none_or(|most| asked < most)
    }

    fn told(&self, from: Output, line: &str) {
        self.heard.lock().unwrap().push((from, line.to_owned()));
    }
}

fn unwatched() -> Arc<Watcher> {
    Arc::default()
}

fn script() -> Script {
    Script { memory: 4 << 20, seed: 7, kept: 1000, ..Script::default() }
}

fn ran(run: &str, script: Script) -> ScriptRun {
    interpreter(run).run(script, unwatched()).unwrap()
}

fn ends(run: &str) -> ScriptEnd {
    ran(run, script()).end
}

fn folder(here: &Path, is_writable: bool) -> Vec<Folder> {
    vec![Folder { here: here.to_owned(), there: "/".to_owned(), is_writable }]
}

#[test]
fn a_script_ends_with_its_code() {
    assert_eq!(ends("i32.const 0"), ScriptEnd::Exited(0));
    assert_eq!(ends("i32.const 7"), ScriptEnd::Exited(7));
    assert_eq!(ends("(call $exit (i32.const 3)) i32.const 0"), ScriptEnd::Exited(3));
}

#[test]
fn one_that_is_not_to_go_on_is_ended() {
    let watcher = Arc::new(Watcher { most: Some(3), ..Watcher::default() });
    let run = interpreter("(loop (br 0)) unreachable").run(script(), watcher.clone()).unwrap();
    assert_eq!((run.end, watcher.asked.load(Ordering::Relaxed)), (ScriptEnd::Stopped, 4));
}

#[test]
fn memory_is_refused_past_its_limit() {
    // It grows by a MiB until it gets no more, and then falls over.
    let run = ran("(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable", script());
    assert_eq!(run.end, ScriptEnd::Memory);
    assert!((3 << 20..=4 << 20).contains(&run.peak_memory), "{}", run.peak_memory);
    // One that notices, and says so by its code, passed the limit all the same; one that makes do did not.
    assert_eq!(ends("(drop (memory.grow (i32.const 1000))) i32.const 1"), ScriptEnd::Memory);
    assert_eq!(ends("(drop (memory.grow (i32.const 1000))) i32.const 0"), ScriptEnd::Exited(0));
}

#[test]
fn what_it_writes_is_kept_from_its_end() {
    let write = "(i32.store (i32.const 0) (i32.const 120)) (i32.store (i32.const 4) (i32.const 4)) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))";
    assert_eq!(ran(write, script()).stdout, "made");
    let cut = ran(write, Script { kept: 2, ..script() });
    assert!(cut.stdout.ends_with("de") && cut.stdout.contains("2 bytes before this were dropped"), "{}", cut.stdout);
}

#[test]
fn its_lines_are_told_as_they_come() {
    let write = |from: u32, length: u32| {
        format!(
            "(i32.store (i32.const 0) (i32.const {from})) (i32.store (i32.const 4) (i32.const {length})) (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
        )
    };
    let watcher = unwatched();
    let run =
        format!("(i32.store8 (i32.const 124) (i32.const 10)) {} {} {} i32.const 0", write(120, 2), write(122, 3), write(120, 4));
    assert_eq!(interpreter(&run).run(script(), watcher.clone()).unwrap().end, ScriptEnd::Exited(0));
    assert_eq!(*watcher.heard.lock().unwrap(), [(Output::Stdout, "made".to_owned()), (Output::Stdout, "made".to_owned())]);
}

/// A module that adds the first byte of each source to a number in its last page, and answers with the sum; `_initialize` takes that page and puts 1 there.
fn counting() -> Interpreter {
    let text = format!(
        r#"(module {HEAD}
            (func (export "_initialize") (drop (memory.grow (i32.const 2))) (i32.store (i32.const 131072) (i32.const 1)) (i32.store (i32.const 120) (i32.const 0)))
            (func (export "host_alloc") (param i32) (result i32) i32.const 65536)
            (func (export "turn") (param i32 i32) (result i32)
                (i32.store (i32.const 131072) (i32.add (i32.load (i32.const 131072)) (i32.load8_u (local.get 0))))
                (if (result i32) (i32.eq (i32.load8_u (local.get 0)) (i32.const 48))
                    (then i32.const 0)
                    (else (i32.add (i32.load (i32.const 131072)) (i32.load (i32.const 120)))))))"#
    );
    let module = wat::parse_str(text).unwrap();
    Interpreter::load(None, Digest::of(&module), || Ok(module)).unwrap()
}

fn turn(source: &str, image: Option<&Path>) -> Script {
    Script { entry: Entry::Turn { source: source.to_owned(), image: image.map(Path::to_owned) }, ..script() }
}

#[test]
fn a_script_starts_from_a_memory_that_was_kept() {
    let (dir, module) = (tempfile::tempdir().unwrap(), counting());
    let image = dir.path().join("of/memory");
    let ends = |script| module.run(script, unwatched()).unwrap().end;
    assert_eq!(ends(turn("\u{5}", None)), ScriptEnd::Exited(6));
    assert_eq!(module.imprint(turn("0", None), &image, unwatched()).unwrap().end, ScriptEnd::Exited(0));
    for _ in 0..2 {
        // 1, the 48 of the turn that was kept, and this one; and what the module began with is zero where the image says so.
        assert_eq!(ends(turn("\u{2}", Some(&image))), ScriptEnd::Exited(51));
    }
    let least = Script { memory: 128 << 10, ..turn("\u{2}", Some(&image)) };
    assert_eq!(ends(least), ScriptEnd::Memory, "the memory of the image counts");
}

#[test]
fn no_memory_is_kept_of_a_script_that_failed_and_none_taken_from_half_a_file() {
    let (dir, module) = (tempfile::tempdir().unwrap(), counting());
    let image = dir.path().join("memory");
    assert_eq!(module.imprint(turn("\u{5}", None), &image, unwatched()).unwrap().end, ScriptEnd::Exited(6));
    assert!(!image.exists());
    let error = module.run(turn("0", Some(&image)), unwatched()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    module.imprint(turn("0", None), &image, unwatched()).unwrap();
    let whole = std::fs::read(&image).unwrap();
    for length in [0, 10, 20, 30, whole.len() - 9, whole.len() - 1] {
        std::fs::write(&image, &whole[..length]).unwrap();
        assert!(module.run(turn("0", Some(&image)), unwatched()).is_err(), "{length} of {} bytes", whole.len());
    }
    let mut far = whole.clone();
    far[24..32].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    for other in [far, vec![7; 100]] {
        std::fs::write(&image, other).unwrap();
        assert!(module.run(turn("0", Some(&image)), unwatched()).is_err());
    }
}

#[test]
fn a_trap_is_told() {
    assert!(matches!(ends("unreachable"), ScriptEnd::Trapped(how) if how.contains("unreachable")));
    assert!(matches!(ends("(i32.load (i32.const -4))"), ScriptEnd::Trapped(_)));
    // There is no host of its own behind its other import.
    assert!(matches!(ends("(call $host (i32.const 0) (i32.const 0))"), ScriptEnd::Trapped(_)));
}

#[test]
fn there_is_no_folder_but_those_that_are_given() {
    assert_eq!(ends("(call $prestat (i32.const 3) (i32.const 0))"), ScriptEnd::Exited(BAD_DESCRIPTOR));
    let outside = tempfile::tempdir().unwrap();
    let inside = outside.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(outside.path().join("secret"), "words").unwrap();
    let open = "(call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 9) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))";
    let escaped = ran(open, Script { folders: folder(&inside, true), ..script() });
    assert!(matches!(escaped.end, ScriptEnd::Exited(code) if code != 0), "{:?}", escaped.end);
    // Through a link neither.
    std::os::unix::fs::symlink(outside.path(), inside.join("made")).unwrap();
    let through = "(call $mkdir (i32.const 3) (i32.const 100) (i32.const 9))";
    assert!(
        matches!(ran(through, Script { folders: folder(&inside, true), ..script() }).end, ScriptEnd::Exited(code) if code != 0)
    );
}

#[test]
fn a_folder_to_read_cannot_be_written_to() {
    let here = tempfile::tempdir().unwrap();
    let make = "(call $mkdir (i32.const 3) (i32.const 120) (i32.const 4))";
    assert!(
        matches!(ran(make, Script { folders: folder(here.path(), false), ..script() }).end, ScriptEnd::Exited(code) if code != 0)
    );
    assert!(!here.path().join("made").exists());
    assert_eq!(ran(make, Script { folders: folder(here.path(), true), ..script() }).end, ScriptEnd::Exited(0));
    assert!(here.path().join("made").is_dir());
}

#[test]
fn chance_and_time_are_those_of_the_seed() {
    let random = "(drop (call $random (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))";
    let time = "(drop (call $time (i32.const 0) (i64.const 1) (i32.const 0))) (i32.load (i32.const 0))";
    let other = Script { seed: 8, ..script() };
    assert_eq!(ends(random), ends(random));
    assert_ne!(ends(random), ran(random, other).end);
    assert_eq!(ends(time), ends(time));
}

#[test]
fn compiled_code_is_kept_and_the_module_is_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let module = wat::parse_str(format!("(module {HEAD} (func (export \"run\") (result i32) i32.const 5))")).unwrap();
    let digest = Digest::of(&module);
    assert!(!Interpreter::is_compiled(dir.path(), &digest).unwrap());
    let _first = Interpreter::load(Some(dir.path()), digest, || Ok(module)).unwrap();
    assert!(Interpreter::is_compiled(dir.path(), &digest).unwrap());
    let again = Interpreter::load(Some(dir.path()), digest, || panic!("it is compiled already")).unwrap();
    assert_eq!(again.run(script(), unwatched()).unwrap().end, ScriptEnd::Exited(5));
}
