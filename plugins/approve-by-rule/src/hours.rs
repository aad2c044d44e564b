//! Only at certain hours, in UTC.

use serde::Deserialize;
use sprag_sdk::Failure;
use sprag_sdk::stage::approve::Ruling;

/// The days of the week. The first of January 1970 was a Thursday.
const DAYS: [Day; 7] = [Day::Thu, Day::Fri, Day::Sat, Day::Sun, Day::Mon, Day::Tue, Day::Wed];

/// The year before which the clock is the frozen one, in seconds since 1970.
const FROZEN: u64 = 1_500_000_000;

/// When a release may go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub(crate) struct Hours {
    /// The days. Default: Monday to Friday.
    #[serde(default = "workdays")]
    days: Vec<Day>,
    /// From when on, as `HH:MM` in UTC.
    from: String,
    /// Until when, as `HH:MM` in UTC.
    to: String,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub(crate) enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    const fn name(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

fn workdays() -> Vec<Day> {
    vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri]
}

impl Hours {
    /// Whether a release may go now, in seconds since 1970.
    pub(crate) fn judge(&self, now: u64) -> Result<Ruling, Failure> {
        if now < FROZEN {
            let message = "expected the machine's clock: add `clock = \"real\"` to the stage's grants";
            return Err(Failure::BadParams(message.to_owned()));
        }
        let (from, to) = (minutes(&self.from)?, minutes(&self.to)?);
        let day = DAYS[usize::try_from(now / 86_400 % 7).unwrap_or(0)];
        let minute = now % 86_400 / 60;
        let days = self.days.iter().map(|day| day.name()).collect::<Vec<_>>().join(", ");
        let when = format!("{} {:02}:{:02} UTC", day.name(), minute / 60, minute % 60);
        Ok(if self.days.contains(&day) && (from..to).contains(&minute) {
            Ruling::Approve(format!("it is {when}"))
        } else {
            Ruling::Wait(format!("it is {when}; releases go {days} from {} to {}", self.from, self.to))
        })
    }
}

/// The minutes since midnight of `HH:MM`.
fn minutes(text: &str) -> Result<u64, Failure> {
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60 || (hours, minutes) == (24, 0)).then_some(hours * 60 + minutes)
    });
    parsed.ok_or_else(|| Failure::BadParams(format!("expected a time such as `09:00`, found `{text}`")))
}
