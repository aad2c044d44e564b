//! Drift over sketches in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;

use sprag_core::drift::{Bins, ColumnSketch};
use sprag_data::{Column, DType, Field, Values};

use super::*;

thread_local! {
    static TODAY: RefCell<&'static str> = const { RefCell::new("2026-11-25") };
}

fn today() -> String {
    TODAY.with(|today| (*today.borrow()).to_owned())
}

/// What was kept, by model and day, and whether keeping fails.
#[derive(Default)]
struct Memory {
    kept: Mutex<BTreeMap<(String, String), u64>>,
    failures: Mutex<Vec<String>>,
    is_full: Mutex<bool>,
}

impl Sketches for Arc<Memory> {
    fn training(&self, release: &ReleaseKey) -> Option<Sketch> {
        (release.digest != "unknown").then(training)
    }

    fn keep(&self, release: &ReleaseKey, day: &str, seen: &Sketch) -> Result<(), String> {
        if *self.is_full.lock().unwrap() {
            return Err("the disk is full".to_owned());
        }
        self.kept.lock().unwrap().insert((release.digest.clone(), day.to_owned()), seen.inputs["x"].rows());
        Ok(())
    }

    fn failed(&self, message: &str) {
        self.failures.lock().unwrap().push(message.to_owned());
    }
}

/// 1000 rows, spread over ten bins; the prediction is 0 or 1.
fn training() -> Sketch {
    let mut x = ColumnSketch::new(Bins::Edges((1..10).map(f64::from).collect()));
    (0..1000).for_each(|row| x.number(f64::from(row) / 100.0));
    let mut y = ColumnSketch::new(Bins::Edges(vec![0.5]));
    (0..1000).for_each(|row| y.number(f64::from(row % 2)));
    Sketch::new(BTreeMap::from([("x".to_owned(), x)]), BTreeMap::from([("y".to_owned(), y)]))
}

fn see(observer: &dyn Observer, digest: &str, values: &[f64]) {
    let field = |name: &str| Field { name: name.to_owned(), dtype: DType::Float, nullable: false };
    let column = |values: Vec<f64>| Column { values: Values::Floats(values), validity: None };
    let release = ReleaseKey { name: "m".to_owned(), version: "3".to_owned(), digest: digest.to_owned() };
    observer.observe(&Observation {
        variant: "champion",
        release: &release,
        rows: values.len() as u32,
        // One that no bins are for, first: counters go by name, and columns by place.
        input_fields: &[field("new"), field("x")],
        inputs: &[column(vec![0.0; values.len()]), column(values.to_vec())],
        output_fields: &[field("y")],
        outputs: Some(&[column(values.iter().map(|x| x % 2.0).collect())]),
        status: 200,
        latency: Duration::ZERO,
    });
}

fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|found| found.strip_prefix(line)).unwrap_or_else(|| panic!("no `{line}` in:\n{text}"));
    found.trim().parse().unwrap()
}

#[test]
fn the_figures_tell_what_has_moved() {
    let drift = Drift::dated(Arc::<Memory>::default(), today);
    let observer = drift.observer();
    assert_eq!(observer.metrics(), "", "nothing was seen");
    see(&*observer, "a", &(0..1000).map(|row| f64::from(row) / 100.0).collect::<Vec<_>>());
    let x = "{model=\"m\",version=\"3\",role=\"input\",column=\"x\"}";
    assert!(value(&observer.metrics(), &format!("sprag_drift_psi{x}")) < 0.01);
    for _ in 0..9 {
        see(&*observer, "a", &[20.0; 1000]);
    }
    let text = observer.metrics();
    assert!(value(&text, &format!("sprag_drift_psi{x}")) > 1.0, "{text}");
    assert_eq!(value(&text, "sprag_drift_rows{model=\"m\",version=\"3\"}"), 10_000.0);
    assert!(text.lines().filter(|line| line.starts_with("# TYPE")).count() == 5 && !text.contains("new"), "{text}");
}

#[test]
fn a_model_without_training_rows_is_let_be() {
    let memory = Arc::<Memory>::default();
    let drift = Drift::dated(memory.clone(), today);
    see(&*drift.observer(), "unknown", &[1.0]);
    drift.finish();
    assert_eq!((drift.observer().metrics(), memory.kept.lock().unwrap().len()), (String::new(), 0));
}

#[test]
fn each_day_is_kept_by_itself_and_nothing_twice() {
    let memory = Arc::<Memory>::default();
    let drift = Drift::dated(memory.clone(), today);
    let observer = drift.observer();
    let kept = || memory.kept.lock().unwrap().iter().map(|((_, day), rows)| (day.clone(), *rows)).collect::<Vec<_>>();
    see(&*observer, "a", &[1.0, 2.0]);
    drift.finish();
    drift.finish();
    assert_eq!(kept(), [("2026-11-25".to_owned(), 2)]);
    see(&*observer, "a", &[3.0]);
    // To be asked for figures takes nothing away from what is kept.
    assert_eq!(value(&observer.metrics(), "sprag_drift_rows{model=\"m\",version=\"3\"}"), 3.0);
    TODAY.with(|today| *today.borrow_mut() = "2026-11-26");
    drift.finish();
    see(&*observer, "a", &[4.0]);
    drift.finish();
    assert_eq!(kept(), [("2026-11-25".to_owned(), 3), ("2026-11-26".to_owned(), 1)]);
    assert_eq!(value(&observer.metrics(), "sprag_drift_rows{model=\"m\",version=\"3\"}"), 4.0, "yesterday's are still told");
}

#[test]
fn what_cannot_be_kept_is_told_and_kept_later() {
    let memory = Arc::<Memory>::default();
    let drift = Drift::dated(memory.clone(), today);
    *memory.is_full.lock().unwrap() = true;
    see(&*drift.observer(), "a", &[1.0, 2.0]);
    drift.finish();
    assert_eq!(*memory.failures.lock().unwrap(), ["the disk is full"]);
    *memory.is_full.lock().unwrap() = false;
    drift.finish();
    assert_eq!(memory.kept.lock().unwrap().values().copied().collect::<Vec<_>>(), [2]);
}

#[test]
fn threads_count_side_by_side() {
    let memory = Arc::<Memory>::default();
    let drift = Drift::dated(memory.clone(), today);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| (0..1000).for_each(|_| see(&*drift.observer(), "a", &[1.0])));
        }
        (0..50).for_each(|_| drift.finish());
    });
    drift.finish();
    assert_eq!(memory.kept.lock().unwrap().values().copied().collect::<Vec<_>>(), [12_000]);
}
