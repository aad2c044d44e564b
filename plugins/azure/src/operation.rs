//! Long-running operations: an answer that only says that Azure has begun, and the ways to learn how it ended.

use std::time::Duration;

use serde_json::Value;
use sprag_sdk::http::Response;

use crate::arm::Arm;
use crate::error::{ArmError, Problem};

/// The wait between two looks where Azure does not say how long.
const LOOK: Duration = Duration::from_secs(3);

/// The least and the most that an answer may make the plugin wait between two looks.
const LEAST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(60);

/// How far an operation, or a resource by its `provisioningState`, is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It ended well. What has no state is done.
    Succeeded,
    /// It goes on; the state as Azure calls it.
    Running(String),
    /// It ended otherwise; the state.
    Ended(String),
}

impl Progress {
    fn of_state(state: &str) -> Self {
        match state.to_ascii_lowercase().as_str() {
            "succeeded" | "" => Self::Succeeded,
            "failed" | "canceled" | "cancelled" => Self::Ended(state.to_owned()),
            _ => Self::Running(state.to_owned()),
        }
    }

    /// Of a resource.
    pub fn of(resource: &Value) -> Self {
        Self::of_state(resource.pointer("/properties/provisioningState").and_then(Value::as_str).unwrap_or_default())
    }
}

impl Arm<'_> {
    /// Waits until what an answer began has ended. Gives the answer at its end, where that is somewhere else than at the resource.
    pub(crate) fn finish(
        &self,
        response: &Response,
        answered: &Value,
        id: &str,
        version: &str,
        what: &str,
    ) -> Result<Option<Value>, ArmError> {
        let first = look_after(response);
        if let Some(link) = response.header("azure-asyncoperation") {
            self.follow_status(link, first, id, version, what).map(|()| None)
        } else if let (202, Some(link)) = (response.status, response.header("location")) {
            self.follow_location(link, first, what).map(Some)
        } else if matches!(Progress::of(answered), Progress::Succeeded) {
            Ok(None)
        } else {
            self.settle(id, version, what).map(|_| None)
        }
    }

    /// Follows `Azure-AsyncOperation`: a document with a `status` of its own.
    fn follow_status(&self, link: &str, first: Duration, id: &str, version: &str, what: &str) -> Result<(), ArmError> {
        let (mut state, mut wait) = ("Accepted".to_owned(), first);
        loop {
            self.wait(wait, &state, what)?;
            let response = self.exchange.send(&self.follow(link)?, what)?;
            if response.status == 404 {
                // The document is kept for a while only. The resource says how it ended.
                return self.settle(id, version, what).map(|_| ());
            }
            let document = self.value(&response, what)?;
            match Progress::of_state(document.get("status").and_then(Value::as_str).unwrap_or("Running")) {
                Progress::Succeeded => return Ok(()),
                Progress::Ended(status) => return Err(ended(&document, status, what)),
                Progress::Running(now) => state = now,
            }
            wait = look_after(&response);
        }
    }

    /// Follows `Location`: 202 until it has ended.
    fn follow_location(&self, link: &str, first: Duration, what: &str) -> Result<Value, ArmError> {
        let mut wait = first;
        loop {
            self.wait(wait, "Accepted", what)?;
            let response = self.exchange.send(&self.follow(link)?, what)?;
            // A deletion's document may be gone with what was deleted.
            if response.status == 404 && what.starts_with("delete ") {
                return Ok(Value::Null);
            }
            let value = self.value(&response, what)?;
            if response.status != 202 {
                return Ok(value);
            }
            wait = look_after(&response);
        }
    }

    /// Waits until a resource is in a state that lasts, and gives it; none where it is not there.
    ///
    /// # Errors
    ///
    /// It ended otherwise than well, or not in time.
    pub fn settle(&self, id: &str, version: &str, what: &str) -> Result<Option<Value>, ArmError> {
        loop {
            let Some(found) = self.get(id, version)? else { return Ok(None) };
            match Progress::of(&found) {
                Progress::Succeeded => return Ok(Some(found)),
                Progress::Ended(status) => return Err(ended(&found, status, what)),
                Progress::Running(state) => self.wait(LOOK, &state, what)?,
            }
        }
    }

    /// Waits until a resource is gone.
    pub(crate) fn gone(&self, id: &str, version: &str, what: &str) -> Result<(), ArmError> {
        while self.get(id, version)?.is_some() {
            self.wait(LOOK, "Deleting", what)?;
        }
        Ok(())
    }

    /// Waits for `ready` to give something, looking every few seconds.
    ///
    /// # Errors
    ///
    /// Those of `ready`, and that the time is over; `state` is what was seen last.
    pub fn until<T>(&self, what: &str, mut ready: impl FnMut() -> Result<Result<T, String>, ArmError>) -> Result<T, ArmError> {
        loop {
            match ready()? {
                Ok(value) => return Ok(value),
                Err(state) => self.wait(LOOK, &state, what)?,
            }
        }
    }

    fn wait(&self, time: Duration, state: &str, what: &str) -> Result<(), ArmError> {
        if self.exchange.left() < time {
            let seconds = self.exchange.limit().as_secs();
            return Err(ArmError::Unfinished { what: what.to_owned(), seconds, state: state.to_owned() });
        }
        Ok(self.exchange.pause(time)?)
    }
}

fn look_after(response: &Response) -> Duration {
    response.retry_after().unwrap_or(LOOK).clamp(LEAST, MOST)
}

/// An operation's document, or a resource, that ended otherwise than well.
fn ended(document: &Value, status: String, what: &str) -> ArmError {
    let places = ["/error", "/properties/error", "/properties/provisioningErrors/0/error"];
    let problem = places.into_iter().find_map(|place| serde_json::from_value::<Problem>(document.pointer(place)?.clone()).ok());
    let problem = problem.map_or_else(|| events(document), |problem| problem.line());
    ArmError::Failed { what: what.to_owned(), status, problem }
}

/// What a container group tells in place of an error: its last events.
fn events(document: &Value) -> String {
    let events = document.pointer("/properties/instanceView/events").and_then(Value::as_array);
    let messages = events.into_iter().flatten().filter_map(|event| event.get("message").and_then(Value::as_str));
    let told: Vec<_> = messages.collect();
    if told.is_empty() { "no reason given".to_owned() } else { told.join("; ") }
}
