//! A resource as it should be: looked at, and made so.

use serde_json::Value;
use sprag_sdk::{Action, Change};

use crate::arm::{Arm, shown};
use crate::compare::differences;
use crate::error::ArmError;
use crate::operation::Progress;

/// How many differences the detail of a change names.
const MOST: usize = 6;

/// A resource as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// What kind of thing it is, in Azure's words: `container group`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The version of the interface.
    pub version: &'static str,
    /// The body of the `PUT`.
    pub body: Value,
    /// The places of the body that Azure never gives back, or changes by itself: they are not compared.
    pub unread: &'static [&'static str],
}

/// How a resource is, beside how it should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is not there.
    Missing,
    /// It is as it should be.
    Same(Value),
    /// It differs; the places, and the resource.
    Differs(Vec<String>, Value),
}

impl Desired {
    /// Its kind and name, for a person.
    pub fn subject(&self) -> String {
        format!("{} {}", self.kind, self.name())
    }

    /// Its name: the last part of its id.
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    /// The change that nothing is changed.
    pub fn kept(&self) -> Change {
        self.change(Action::Keep, "as it should be")
    }

    /// A change of it.
    pub fn change(&self, action: Action, detail: impl Into<String>) -> Change {
        Change { action, subject: self.subject(), detail: detail.into() }
    }
}

/// Differences in one line.
pub fn summary(lines: &[String]) -> String {
    let more = lines.len().saturating_sub(MOST);
    let told = lines.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join("; ");
    if more == 0 { told } else { format!("{told}; and {more} more") }
}

impl Arm<'_> {
    /// How a resource is, as it is read.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn standing(&self, desired: &Desired) -> Result<Standing, ArmError> {
        let Some(found) = self.get(&desired.id, desired.version)? else { return Ok(Standing::Missing) };
        let mut lines = self.compare(desired, &found);
        if let Progress::Ended(state) = Progress::of(&found) {
            lines.insert(0, format!("its last operation ended as `{state}`"));
        }
        Ok(if lines.is_empty() { Standing::Same(found) } else { Standing::Differs(lines, found) })
    }

    /// Where a resource that was read is not as it should be. Secrets are not compared: Azure does not give them back.
    pub fn compare(&self, desired: &Desired, found: &Value) -> Vec<String> {
        let is_unread = |place: &str, value: &Value| {
            desired.unread.contains(&place) || value.as_str().is_some_and(|text| self.is_secret(text))
        };
        differences(&desired.body, found, &is_unread)
    }

    /// What [`ensure`](Self::ensure) would do.
    ///
    /// # Errors
    ///
    /// The resource cannot be read.
    pub fn plan(&self, desired: &Desired) -> Result<Change, ArmError> {
        Ok(match self.standing(desired)? {
            Standing::Missing => desired.change(Action::Create, format!("at {}", shown(&desired.id))),
            Standing::Same(_) => desired.kept(),
            Standing::Differs(lines, _) => desired.change(Action::Update, summary(&lines)),
        })
    }

    /// How a resource is once nothing is in progress on it: what an earlier call began is waited for. That it failed is a difference.
    ///
    /// # Errors
    ///
    /// It cannot be read, or what is in progress does not end in time.
    pub fn settled(&self, desired: &Desired) -> Result<Standing, ArmError> {
        let standing = self.standing(desired)?;
        let (Standing::Same(found) | Standing::Differs(_, found)) = &standing else { return Ok(standing) };
        let Progress::Running(state) = Progress::of(found) else { return Ok(standing) };
        let message = format!("{} is in progress from before: waiting for it", desired.subject());
        self.host().log(&message, &[("state", &state)]);
        match self.settle(&desired.id, desired.version, &format!("go on with {}", shown(&desired.id))) {
            // Whoever asked sends it again, as what failed before is.
            Ok(_) | Err(ArmError::Failed { .. }) => self.standing(desired),
            Err(error) => Err(error),
        }
    }

    /// Makes a resource as it should be, and says what that took; gives it as it is then. One that is as it should be but still in progress is waited for.
    ///
    /// # Errors
    ///
    /// As of [`put`](Self::put).
    pub fn ensure(&self, desired: &Desired) -> Result<(Change, Value), ArmError> {
        match self.settled(desired)? {
            Standing::Same(found) => Ok((desired.kept(), found)),
            Standing::Missing => {
                let made = self.put(&desired.id, desired.version, &desired.body, None)?;
                Ok((desired.change(Action::Create, format!("at {}", shown(&desired.id))), made))
            }
            Standing::Differs(lines, found) => {
                let etag = found.get("etag").and_then(Value::as_str).filter(|etag| !etag.is_empty());
                let made = self.put(&desired.id, desired.version, &desired.body, etag)?;
                Ok((desired.change(Action::Update, summary(&lines)), made))
            }
        }
    }
}
