//! What a process writes and leaves, whatever it is.

use std::cell::RefCell;

use sprag_confine::{Ended, Event, Input, InputSource, Job, Limits, Program, Stream, Supervisor};

use crate::support::{all_means, environment, job, run, shim};

#[test]
fn a_script_that_raises_says_why() {
    for means in all_means() {
        let outcome = run(means, &job("def train():\n    raise ValueError('no rows')\ntrain()")).unwrap();
        assert_eq!(outcome.ended, Ended::Exited(1));
        let text = outcome.stderr.text();
        assert!(text.contains("line 2, in train") && text.ends_with("ValueError: no rows\n"), "{text}");
    }
}

#[test]
fn binary_is_shown_escaped() {
    let script = "import sys\nsys.stdout.buffer.write(bytes(range(256)) + b'\\n')\nsys.stderr.buffer.write(b'\\x1b[2J\\xff')";
    for means in all_means() {
        let outcome = run(means, &job(script)).unwrap();
        assert!(outcome.is_success());
        assert!(outcome.stdout.text().contains("\\xfe\\xff\n"), "{}", outcome.stdout.text());
        assert_eq!(outcome.stderr.text(), "\\u{1b}[2J\\xff");
    }
}

#[test]
fn a_gigabyte_of_output_is_cut() {
    let script = "import os\nline = b'x' * 1023 + b'\\n'\nblock = line * 1024\nfor _ in range(1024): os.write(1, block)\nos.write(1, b'end')";
    for means in all_means() {
        let (told, silenced) = (RefCell::new(0), RefCell::new(0));
        let tell = |event| match event {
            Event::Line(Stream::Stdout, line) => *told.borrow_mut() += line.len(),
            Event::Silenced(Stream::Stdout) => *silenced.borrow_mut() += 1,
            _ => {}
        };
        let limits = Limits { kept: 1000, told: 10_000, ..Limits::default() };
        let job = Job { limits, ..job(script) };
        let outcome = Supervisor::with(shim(), means.clone()).run(environment(), &job, &tell, &|| false).unwrap();
        assert!(outcome.is_success(), "{} {:?}", outcome.ended, outcome.limit);
        assert!(outcome.stdout.written() >= 1 << 30 && outcome.stdout.is_cut(), "{}", outcome.stdout.written());
        assert!(outcome.stdout.text().ends_with("xxx\nend"));
        assert!(outcome.stdout.text().len() <= 1000);
        assert!(*told.borrow() <= 10_000 + 4096 && *silenced.borrow() == 1, "{told:?} {silenced:?}");
    }
}

#[test]
fn lines_come_as_they_are_written() {
    let script = "import sys, os, time\nprint('one')\nwhile not os.path.exists('tmp/never'): time.sleep(600)";
    for means in all_means() {
        let (outcome, events) = crate::support::run_until(means, &job(script), "one");
        assert!(outcome.was_cancelled);
        assert!(matches!(events.first(), Some(Event::Confined(_))), "{events:?}");
    }
}

#[test]
fn files_are_taken_and_all_else_is_refused() {
    let script = r#"
import os
os.makedirs("out/deep/er")
open("out/model.bin", "wb").write(b"12345")
open("out/deep/er/plot", "wb").write(b"1")
os.symlink("/etc/passwd", "out/link")
os.symlink("/", "out/folder-link")
os.mkfifo("out/pipe")
open("out/sp\x1bace", "w").close()
open(b"out/\xff", "w").close()
os.makedirs("out/closed")
open("out/closed/file", "w").close()
os.chmod("out/closed", 0)
"#;
    for means in all_means() {
        let outcome = run(means, &job(script)).unwrap();
        assert_eq!(outcome.ended, Ended::Exited(0), "{means:?} {}", outcome.stderr.text());
        let names: Vec<_> = outcome.outputs.iter().map(|output| (output.name.as_str(), output.size)).collect();
        assert_eq!(names, [("closed/file", 0), ("deep/er/plot", 1), ("model.bin", 5)], "{means:?}");
        let refused: Vec<_> = outcome.refused.iter().map(|refused| (refused.name.as_str(), refused.reason.as_str())).collect();
        let expected = [
            ("\\xff", "expected a name of printable UTF-8"),
            ("folder-link", "expected a regular file, found a symbolic link"),
            ("link", "expected a regular file, found a symbolic link"),
            ("pipe", "expected a regular file, found a pipe"),
            ("sp\\u{1b}ace", "expected a name of printable UTF-8"),
        ];
        assert_eq!(refused, expected, "{means:?}");
        assert!(!outcome.is_success(), "what was left was not what was expected");
        let path = outcome.outputs[2].path.clone();
        assert_eq!(std::fs::read(&path).unwrap(), b"12345");
        drop(outcome);
        assert!(!path.exists(), "the folder goes with the outcome");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let script = "for n in range(5): open(f'out/{n}', 'wb').write(bytes(10))";
    for means in all_means() {
        let many = Limits { outputs: 3, ..Limits::default() };
        let outcome = run(means, &Job { limits: many, ..job(script) }).unwrap();
        assert_eq!(outcome.outputs.len(), 3);
        assert_eq!(outcome.refused[0].reason, "expected at most 3 files");
        let large = Limits { output_bytes: 25, ..Limits::default() };
        let outcome = run(means, &Job { limits: large, ..job(script) }).unwrap();
        assert_eq!(outcome.outputs.len(), 2);
        assert_eq!(outcome.refused[0].reason, "expected at most 25 bytes in all, found 10 in this file after 20");
    }
}

#[test]
fn bad_inputs_are_named() {
    let input = |name: &str| Input { name: name.into(), source: InputSource::Bytes(vec![]) };
    let check = |names: &[&str], expected: &str| {
        let job = Job { inputs: names.iter().map(|name| input(name)).collect(), ..job("") };
        assert_eq!(run(&all_means()[0], &job).unwrap_err().to_string(), expected);
    };
    check(&["a", "a"], "expected each input once, found `a` twice");
    for name in ["../a", "", ".hidden", "a/b", "a b"] {
        let expected = format!("expected letters, digits, `.`, `_` and `-` as the name of an input, found `{name}`");
        check(&[name], &expected);
    }
    let missing = Input { name: "a".into(), source: InputSource::File("/nowhere/a".into()) };
    let error = run(&all_means()[0], &Job { inputs: vec![missing], ..job("") }).unwrap_err();
    assert!(error.to_string().starts_with("failed to use `/nowhere/a`: "), "{error}");
    assert!(matches!(job("").program, Program::Script(_)));
}
