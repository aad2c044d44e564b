//! An analysis at work: it hears what champion and challenger do, and sets the challenger's weight by its verdicts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use sprag_core::canary::{Analysis, Progress, Tally, Verdict};
use sprag_data::{Column, Values};

use crate::canary_state::{CanaryState, Subject};
use crate::config::CanarySetup;
use crate::difference::texts;
use crate::error::ServeError;
use crate::rival::Rival;
use crate::served::Served;

/// How often it is judged.
const EVERY: Duration = Duration::from_millis(250);

/// An analysis at work.
pub(crate) struct CanaryWork {
    rival: Arc<Rival>,
    setup: CanarySetup,
    started: Instant,
    /// What an earlier service left, until it is known what is served now.
    kept: Mutex<Option<CanaryState>>,
    current: Mutex<Option<Current>>,
}

/// The analysis of the two models that are there now.
struct Current {
    subject: Subject,
    analysis: Analysis,
    waits_for: String,
}

/// Who did something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The champion, in its own share of the requests.
    Champion,
    /// The challenger.
    Challenger,
}

/// An analysis as others see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct CanaryReport {
    challenger: &'static str,
    steps: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<String>,
}

impl CanaryWork {
    /// Gets an analysis ready for the one challenger that answers.
    ///
    /// # Errors
    /// Steps or thresholds cannot be, there is no such challenger, or the state is damaged.
    pub(crate) fn new(setup: CanarySetup, rivals: &[Arc<Rival>]) -> Result<Self, ServeError> {
        Analysis::new(setup.canary.clone(), None).map_err(ServeError::Challengers)?;
        let answers = |rival: &&Arc<Rival>| rival.shadow.is_none();
        let rival = rivals.iter().find(answers).cloned();
        let rival = rival.ok_or_else(|| ServeError::Challengers("expected a challenger that answers, found none".to_owned()))?;
        if let Some(name) = setup.canary.challenger.as_deref().filter(|name| *name != rival.name()) {
            let found = name.escape_debug();
            let message = format!("expected an analysis of the challenger `{}`, found one of `{found}`", rival.name());
            return Err(ServeError::Challengers(message));
        }
        let kept = setup.state.as_deref().map(CanaryState::read).transpose()?.flatten();
        Ok(Self { rival, setup, started: Instant::now(), kept: Mutex::new(kept), current: Mutex::default() })
    }

    /// Hears of a request that was answered.
    pub(crate) fn answered(&self, side: Side, served: &Served, time: Duration, outputs: &[Column]) {
        self.hear(side, served, |tally| {
            tally.answered(time);
            match outputs.first().map(|prediction| &prediction.values) {
                Some(Values::Floats(values)) => values.iter().for_each(|value| tally.number(*value)),
                Some(Values::Integers(values)) => values.iter().for_each(|value| tally.number(*value as f64)),
                Some(Values::Booleans(values)) => values.iter().for_each(|value| tally.number((*value).into())),
                Some(values @ Values::Texts { .. }) => {
                    texts(values).for_each(|value| tally.label(&String::from_utf8_lossy(value)));
                }
                None => {}
            }
        });
    }

    /// Hears of a request that failed.
    pub(crate) fn failed(&self, side: Side, served: &Served) {
        self.hear(side, served, Tally::failed);
    }

    /// Whether it is about this challenger.
    pub(crate) fn is_about(&self, rival: &Rival) -> bool {
        self.rival.name() == rival.name()
    }

    fn hear(&self, side: Side, served: &Served, tell: impl FnOnce(&mut Tally)) {
        let mut current = self.current();
        let Some(Current { subject, analysis, .. }) = current.as_mut() else { return };
        if !matches!(analysis.progress(), Progress::Step { .. }) {
            return;
        }
        let (digest, tally) = match side {
            Side::Champion => (&subject.champion_digest, analysis.champion()),
            Side::Challenger => (&subject.challenger_digest, analysis.challenger()),
        };
        // A request that began before a model was swapped is none of this analysis.
        if *digest == served.key.digest {
            tell(tally);
        }
    }

    /// How far it is.
    pub(crate) fn report(&self) -> CanaryReport {
        let current = self.current();
        let (progress, waits_for) = match &*current {
            Some(current) => (Some(current.analysis.progress().clone()), Some(current.waits_for.clone())),
            None => (None, Some("champion and challenger are not two different models that are loaded".to_owned())),
        };
        let is_over = matches!(progress, Some(Progress::Complete | Progress::RolledBack { .. }));
        CanaryReport {
            challenger: self.rival.name(),
            steps: self.setup.canary.steps.iter().map(|step| step.weight).collect(),
            progress,
            waits_for: waits_for.filter(|_| !is_over),
        }
    }

    /// Judges now and then, until it is dropped.
    pub(crate) async fn run(self: Arc<Self>, variants: impl Fn() -> Arc<Served> + Send + 'static) {
        loop {
            self.judge(&variants(), self.started.elapsed()).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Looks at what is there, and does what is to be done.
    async fn judge(&self, champion: &Served, now: Duration) {
        let changed = self.look(champion) | self.advance(now);
        if changed && let Some(path) = self.setup.state.clone() {
            let state = self.current().as_ref().map(|now| CanaryState::new(now.subject.clone(), now.analysis.progress().clone()));
            let Some(state) = state else { return };
            let shown = path.display().to_string();
            let written = tokio::task::spawn_blocking(move || state.write(&path)).await;
            if let Ok(Err(error)) = written {
                let message = format!("failed to write `{shown}`, so that a service that starts again begins anew: {error}");
                self.rival.log.event("canary-trouble", &message);
            }
        }
    }

    /// Begins an analysis where champion or challenger is another than before. Says whether it did.
    fn look(&self, champion: &Served) -> bool {
        let challenger = self.rival.variant.served().filter(|served| served.key.digest != champion.key.digest);
        let mut current = self.current();
        let Some(challenger) = challenger else {
            if current.take().is_some() {
                self.rival
                    .log
                    .event("canary-over", &format!("`{}` is not loaded, or has become the champion", self.rival.name()));
            }
            self.rival.set_weight(0);
            self.rival.set_withdrawn(None);
            return false;
        };
        let canary = &self.setup.canary;
        let subject = Subject::new(self.rival.name(), &challenger.key.digest, &champion.key.digest, canary);
        if current.as_ref().is_some_and(|current| current.subject == subject) {
            return false;
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let progress = kept.and_then(|kept| kept.progress_of(&subject));
        // That the rules can be was checked at the start.
        let Ok(analysis) = Analysis::new(canary.clone(), progress) else { return false };
        let message = match analysis.progress() {
            Progress::RolledBack { reason, .. } => format!("stays rolled back: {reason}"),
            _ => format!("has {} % of the requests", analysis.weight()),
        };
        let (name, release) = (self.rival.name(), &challenger.key);
        self.rival.log.event("canary-began", &format!("`{name}` ({release}) {message}"));
        self.set(&analysis);
        *current = Some(Current { subject, analysis, waits_for: String::new() });
        true
    }

    /// Asks for a verdict. Says whether anything changed by it.
    fn advance(&self, now: Duration) -> bool {
        let mut current = self.current();
        let Some(current) = current.as_mut() else { return false };
        let (name, before) = (self.rival.name(), current.analysis.weight());
        let verdict = current.analysis.judge(now);
        let after = current.analysis.weight();
        match verdict {
            Verdict::Hold(why) => {
                current.waits_for = why;
                return false;
            }
            Verdict::Advance(why) => {
                self.rival.log.event("canary-advanced", &format!("`{name}` goes from {before} to {after} %: {why}"));
            }
            Verdict::RollBack(cause, why) => {
                let message = format!("`{name}` goes from {before} % to none, by `{}`: {why}", cause.as_str());
                self.rival.log.event("canary-rolled-back", &message);
            }
        }
        self.set(&current.analysis);
        true
    }

    /// Gives the challenger the weight that the analysis asks for.
    fn set(&self, analysis: &Analysis) {
        let withdrawn = match analysis.progress() {
            Progress::RolledBack { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        self.rival.set_withdrawn(withdrawn);
        self.rival.set_weight(analysis.weight());
        self.rival.figures.canary(self.rival.name(), analysis.progress());
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
