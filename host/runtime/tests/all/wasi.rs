//! WASI as a stage sees it: nothing of the machine that was not granted.

use sprag_schemas::manifest::Clock;

use crate::support::{Call, logs, numbers, programs};

/// What the program sees around it, as one text.
fn surroundings(change: impl FnOnce(&mut Call)) -> Vec<String> {
    let mut call = Call::act(programs::check(), "surroundings");
    change(&mut call);
    let report = call.check(&numbers(1)).report;
    logs(&report).into_iter().map(str::to_owned).collect()
}

fn line(told: &[String], name: &str) -> String {
    told.iter().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap().to_owned()
}

#[test]
fn nothing_of_the_machine_is_seen() {
    let told = surroundings(|_| {});
    assert_eq!(line(&told, "env"), "[]");
    assert_eq!(line(&told, "args"), "0");
    assert_eq!(line(&told, "files"), "0");
    assert_eq!(line(&told, "written"), "false");
    assert_eq!(line(&told, "stdin"), "Some(0)");
}

#[test]
fn granted_variables_are_seen_and_no_others() {
    let told = surroundings(|call| call.stage.env = vec![("TZ".to_owned(), "UTC".to_owned())]);
    assert_eq!(line(&told, "env"), r#"[("TZ", "UTC")]"#);
}

#[test]
fn the_clock_stands_unless_granted() {
    let frozen = surroundings(|_| {});
    assert_eq!(line(&frozen, "clock"), "946684800", "2000-01-01T00:00:00Z");
    assert_eq!(line(&frozen, "elapsed"), "1µs", "each look moves it a little");
    let real = surroundings(|call| call.stage.clock = Clock::Real);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(line(&real, "clock").parse().unwrap()) < 600);
}

#[test]
fn chance_follows_the_seed() {
    let seeded = |seed| line(&surroundings(|call| call.stage.seed = seed), "random");
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}
