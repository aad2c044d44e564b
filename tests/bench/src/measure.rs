//! Medians, and the table of results.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// Prints a line.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}

/// Wall times of one thing, in seconds.
#[derive(Debug, Clone)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// Seconds that were measured elsewhere.
    pub(crate) const fn of(seconds: Vec<f64>) -> Self {
        Self(seconds)
    }

    pub(crate) fn median(&self) -> f64 {
        let mut times = self.0.clone();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}

/// Times two things in turn, `rounds` times each after a round that is not counted, so that a machine that gets slower does so for both.
pub(crate) fn in_turn(rounds: usize, mut a: impl FnMut(), mut b: impl FnMut()) -> (Times, Times) {
    let (mut times_a, mut times_b) = (vec![], vec![]);
    for round in 0..=rounds {
        let (took_a, took_b) = (once(&mut a), once(&mut b));
        if round > 0 {
            times_a.push(took_a.as_secs_f64());
            times_b.push(took_b.as_secs_f64());
        }
    }
    (Times(times_a), Times(times_b))
}

/// Times one thing, `rounds` times after one that is not counted.
pub(crate) fn alone(rounds: usize, mut a: impl FnMut()) -> Times {
    once(&mut a);
    Times((0..rounds).map(|_| once(&mut a).as_secs_f64()).collect())
}

fn once(work: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The results so far.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<[String; 5]>,
}

impl Report {
    /// Adds a line: what, the figure, what it is held against, the ratio, and the goal with whether it is met.
    pub(crate) fn add(&mut self, what: &str, figure: String, beside: String, ratio: String, goal: Option<(&str, bool)>) {
        let goal = goal.map(|(goal, met)| format!("{goal}: {}", if met { "met" } else { "MISSED" })).unwrap_or_default();
        say(&format!("{what}: {figure} {beside} {ratio} {goal}"));
        self.rows.push([what.to_owned(), figure, beside, ratio, goal]);
    }

    /// Prints all lines as a Markdown table.
    pub(crate) fn print(&self) {
        say("\n| What | sprag | Beside | Ratio | Goal |\n| --- | ---: | ---: | ---: | --- |");
        for row in &self.rows {
            say(&format!("| {} |", row.join(" | ")));
        }
    }
}

/// Milliseconds.
pub(crate) fn ms(seconds: f64) -> String {
    let ms = seconds * 1000.0;
    if ms < 1.0 {
        format!("{ms:.3} ms")
    } else if ms < 100.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}
