//! What two tallies say of each other, by the thresholds of the file.

use sprag_schemas::canary::{Errors, Latency, Shift};
use sprag_schemas::quantity::TimeSpan;

use super::Cause;
use super::tally::{Labels, Numbers, Tally};
use crate::drift::{self, Bins, ColumnSketch, Movement, Sketch, Thresholds};

/// What is wrong with a challenger.
pub(super) struct Fault {
    pub(super) cause: Cause,
    pub(super) reason: String,
}

/// What a comparison came to.
pub(super) enum Found {
    /// Nothing speaks against the challenger.
    Fine,
    /// Too little was counted to say anything.
    Unknown(String),
    /// The challenger is worse than it may be.
    Worse(Fault),
}

fn worse(cause: Cause, reason: String) -> Found {
    Found::Worse(Fault { cause, reason })
}

fn rate(tally: &Tally) -> f64 {
    tally.failures() as f64 / tally.requests().max(1) as f64
}

/// The share of failures with half a failure added (Haldane, Annals of Human Genetics 20, 1956), so that the ratio of two has no zero in it.
fn softened(tally: &Tally) -> f64 {
    (tally.failures() as f64 + 0.5) / (tally.requests() as f64 + 1.0)
}

fn told(who: &str, tally: &Tally) -> String {
    format!("the {who} failed {} of {} requests", tally.failures(), tally.requests())
}

/// Whether the challenger, which has not had `requests` yet, failed so often that it cannot be within the threshold by then, if it fails none of those to come.
/// Without a request of the champion nothing says whose fault it is.
pub(super) fn lost_already(errors: &Errors, requests: u64, champion: &Tally, challenger: &Tally) -> Option<Fault> {
    if challenger.requests() >= requests || champion.requests() == 0 {
        return None;
    }
    let difference = challenger.failures() as f64 / requests as f64 - rate(champion);
    (difference > errors.most_difference).then(|| Fault {
        cause: Cause::Errors,
        reason: format!(
            "{}, {}: even if it failed no more of {requests}, it would fail {} more than the champion, where at most {} is allowed",
            told("challenger", challenger),
            told("champion", champion),
            percent(difference),
            percent(errors.most_difference)
        ),
    })
}

pub(super) fn errors(errors: &Errors, champion: &Tally, challenger: &Tally) -> Found {
    let both = format!("{}, {}", told("challenger", challenger), told("champion", champion));
    let difference = rate(challenger) - rate(champion);
    if difference > errors.most_difference {
        let (found, most) = (percent(difference), percent(errors.most_difference));
        return worse(Cause::Errors, format!("{both}: {found} more, where at most {most} is allowed"));
    }
    let ratio = softened(challenger) / softened(champion);
    match errors.most_ratio {
        Some(most) if ratio > most => {
            worse(Cause::Errors, format!("{both}: {ratio:.2} times as many, where at most {most} times is allowed"))
        }
        _ => Found::Fine,
    }
}

pub(super) fn latency(latency: &Latency, champion: &Tally, challenger: &Tally) -> Found {
    let name = format!("p{}", number(latency.quantile * 100.0));
    let quantiles = (champion.quantile(latency.quantile), challenger.quantile(latency.quantile));
    let (Some(then), Some(now)) = quantiles else {
        return Found::Unknown(format!("there are no answers to take the {name} of"));
    };
    let ratio = now.as_secs_f64() / then.as_secs_f64();
    let difference = now.saturating_sub(then);
    if ratio <= latency.most_ratio || difference < latency.least_difference.0 {
        return Found::Fine;
    }
    let millis = |time: std::time::Duration| number(time.as_secs_f64() * 1e3);
    let least = match latency.least_difference {
        TimeSpan(least) if least.is_zero() => String::new(),
        least => format!(" and a difference below {least}"),
    };
    worse(
        Cause::Latency,
        format!(
            "the challenger's {name} is {} ms, the champion's {} ms: {ratio:.2} times as long, where at most {} times{least} is allowed",
            millis(now),
            millis(then),
            latency.most_ratio
        ),
    )
}

pub(super) fn shift(shift: &Shift, champion: &Tally, challenger: &Tally) -> Found {
    let mut unknown = None;
    for found in [
        shift.most_psi.map(|most| stability(most, champion, challenger)),
        shift.most_mean_difference.map(|most| means(most, &champion.numbers, &challenger.numbers)),
    ] {
        match found {
            Some(Found::Worse(fault)) => return Found::Worse(fault),
            Some(Found::Unknown(why)) => unknown = Some(why),
            Some(Found::Fine) | None => {}
        }
    }
    unknown.map_or(Found::Fine, Found::Unknown)
}

/// The population stability index, with bins by the tenths of the champion's predictions, or a bin for each of its labels.
fn stability(most: f64, champion: &Tally, challenger: &Tally) -> Found {
    let (then, now) = if champion.labels.count > 0 {
        let known: Vec<String> = champion.labels.known.keys().cloned().collect();
        (labels(&known, &champion.labels), labels(&known, &challenger.labels))
    } else {
        let edges = tenths(&champion.numbers.sample);
        (numbers(&edges, &champion.numbers), numbers(&edges, &challenger.numbers))
    };
    let sketch = |column: ColumnSketch| Sketch::new([("prediction".to_owned(), column)].into(), [].into());
    let compared = drift::compare(&sketch(then), &sketch(now), Thresholds { moved: most, far: f64::INFINITY });
    let Some(found) = compared.ok().and_then(|mut columns| columns.pop()) else {
        return Found::Unknown("the predictions cannot be compared".to_owned());
    };
    match found.movement {
        Movement::Unknown => {
            Found::Unknown(format!("{} predictions of the challenger are too few to compare with a bound of {most}", found.rows))
        }
        Movement::Stable => Found::Fine,
        Movement::Moved | Movement::MovedFar => worse(
            Cause::Shift,
            format!(
                "the challenger's predictions have a population stability index of {:.3} against the champion's, of which chance makes {:.3}, \
                 where at most {most} beyond chance is allowed",
                found.psi, found.chance
            ),
        ),
    }
}

/// The difference of the means by the root of the mean variance (Austin, Statistics in Medicine 28, 2009). By chance alone its size is
/// sqrt(2/pi) * sqrt(1/n + 1/m) on average: the mean of a normal distribution's absolute value.
fn means(most: f64, champion: &Numbers, challenger: &Numbers) -> Found {
    if champion.count == 0 || challenger.count == 0 {
        return Found::Unknown("there are no numbers to take the mean of".to_owned());
    }
    let chance = (std::f64::consts::FRAC_2_PI * (1.0 / champion.count as f64 + 1.0 / challenger.count as f64)).sqrt();
    if chance > most / 2.0 {
        let count = challenger.count;
        return Found::Unknown(format!("{count} predictions of the challenger are too few to compare with a bound of {most}"));
    }
    let difference = challenger.mean - champion.mean;
    let spread = f64::midpoint(champion.variance(), challenger.variance()).sqrt();
    // Two constants are the same, or as far from each other as can be.
    let standardised = if difference == 0.0 { 0.0 } else { difference / spread };
    if standardised.abs() - chance <= most {
        return Found::Fine;
    }
    worse(
        Cause::Shift,
        format!(
            "the challenger predicts {} on average, the champion {}: a standardised difference of {standardised:.3}, \
             of which chance makes {chance:.3}, where at most {most} beyond chance is allowed",
            number(challenger.mean),
            number(champion.mean)
        ),
    )
}

/// The edges between the tenths of a sample.
fn tenths(sample: &[f64]) -> Vec<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (1..10).filter_map(|tenth| sorted.get((sorted.len() * tenth).div_ceil(10).saturating_sub(1)).copied()).collect()
}

fn numbers(edges: &[f64], numbers: &Numbers) -> ColumnSketch {
    let mut column = ColumnSketch::new(Bins::Edges(edges.to_vec()));
    numbers.sample.iter().for_each(|value| column.number(*value));
    column
}

fn labels(known: &[String], labels: &Labels) -> ColumnSketch {
    let mut column = ColumnSketch::new(Bins::Values(known.to_vec()));
    let Bins::Values(values) = &column.bins else { return column };
    column.counts = values.iter().map(|value| labels.known.get(value).copied().unwrap_or_default()).collect();
    column.other = labels.count - column.counts.iter().sum::<u64>();
    column
}

fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// A number for people: four digits that matter.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if digits == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}
