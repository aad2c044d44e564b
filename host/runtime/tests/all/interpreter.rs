//! Scripts in an interpreter that is a module of WASI preview 1: what they see, how they end, and that nothing else of the machine is there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sprag_core::digest::Digest;
use sprag_runtime::interpreter::{Folder, Interpreter, Script, ScriptEnd, ScriptRun};

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

fn script() -> Script {
    Script { memory: 4 << 20, seed: 7, kept: 1000, ..Script::default() }
}

fn ran(run: &str, script: Script) -> ScriptRun {
    interpreter(run).run(script, Arc::new(|| true)).unwrap()
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
    let asked = Arc::new(AtomicU32::new(0));
    let go_on = {
        let asked = asked.clone();
        Arc::new(move || asked.fetch_add(1, Ordering::Relaxed) < 3)
    };
    let run = interpreter("(loop (br 0)) unreachable").run(script(), go_on).unwrap();
    assert_eq!((run.end, asked.load(Ordering::Relaxed)), (ScriptEnd::Stopped, 4));
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
    assert_eq!(again.run(script(), Arc::new(|| true)).unwrap().end, ScriptEnd::Exited(5));
}
