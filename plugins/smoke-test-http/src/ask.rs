//! Asking until there is an answer: what may pass is tried again, with growing pauses, within a bound in time.

use std::time::Duration;

use sprag_sdk::http::{Client, Error, Request, Response};
use sprag_sdk::{Failure, Finding, Watch};

use crate::judge::error;
use crate::trace::Trace;

/// The pause after the first attempt that failed; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause, unless the service asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why there is no answer to judge.
#[derive(Debug, PartialEq)]
pub(crate) enum Unanswered {
    /// The service is at fault.
    Found(Finding),
    /// The test could not be done.
    Failed(Failure),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Bounds of a test.
pub(crate) struct Bounds {
    /// The whole test's time.
    pub(crate) whole: Duration,
    /// One answer's time.
    pub(crate) answer: Duration,
    /// How many answers may be lost after the first.
    pub(crate) losses: u32,
}

/// Sends requests, one after the other.
pub(crate) struct Asker<'a, C, W> {
    client: &'a C,
    watch: &'a W,
    token: Option<&'a str>,
    bounds: Bounds,
    trace: Trace,
    until: Duration,
    has_answered: bool,
    lost: u32,
    pub(crate) requests: u32,
    pub(crate) attempts: u32,
    pub(crate) slowest: Duration,
}

impl<'a, C: Client, W: Watch> Asker<'a, C, W> {
    pub(crate) fn new(client: &'a C, watch: &'a W, token: Option<&'a str>, trace: Trace, bounds: Bounds) -> Self {
        let until = client.now() + bounds.whole;
        Self {
            client,
            watch,
            token,
            bounds,
            trace,
            until,
            has_answered: false,
            lost: 0,
            requests: 0,
            attempts: 0,
            slowest: Duration::ZERO,
        }
    }

    /// Sends a request until there is an answer that another attempt would not change.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Response, Unanswered> {
        self.requests += 1;
        let what = format!("{} {}", request.method, request.url);
        let (mut pause, mut attempts) = (FIRST_PAUSE, 0_u32);
        loop {
            self.watch.advance(u64::from(self.requests - 1), u64::from(self.requests))?;
            attempts += 1;
            self.attempts += 1;
            let (answer, took) = self.send(request);
            let (why, asked_for) = match answer {
                Ok(answer) if answer.is_transient() => {
                    (format!("it answered {}: {}", answer.status, answer.excerpt()), answer.retry_after())
                }
                Ok(answer) => return self.in_time(&what, answer, took),
                Err(error) if error.is_transient() => (error.to_string(), None),
                Err(error) => return Err(Failure::from(error).into()),
            };
            if self.has_answered {
                self.lost += 1;
                if self.lost > self.bounds.losses {
                    let message = format!(
                        "expected a service that goes on answering, found {} answers lost after the first one came; the last, to {what}: {why}",
                        self.lost
                    );
                    return Err(Unanswered::Found(error("lost-answer", message, None)));
                }
            }
            let wait = pause.max(asked_for.unwrap_or_default());
            if self.client.now() + wait >= self.until {
                let seconds = self.bounds.whole.as_secs_f64();
                let message = format!(
                    "expected an answer to {what} within {seconds} s, found none in {attempts} attempts; the last: {why}"
                );
                return Err(Unanswered::Found(error("no-answer", message, None)));
            }
            self.client.pause(wait);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One attempt, and how long it took.
    fn send(&mut self, request: &Request) -> (Result<Response, Error>, Duration) {
        let began = self.client.now();
        // At least a little, so that what is left of the whole never turns into no wait at all.
        let left = self.until.saturating_sub(began).max(Duration::from_millis(10));
        let mut request = request.clone().header("traceparent", self.trace.parent()).timeout(self.bounds.answer.min(left));
        if let Some(token) = self.token {
            request = request.bearer(token);
        }
        let answer = self.client.send(&request);
        (answer, self.client.now().saturating_sub(began))
    }

    /// Holds an answer against the time that it may take: one that comes in drops keeps every timeout.
    fn in_time(&mut self, what: &str, answer: Response, took: Duration) -> Result<Response, Unanswered> {
        self.has_answered |= answer.is_success();
        self.slowest = self.slowest.max(took);
        if took > self.bounds.answer {
            let (limit, took) = (self.bounds.answer.as_secs_f64(), took.as_secs_f64());
            let message = format!("expected an answer to {what} within {limit} s, found one after {took:.3} s");
            return Err(Unanswered::Found(error("slow", message, None)));
        }
        Ok(answer)
    }

    /// The trace that all requests belong to.
    pub(crate) fn trace(&self) -> String {
        self.trace.id()
    }
}
