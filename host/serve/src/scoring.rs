//! Rows, once they have arrived: scored by the variant that was chosen, and by the champion where a challenger fails them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sprag_data::Column;
use sprag_runtime::Scored;
use sprag_scoring::{Ask, Batch, Head, Problem, Reply, Route};
use tokio::sync::SemaphorePermit;

use crate::body::Share;
use crate::canary::{CanaryWork, Side};
use crate::entry::Note;
use crate::handler::Service;
use crate::identity::Identity;
use crate::observer::Observation;
use crate::rival::{Defeat, Rival};
use crate::served::Served;
use crate::shadow::Held;
use crate::variants::Chosen;
use crate::{convert, failure};

/// The code of a log line whose request the champion answered in a challenger's place.
const FELL_BACK: &str = "fell-back";

/// Counts down when it is dropped, however the request ends.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a challenger has no answer for the client.
enum Lost {
    /// The rows do not fit it.
    Unfit(Problem),
    /// It was defeated.
    Defeated(Defeat),
}

impl Lost {
    /// Its name in figures.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Unfit(_) => "unfit",
            Self::Defeated(defeat) => defeat.as_str(),
        }
    }

    /// The problem that it is to a client who wanted this challenger and no other, and what the log says of it.
    fn problem(self, rival: &Rival, request: &str) -> (Problem, String) {
        let name = rival.name();
        match self {
            Self::Unfit(problem) => {
                let reason = problem.message.clone();
                (problem, reason)
            }
            Self::Defeated(Defeat::Failed(failed)) => failure::problem(&failed, request),
            Self::Defeated(Defeat::Late) => {
                let message = format!("expected an answer of `{name}` within its time, found none");
                (Problem::new(504, "timeout", message.clone()), message)
            }
            Self::Defeated(Defeat::Busy) => {
                let message = format!("expected room for one more request at `{name}`, found none in time");
                (Problem::new(503, "overloaded", message.clone()).header("retry-after", "1"), message)
            }
            Self::Defeated(Defeat::Skipped) => {
                let message = format!("expected `{name}` to answer, found that it is paused, since it failed again and again");
                (Problem::new(503, "paused", message.clone()).header("retry-after", "10"), message)
            }
        }
    }
}

/// Rows from which a thread is needed that answers nobody else meanwhile: fewer take less than a millisecond.
const MANY_ROWS: u32 = 4096;

/// Bytes that a row of a body has at least, where it has a few columns.
const BYTES_A_ROW: usize = 16;

/// Does work on so many rows, and lets other requests have another thread where that takes long.
fn aside<T>(rows: u32, work: impl FnOnce() -> T) -> T {
    if rows < MANY_ROWS { work() } else { tokio::task::block_in_place(work) }
}

impl Service {
    /// Scores the rows of a body. Afterwards `chosen` is who answered.
    pub(crate) async fn score<'a>(
        &'a self,
        head: &Head<'_>,
        ask: Ask,
        (body, share): (&[u8], &mut Share),
        chosen: &mut Chosen<'a>,
        identity: &Identity,
        note: &mut Note,
    ) -> Result<Reply, Problem> {
        let deadline = tokio::time::Instant::now() + self.limits.time;
        let Some(rival) = chosen.rival else {
            let canary = self.canary.as_deref().filter(|_| !chosen.is_pinned);
            return self.score_by_champion(&ask, (body, share), chosen, deadline, canary, identity, note).await;
        };
        let canary = self.canary.as_deref().filter(|canary| !chosen.is_pinned && canary.is_about(rival));
        let lost = match self.score_by_challenger(&ask, (body, &mut *share), chosen, rival, canary, note).await {
            Ok(reply) => return Ok(reply),
            Err(lost) => lost,
        };
        let kind = lost.as_str();
        let (problem, reason) = lost.problem(rival, &identity.request);
        if chosen.is_pinned {
            if problem.status >= 500 {
                self.figures.contest.failed(rival.name(), kind);
            }
            note.reason = Some(reason);
            return Err(problem);
        }
        let challenger = std::mem::replace(chosen, self.variants.choose_champion()).served;
        let Ok(Route::Score(ask)) = chosen.served.api.route(head) else { return Err(problem) };
        // What a challenger fails is no sample of what the champion does.
        let answered = self.score_by_champion(&ask, (body, share), chosen, deadline, None, identity, note).await;
        // Where the champion refuses the request too, it was not the challenger's fault.
        if answered.as_ref().map_or_else(|problem| problem.status >= 500, |_| true) {
            if let Some(canary) = canary {
                canary.failed(Side::Challenger, &challenger);
            }
            self.figures.contest.failed(rival.name(), kind);
            self.figures.contest.fell_back(rival.name());
            note.code.get_or_insert(FELL_BACK);
            let after = note.reason.take().map(|reason| format!("; then {reason}")).unwrap_or_default();
            note.reason = Some(format!("`{}` failed ({kind}): {reason}{after}", rival.name()));
        }
        answered
    }

    async fn score_by_challenger(
        &self,
        ask: &Ask,
        (body, share): (&[u8], &mut Share),
        chosen: &Chosen<'_>,
        rival: &Arc<Rival>,
        canary: Option<&CanaryWork>,
        note: &mut Note,
    ) -> Result<Reply, Lost> {
        let started = Instant::now();
        let Batch { rows, columns, shape } = self.decode(&chosen.served, ask, body, share).map_err(Lost::Unfit)?;
        let scored = rival.predict(chosen.served.clone(), rows, convert::to_data(columns)).await;
        let time = started.elapsed();
        let Scored { inputs, outputs } = scored.map_err(Lost::Defeated)?;
        self.observe(chosen, rows, &inputs, Ok(&outputs), time);
        if let Some(canary) = canary {
            canary.answered(Side::Challenger, &chosen.served, time, &outputs);
        }
        note.predictions = rows;
        self.figures.scored(rival.name(), rows, time);
        Ok(aside(rows, || chosen.served.api.answer(&shape, rows, &convert::to_wire(outputs))))
    }

    #[expect(clippy::too_many_arguments, reason = "a request, what answers it, and who hears of it")]
    async fn score_by_champion(
        &self,
        ask: &Ask,
        (body, share): (&[u8], &mut Share),
        chosen: &Chosen<'_>,
        deadline: tokio::time::Instant,
        canary: Option<&CanaryWork>,
        identity: &Identity,
        note: &mut Note,
    ) -> Result<Reply, Problem> {
        let started = Instant::now();
        let served = &chosen.served;
        // What a request costs begins with its turn, decoding included.
        let _turn = self.turn(deadline).await?;
        let Batch { rows, columns, shape } = self.decode(served, ask, body, share)?;
        let inputs = convert::to_data(columns);
        let held = self.hold_for_shadows(chosen, rows, &inputs);
        let result = match tokio::time::timeout_at(deadline, served.pool.predict(rows, inputs)).await {
            Ok(Ok(scored)) => Ok(scored),
            Ok(Err(failed)) => {
                if failure::is_scorer_lost(&failed.failure) {
                    self.figures.scorer_failed();
                }
                let (problem, reason) = failure::problem(&failed, &identity.request);
                note.reason = (problem.status >= 500).then_some(reason);
                Err(problem)
            }
            Err(_) => {
                self.figures.scorer_failed();
                let message = format!("expected the model's answer within {:?}, found none", self.limits.time);
                Err(Problem::new(504, "timeout", message))
            }
        };
        let time = started.elapsed();
        match &result {
            Ok(Scored { inputs, outputs }) => self.observe(chosen, rows, inputs, Ok(outputs), time),
            Err(problem) => self.observe(chosen, rows, &[], Err(problem.status), time),
        }
        match (canary, &result) {
            (Some(canary), Ok(scored)) => canary.answered(Side::Champion, served, time, &scored.outputs),
            (Some(canary), Err(problem)) if problem.status >= 500 => canary.failed(Side::Champion, served),
            _ => {}
        }
        let outputs = result?.outputs;
        held.into_iter().for_each(|held| held.send(&outputs));
        note.predictions = rows;
        self.figures.scored(chosen.variant.name(), rows, time);
        Ok(aside(rows, || served.api.answer(&shape, rows, &convert::to_wire(outputs))))
    }

    /// Reads the rows of a body, and takes the memory that they need.
    fn decode(&self, served: &Served, ask: &Ask, body: &[u8], share: &mut Share) -> Result<Batch, Problem> {
        // As much as each byte of a list of numbers comes to: `1,` is a float of eight bytes.
        let most = body.len().saturating_mul(4);
        share.grow(most).inspect_err(|problem| self.figures.rejected(problem.code))?;
        let large = u32::try_from(body.len() / BYTES_A_ROW).unwrap_or(u32::MAX);
        aside(large, || served.api.decode(ask, body, self.limits.rows))
    }

    /// Takes copies of the rows for the shadows that have room for them.
    fn hold_for_shadows(&self, chosen: &Chosen<'_>, rows: u32, inputs: &[Column]) -> Vec<Held<'_>> {
        let rivals = self.variants.rivals.iter();
        rivals.filter_map(|rival| rival.shadow.as_ref()?.hold(rival, &chosen.served, rows, inputs)).collect()
    }

    fn observe(&self, chosen: &Chosen<'_>, rows: u32, inputs: &[Column], outputs: Result<&[Column], u16>, latency: Duration) {
        let signature = chosen.served.pool.signature();
        for observer in &self.observers {
            observer.observe(&Observation {
                variant: chosen.variant.name(),
                release: &chosen.served.key,
                rows,
                input_fields: &signature.inputs,
                inputs,
                output_fields: &signature.outputs,
                outputs: outputs.ok(),
                status: outputs.map_or_else(|status| status, |_| 200),
                latency,
            });
        }
    }

    /// Waits for a turn, unless too many wait already or the time is over before.
    async fn turn(&self, deadline: tokio::time::Instant) -> Result<SemaphorePermit<'_>, Problem> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let overloaded = |message: &str| {
            self.figures.rejected("overloaded");
            Problem::new(503, "overloaded", message).header("retry-after", "1")
        };
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Counted(&self.waiting);
        if before >= self.limits.queue {
            return Err(overloaded("expected room for one more request, found the queue full"));
        }
        match tokio::time::timeout_at(deadline, self.turns.acquire()).await {
            Ok(turn) => Ok(turn.expect("the service never closes it")),
            Err(_) => Err(overloaded("expected a turn in time, found the service busy with other requests")),
        }
    }
}
