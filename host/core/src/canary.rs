//! How a challenger takes over by steps, or is sent back: from counts and the time to a verdict.
//!
//! An [`Analysis`] is told what champion and challenger did, and asked now and then. It knows no clock: whoever asks says how late it is. The weights that
//! it asks for are somebody else's to set.

mod judge;
mod tally;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sprag_schemas::canary::Canary;
use sprag_schemas::quantity::TimeSpan;

pub use tally::Tally;

use judge::{Fault, Found};

/// What sent a challenger back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It failed too many requests.
    Errors,
    /// It took too long.
    Latency,
    /// Its predictions lie too far from the champion's.
    Shift,
}

impl Cause {
    /// Its name in figures and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::Shift => "shift",
        }
    }
}

/// How far a challenger is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Progress {
    /// It has the weight of a step.
    Step {
        /// The step, counted from 0.
        step: usize,
    },
    /// It went through all steps, and has all requests.
    Complete,
    /// It was sent back, and has none.
    RolledBack {
        /// By what.
        cause: Cause,
        /// In a sentence.
        reason: String,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: says what for.
    Hold(String),
    /// The challenger goes on to the next step, or has been through all.
    Advance(String),
    /// The challenger is sent back.
    RollBack(Cause, String),
}

/// One challenger on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    canary: Canary,
    progress: Progress,
    began: Option<Duration>,
    champion: Tally,
    challenger: Tally,
}

impl Analysis {
    /// Begins with the first step, or goes on where an earlier analysis was. A step that is gone on with begins anew: its counts are not kept.
    ///
    /// # Errors
    /// The file asks for what cannot be.
    pub fn new(canary: Canary, progress: Option<Progress>) -> Result<Self, String> {
        check(&canary)?;
        let is_known = |progress: &Progress| !matches!(progress, Progress::Step { step } if *step >= canary.steps.len());
        let progress = progress.filter(is_known).unwrap_or(Progress::Step { step: 0 });
        Ok(Self { canary, progress, began: None, champion: Tally::default(), challenger: Tally::default() })
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The share of the requests that the challenger is to have now, in percent.
    pub fn weight(&self) -> u32 {
        match self.progress {
            Progress::Step { step } => self.canary.steps[step].weight,
            Progress::Complete => 100,
            Progress::RolledBack { .. } => 0,
        }
    }

    /// What the champion did in this step.
    pub fn champion(&mut self) -> &mut Tally {
        &mut self.champion
    }

    /// What the challenger did in this step.
    pub fn challenger(&mut self) -> &mut Tally {
        &mut self.challenger
    }

    /// Says what is to be done at `now`, the time since any moment that stays the same, and goes on accordingly.
    pub fn judge(&mut self, now: Duration) -> Verdict {
        let Progress::Step { step } = self.progress else {
            return Verdict::Hold("nothing is left to be judged".to_owned());
        };
        let began = *self.began.get_or_insert(now);
        let steps = self.canary.steps.len();
        let current = &self.canary.steps[step];
        let requests = u64::from(current.requests);
        let lost = judge::lost_already(&self.canary.errors, requests, &self.champion, &self.challenger);
        if let Some(fault) = lost {
            return self.roll_back(fault);
        }
        for (who, tally) in [("challenger", &self.challenger), ("champion", &self.champion)] {
            if tally.requests() < requests {
                return Verdict::Hold(format!("the {who} has had {} of {requests} requests in this step", tally.requests()));
            }
        }
        match self.compare() {
            Found::Worse(fault) => return self.roll_back(fault),
            Found::Unknown(why) => return Verdict::Hold(why),
            Found::Fine => {}
        }
        let left = current.pause.0.saturating_sub(now.saturating_sub(began));
        if !left.is_zero() {
            let whole = Duration::from_secs(left.as_secs_f64().ceil() as u64);
            return Verdict::Hold(format!("the pause of this step goes on for {}", TimeSpan(whole)));
        }
        let done = format!("nothing spoke against {} % in {} requests", current.weight, self.challenger.requests());
        self.progress = if step + 1 < steps { Progress::Step { step: step + 1 } } else { Progress::Complete };
        self.begin();
        Verdict::Advance(done)
    }

    fn compare(&self) -> Found {
        let (champion, challenger) = (&self.champion, &self.challenger);
        let mut unknown = None;
        for found in [
            Some(judge::errors(&self.canary.errors, champion, challenger)),
            self.canary.latency.as_ref().map(|latency| judge::latency(latency, champion, challenger)),
            self.canary.shift.as_ref().map(|shift| judge::shift(shift, champion, challenger)),
        ] {
            match found {
                Some(Found::Worse(fault)) => return Found::Worse(fault),
                Some(Found::Unknown(why)) => unknown = unknown.or(Some(why)),
                Some(Found::Fine) | None => {}
            }
        }
        unknown.map_or(Found::Fine, Found::Unknown)
    }

    fn begin(&mut self) {
        self.began = None;
        self.champion = Tally::default();
        self.challenger = Tally::default();
    }

    fn roll_back(&mut self, fault: Fault) -> Verdict {
        let Fault { cause, reason } = fault;
        self.progress = Progress::RolledBack { cause, reason: reason.clone() };
        Verdict::RollBack(cause, reason)
    }
}

/// What the types of the file do not say.
fn check(canary: &Canary) -> Result<(), String> {
    if canary.steps.is_empty() {
        return Err("expected at least one `[[steps]]`, found none".to_owned());
    }
    let mut before = 0;
    for (count, step) in (1..).zip(&canary.steps) {
        if !(1..=99).contains(&step.weight) {
            return Err(format!(
                "expected a `weight` from 1 to 99 in step {count}, found {}: all requests come after the last step",
                step.weight
            ));
        }
        if step.weight <= before {
            return Err(format!("expected a `weight` above {before} in step {count}, found {}", step.weight));
        }
        if step.requests == 0 {
            return Err(format!("expected `requests` of at least 1 in step {count}, found 0"));
        }
        before = step.weight;
    }
    let errors = &canary.errors;
    if !(0.0..=1.0).contains(&errors.most_difference) {
        return Err(format!("expected `most-difference` from 0 to 1 in `[errors]`, found {}", errors.most_difference));
    }
    let mut bounds = vec![("errors", "most-ratio", errors.most_ratio, 1.0)];
    if let Some(latency) = &canary.latency {
        if !(latency.quantile > 0.0 && latency.quantile < 1.0) {
            return Err(format!("expected a `quantile` between 0 and 1 in `[latency]`, found {}", latency.quantile));
        }
        // Fewer requests have no such quantile: it would be their maximum. The small part is for what 1 - 0.99 is not quite.
        let least = (1.0 / (1.0 - latency.quantile) - 1e-6).ceil();
        if let Some((count, step)) = (1..).zip(&canary.steps).find(|(_, step)| f64::from(step.requests) < least) {
            let (quantile, found) = (latency.quantile, step.requests);
            return Err(format!(
                "expected `requests` of at least {least} in step {count} for the quantile {quantile}, found {found}"
            ));
        }
        bounds.push(("latency", "most-ratio", Some(latency.most_ratio), 1.0));
    }
    if let Some(shift) = &canary.shift {
        if shift.most_psi.is_none() && shift.most_mean_difference.is_none() {
            return Err("expected `most-psi` or `most-mean-difference` in `[shift]`, found neither".to_owned());
        }
        bounds.push(("shift", "most-psi", shift.most_psi, f64::MIN_POSITIVE));
        bounds.push(("shift", "most-mean-difference", shift.most_mean_difference, f64::MIN_POSITIVE));
    }
    for (table, key, bound, least) in bounds {
        if let Some(found) = bound.filter(|bound| !(bound.is_finite() && *bound >= least)) {
            let least = if least == 1.0 { "a number of at least 1" } else { "a number above 0" };
            return Err(format!("expected {least} as `{key}` in `[{table}]`, found {found}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
