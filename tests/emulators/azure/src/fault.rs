//! What goes wrong because a test ordered it.

use std::time::Duration;

/// One thing that goes wrong, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The method of the request that it befalls.
    pub method: &'static str,
    /// What the request's target has somewhere in it.
    pub target: String,
    /// How many such requests pass before.
    pub after: u32,
    /// What happens.
    pub what: What,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is answered with an error, and nothing is done.
    Refuse {
        /// The status.
        status: u16,
        /// The error's code.
        code: &'static str,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The connection ends before anything is done.
    Cut,
    /// It is done, and the connection ends before the answer.
    LoseAnswer,
    /// It is accepted, and the operation that it begins fails.
    Fail {
        /// The error's code.
        code: &'static str,
        /// The error's message.
        message: &'static str,
    },
}

impl Fault {
    /// A fault of the next such request.
    pub fn next(method: &'static str, target: impl Into<String>, what: What) -> Self {
        Self { method, target: target.into(), after: 0, what }
    }
}

/// Takes the fault of a request, if there is one, out of the list.
pub(crate) fn take(faults: &mut Vec<Fault>, method: &str, target: &str) -> Option<What> {
    let mut found = None;
    for (index, fault) in faults.iter_mut().enumerate() {
        if fault.method == method && target.to_ascii_lowercase().contains(&fault.target.to_ascii_lowercase()) {
            if fault.after == 0 {
                found = Some(index);
                break;
            }
            fault.after -= 1;
        }
    }
    Some(faults.remove(found?).what)
}
