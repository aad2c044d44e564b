//! One request until there is an answer to it: throttling, faults that pass, broken connections, cancellation and a limit of time.

use std::time::Duration;

use super::{Client, Error, Request, Response};
use crate::{Failure, Host};

/// How often in a row a request may fail without an answer, or with a fault of the server.
const MOST_FAULTS: u32 = 6;

/// The longest wait between two tries that nobody asked to wait longer for.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a plugin sleeps before it looks whether it should stop.
const NAP: Duration = Duration::from_secs(1);

/// Sends requests for one call of a stage, and waits between them. The limit of time counts from when it is made.
pub struct Exchange<'a> {
    client: &'a dyn Client,
    host: &'a dyn Host,
    limit: Duration,
    started: Duration,
    noted: &'static [(&'static str, &'static str)],
}

impl<'a> Exchange<'a> {
    /// With a limit of time for all requests and waits together.
    pub fn new(client: &'a dyn Client, host: &'a dyn Host, limit: Duration) -> Self {
        Self { client, host, limit, started: client.now(), noted: &[] }
    }

    /// Writes these headers of each answer to the log, each under its name there (first) beside the status.
    #[must_use]
    pub const fn noting(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.noted = headers;
        self
    }

    /// The run that this is for.
    #[must_use]
    pub fn host(&self) -> &'a dyn Host {
        self.host
    }

    /// The limit of time.
    #[must_use]
    pub const fn limit(&self) -> Duration {
        self.limit
    }

    /// What is left of it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(self.client.now().saturating_sub(self.started))
    }

    /// Sends a request until there is an answer that stands, whatever its status. Only a `POST` is not sent again when its answer is lost: it may have been
    /// carried out. `what` is what the request asks for, for the log and for errors: `read the service x`.
    ///
    /// # Errors
    ///
    /// The host refuses to send it, no answer came, or the run was cancelled.
    pub fn send(&self, request: &Request, what: &str) -> Result<Response, Failure> {
        let mut faults = 0;
        loop {
            self.check()?;
            let wait = match self.client.send(request) {
                Ok(response) => {
                    self.note(&response, what);
                    if !response.is_transient() {
                        return Ok(response);
                    }
                    let is_repeatable = request.method != "POST" || matches!(response.status, 429 | 503);
                    faults += u32::from(response.status != 429);
                    if !is_repeatable || faults >= MOST_FAULTS {
                        return Ok(response);
                    }
                    let wait = response.retry_after().unwrap_or_else(|| backoff(faults));
                    // Past the limit nobody would read the answer: the refusal itself says more.
                    if self.left() < wait {
                        return Ok(response);
                    }
                    wait
                }
                Err(error @ (Error::BadRequest(_) | Error::Denied(_))) => return Err(error.into()),
                Err(error) => {
                    faults += 1;
                    let lost = matches!(error, Error::Broken(_) | Error::Timeout(_));
                    let wait = backoff(faults);
                    if (lost && request.method == "POST") || faults >= MOST_FAULTS || self.left() < wait {
                        return Err(Failure::Retry(format!("no answer to the request to {what}: {error}")));
                    }
                    self.host.log(&format!("no answer to the request to {what}, trying again: {error}"), &[]);
                    wait
                }
            };
            self.pause(wait)?;
        }
    }

    /// Sleeps, unless the stage should stop.
    ///
    /// # Errors
    ///
    /// The run was cancelled.
    pub fn pause(&self, wait: Duration) -> Result<(), Failure> {
        let mut left = wait;
        while !left.is_zero() {
            self.check()?;
            let nap = left.min(NAP);
            self.client.pause(nap);
            left -= nap;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Failure> {
        if self.host.should_stop() { Err(Failure::Cancelled) } else { Ok(()) }
    }

    fn note(&self, response: &Response, what: &str) {
        let status = response.status.to_string();
        let mut fields = vec![("status", status.as_str())];
        fields.extend(self.noted.iter().filter_map(|(field, header)| Some((*field, response.header(header)?))));
        self.host.log(what, &fields);
    }
}

/// 1, 2, 4 and so on seconds.
fn backoff(faults: u32) -> Duration {
    Duration::from_secs(1 << faults.saturating_sub(1).min(5)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;

    use super::*;

    /// Answers in the order that they were given, with a clock that only pauses move.
    #[derive(Default)]
    struct Script {
        answers: RefCell<VecDeque<Result<Response, Error>>>,
        clock: Cell<Duration>,
        stop_after: Option<Duration>,
    }

    impl Client for Script {
        fn send(&self, _: &Request) -> Result<Response, Error> {
            self.answers.borrow_mut().pop_front().unwrap()
        }

        fn pause(&self, time: Duration) {
            self.clock.set(self.clock.get() + time);
        }

        fn now(&self) -> Duration {
            self.clock.get()
        }
    }

    impl Host for Script {
        fn placeholder(&self, _: &str) -> Result<String, Failure> {
            Ok(String::new())
        }

        fn log(&self, _: &str, _: &[(&str, &str)]) {}

        fn warn(&self, _: &str) {}

        fn should_stop(&self) -> bool {
            self.stop_after.is_some_and(|stop| self.clock.get() >= stop)
        }
    }

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Response, Error> {
        let headers = retry_after.map(|wait| ("retry-after".to_owned(), wait.to_owned()));
        Ok(Response { status, headers: headers.into_iter().collect(), body: vec![] })
    }

    /// How a request ends, what was waited, and how many answers were not asked for.
    fn sent(
        method: &str,
        answers: Vec<Result<Response, Error>>,
        stop_after: Option<u64>,
    ) -> (Result<u16, Failure>, Duration, usize) {
        let stop_after = stop_after.map(Duration::from_secs);
        let script = Script { answers: RefCell::new(answers.into()), stop_after, ..Script::default() };
        let exchange = Exchange::new(&script, &script, Duration::from_secs(60));
        let result = exchange.send(&Request::new(method, "https://h/x"), "look").map(|response| response.status);
        (result, script.clock.get(), script.answers.borrow().len())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_server_says_how_long_to_wait_and_else_it_doubles() {
        assert_eq!(sent("GET", vec![answer(429, Some("7")), answer(200, None)], None), (Ok(200), seconds(7), 0));
        let faults = vec![answer(503, None), answer(500, None), answer(404, None)];
        assert_eq!(sent("GET", faults, None), (Ok(404), seconds(3), 0));
    }

    #[test]
    fn a_wait_past_the_limit_is_not_begun() {
        assert_eq!(sent("GET", vec![answer(429, Some("61")), answer(200, None)], None), (Ok(429), seconds(0), 1));
    }

    #[test]
    fn only_what_changes_nothing_twice_is_sent_again() {
        let lost = || Err(Error::Broken("gone".to_owned()));
        assert_eq!(sent("PATCH", vec![lost(), answer(200, None)], None), (Ok(200), seconds(1), 0));
        let (result, ..) = sent("POST", vec![lost()], None);
        assert_eq!(result, Err(Failure::Retry("no answer to the request to look: gone".to_owned())));
        assert_eq!(sent("POST", vec![answer(500, None)], None).0, Ok(500));
        assert_eq!(sent("POST", vec![answer(429, None), answer(201, None)], None).0, Ok(201));
        let denied = Err(Error::Denied("no grant".to_owned()));
        assert_eq!(sent("GET", vec![denied], None).0, Err(Failure::BadParams("no grant".to_owned())));
    }

    #[test]
    fn it_gives_up_and_it_stops() {
        let down = || Err(Error::Unreachable("refused".to_owned()));
        let (result, waited, left) = sent("GET", (0..9).map(|_| down()).collect(), None);
        assert!(matches!(result, Err(Failure::Retry(_))), "{result:?}");
        assert_eq!((waited, left), (seconds(31), 3));
        assert_eq!(sent("GET", vec![answer(503, Some("20"))], Some(2)), (Err(Failure::Cancelled), seconds(2), 0));
    }
}
