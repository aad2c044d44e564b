//! Columns that have moved and columns that have not, in many rows and few.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use super::*;

fn of(column: ColumnSketch) -> Sketch {
    Sketch::new(BTreeMap::from([("x".to_owned(), column)]), BTreeMap::new())
}

fn counted(edges: &[f64], values: impl IntoIterator<Item = f64>) -> ColumnSketch {
    let mut column = ColumnSketch::new(Bins::Edges(edges.to_vec()));
    values.into_iter().for_each(|value| column.number(value));
    column
}

fn kinds<'a>(bins: impl IntoIterator<Item = &'a str>, values: impl IntoIterator<Item = &'a str>) -> ColumnSketch {
    let mut column = ColumnSketch::new(Bins::Values(bins.into_iter().map(str::to_owned).collect()));
    values.into_iter().for_each(|value| column.text(value));
    column
}

fn moved(then: ColumnSketch, now: ColumnSketch) -> ColumnDrift {
    compare(&of(then), &of(now), Thresholds::default()).unwrap().remove(0)
}

/// Numbers of a normal distribution with the mean `mean` and the variance 1, by Box and Muller, of a generator of their own (Marsaglia's xorshift).
fn normal(seed: u64, count: usize, mean: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    (0..count).map(|_| mean + (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect()
}

/// A column of training rows in the bins that a table's sketch makes of them: ten of equal share, one below the least and one above the greatest.
fn trained(rows: &[f64]) -> ColumnSketch {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let tenths = (1..10).map(|tenth| sorted[(sorted.len() * tenth).div_ceil(10) - 1]);
    let edges: Vec<f64> = [sorted[0].next_down()].into_iter().chain(tenths).chain(sorted.last().copied()).collect();
    counted(&edges, rows.iter().copied())
}

/// How often each verdict comes out of 200 trainings with so many rows, each held against so many new ones that are `shift` standard deviations away.
fn verdicts(training: usize, seen: usize, shift: f64) -> [usize; 4] {
    let mut found = [0; 4];
    for seed in 1..=200 {
        let then = trained(&normal(seed, training, 0.0));
        let mut now = ColumnSketch::new(then.bins.clone());
        normal(seed + 1_000_000, seen, shift).into_iter().for_each(|value| now.number(value));
        let order = [Movement::Unknown, Movement::Stable, Movement::Moved, Movement::MovedFar];
        let verdict = moved(then, now).movement;
        found[order.iter().position(|known| *known == verdict).unwrap()] += 1;
    }
    found
}

#[test]
fn the_index_is_that_of_the_formula() {
    // By hand: (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln (2/3); Jensen-Shannon as scipy.spatial.distance.jensenshannon([.25,.75],[.5,.5],2).
    let shares = [(0.25, 0.5), (0.75, 0.5)];
    assert!((psi(&shares) - 0.274_653_072_167_027_4).abs() < 1e-12, "{}", psi(&shares));
    assert!((jensen_shannon(&shares) - 0.220_895_768_849_017_35).abs() < 1e-12, "{}", jensen_shannon(&shares));
    assert_eq!((psi(&[(0.5, 0.5); 2]), jensen_shannon(&[(0.5, 0.5); 2])), (0.0, 0.0));
    assert!((jensen_shannon(&[(1.0, 0.0), (0.0, 1.0)]) - 1.0).abs() < 1e-12);
    // Half a row more in each of two bins, and never less than the least share.
    assert_eq!(softened(&[(3, 0), (0, 1)]), [(3.5 / 4.0, 0.5 / 2.0), (0.5 / 4.0, 1.5 / 2.0)]);
    assert_eq!(softened(&[(1_000_000, 1), (0, 1)])[1].0, LEAST);
}

#[test]
fn what_has_moved_is_found_and_chance_is_not_blamed() {
    let edges = [100.0, 200.0, 300.0, 400.0];
    let spread = |from: u32, to: u32| (from..to).map(f64::from);
    let then = || counted(&edges, spread(0, 500));
    assert_eq!(moved(then(), counted(&edges, spread(0, 500))).movement, Movement::Stable);
    assert_eq!(moved(then(), counted(&edges, spread(60, 560))).movement, Movement::Moved);
    assert_eq!(moved(then(), counted(&edges, spread(250, 750))).movement, Movement::MovedFar);
    // Three rows in three bins are no sign of anything.
    let few = moved(then(), counted(&edges, [50.0, 250.0, 450.0]));
    assert_eq!(few.movement, Movement::Unknown);
    assert!(few.psi > MOVED && few.chance > MOVED_FAR, "{few:?}");
    let empty = moved(then(), counted(&edges, []));
    assert!(empty.movement == Movement::Unknown && empty.psi.is_finite(), "{empty:?}");
}

#[test]
fn a_small_training_set_does_not_hide_what_many_rows_show() {
    // Unknown, stable, moved, far.
    assert_eq!(verdicts(150, 10_000, 1.0), [0, 0, 0, 200]);
    assert_eq!(verdicts(150, 10_000, 5.0), [0, 0, 0, 200]);
    let [unknown, stable, moved, far] = verdicts(150, 10_000, 0.0);
    assert!(stable >= 180 && unknown <= 20 && moved <= 2 && far == 0, "{unknown} {stable} {moved} {far}");
    // Even thirty training rows are enough for what is all new.
    assert_eq!(verdicts(30, 1000, 5.0), [0, 0, 0, 200]);
    // And more of both leave no doubt.
    assert_eq!(verdicts(353, 10_000, 0.0), [0, 200, 0, 0]);
}

#[test]
fn few_rows_say_nothing_of_what_chance_may_have_made() {
    for (training, seen) in [(353, 1), (353, 5), (353, 20), (10_000, 20), (20, 10_000), (30, 30)] {
        let [unknown, stable, moved, far] = verdicts(training, seen, 0.0);
        assert!(unknown >= 198 && stable == 0 && moved + far <= 2, "{training}, {seen}: {unknown} {stable} {moved} {far}");
    }
    // Of a movement that they cannot tell from chance, too.
    let [unknown, stable, ..] = verdicts(353, 20, 0.5);
    assert!(unknown >= 198 && stable == 0, "{unknown} {stable}");
}

#[test]
fn missing_and_unknown_values_are_movement_too() {
    let edges = [1.0];
    let mut now = counted(&edges, (0..500).map(|i| f64::from(i % 3)));
    (0..500).for_each(|_| now.null());
    let drift = moved(counted(&edges, (0..1000).map(|i| f64::from(i % 3))), now);
    assert_eq!((drift.movement, drift.nulls), (Movement::MovedFar, (0.0, 0.5)));
}

#[test]
fn kinds_that_came_once_are_no_better_known_than_others() {
    let names: Vec<String> = (0..150).map(|number| format!("patient-{number}")).collect();
    let bins = || names.iter().map(String::as_str).chain(["a", "b"]);
    // A name in each row, and other names since: all of it is other, then as now.
    let then = kinds(bins(), names.iter().map(String::as_str));
    let drift = moved(then, kinds(bins(), std::iter::repeat_n("someone else", 1000)));
    assert_eq!((drift.movement, drift.psi, drift.other), (Movement::Stable, 0.0, (0.0, 1.0)));
    // What came often and comes no more has moved, all the same.
    let then = kinds(bins(), ["a", "b"].into_iter().cycle().take(150));
    assert_eq!(moved(then, kinds(bins(), std::iter::repeat_n("c", 1000))).movement, Movement::MovedFar);
}
