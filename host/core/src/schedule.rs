//! Points in time as of cron, in a time zone, and what is due of them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// A clock that went back by more than this was wrong before: what was seen then counts no more.
const WRONG_CLOCK: TimeDelta = TimeDelta::hours(26);

/// More missed points in time than this are not counted one by one.
const MOST_COUNTED: usize = 10_000;

/// Points in time that come again and again.
///
/// Where clocks are set forward, a point in time that there is not is the first moment after; where they are set back, one with fixed hours comes once, and one of every hour each time.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
}

/// What is due of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The last point in time that has come.
    pub last: DateTime<Utc>,
    /// How many have come.
    pub count: usize,
}

impl Schedule {
    /// Reads five fields as of cron, and the name of a time zone of the IANA database (`UTC` where there is none).
    ///
    /// # Errors
    /// One of them is none: says what was expected.
    pub fn parse(cron: &str, timezone: Option<&str>) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let parsed = parser.parse(cron).map_err(|error| {
            format!(
                "expected five fields (minute, hour, day of month, month, day of week) such as `0 3 * * *`, found `{cron}`: {error}"
            )
        })?;
        let name = timezone.unwrap_or("UTC");
        let zone: Tz = name.parse().map_err(|_| {
            format!("expected a time zone by its name in the IANA database, such as `Europe/Berlin`, found `{name}`")
        })?;
        Ok(Self { cron: parsed, zone })
    }

    /// The next point in time after another; none where there is none for years.
    pub fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let at = at.with_timezone(&self.zone);
        self.cron.find_next_occurrence(&at, false).ok().map(|next| next.with_timezone(&Utc))
    }

    /// What has come since `seen`, up to and with `now`; none where nothing has.
    pub fn due(&self, seen: DateTime<Utc>, now: DateTime<Utc>) -> Option<Due> {
        let mut due: Option<Due> = None;
        let mut at = seen;
        while let Some(next) = self.next_after(at).filter(|next| *next <= now && *next > at) {
            let count = due.as_ref().map_or(0, |due| due.count) + 1;
            due = Some(Due { last: next, count });
            // What was missed for longer than can be counted: the last day is enough to find the last one.
            at = if count == MOST_COUNTED { next.max(now - TimeDelta::days(1)) } else { next };
        }
        due
    }

    /// Up to where the schedule was answered, given what is remembered of that and the time now: a clock that was wrong does not silence it.
    pub fn seen(remembered: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
        remembered.filter(|seen| *seen - now < WRONG_CLOCK).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn next(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(cron, Some(zone)).unwrap();
        let mut at = at(after);
        let mut step = || {
            at = schedule.next_after(at)?;
            Some(at.to_rfc3339())
        };
        std::iter::from_fn(&mut step).take(count).collect()
    }

    #[test]
    fn a_zone_has_its_own_hours() {
        assert_eq!(
            next("0 3 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", 2),
            ["2026-07-01T01:00:00+00:00", "2026-07-02T01:00:00+00:00"]
        );
        assert_eq!(next("30 9 * * MON", "America/New_York", "2026-11-26T00:00:00Z", 1), ["2026-11-30T14:30:00+00:00"]);
    }

    #[test]
    fn an_hour_that_there_is_not_comes_at_its_end() {
        // On 2026-03-29 clocks in Berlin go from 02:00 to 03:00.
        let days = next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2);
        assert_eq!(days, ["2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00"]);
    }

    #[test]
    fn an_hour_that_there_is_twice_comes_once_for_a_fixed_hour() {
        // On 2026-10-25 clocks in Berlin go from 03:00 to 02:00.
        let days = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(days, ["2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"]);
        let hours = next("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4);
        assert_eq!(
            hours,
            ["2026-10-25T00:00:00+00:00", "2026-10-25T01:00:00+00:00", "2026-10-25T02:00:00+00:00", "2026-10-25T03:00:00+00:00"]
        );
    }

    #[test]
    fn what_was_missed_is_counted() {
        let schedule = Schedule::parse("0 * * * *", None).unwrap();
        let due = |seen: &str, now: &str| schedule.due(at(seen), at(now));
        assert_eq!(due("2026-01-01T00:00:00Z", "2026-01-01T00:59:59Z"), None);
        assert_eq!(due("2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z"), Some(Due { last: at("2026-01-01T03:00:00Z"), count: 3 }));
        let many = Schedule::parse("* * * * *", None).unwrap();
        let long = many.due(at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:30Z")).unwrap();
        assert_eq!(long.last, at("2026-01-01T00:00:00Z"), "however much was missed, the last one is known");
    }

    #[test]
    fn a_clock_that_was_wrong_silences_nothing() {
        let now = at("2026-01-01T00:00:00Z");
        assert_eq!(Schedule::seen(None, now), now);
        assert_eq!(Schedule::seen(Some(at("2025-12-31T00:00:00Z")), now), at("2025-12-31T00:00:00Z"));
        assert_eq!(Schedule::seen(Some(at("2026-01-01T01:00:00Z")), now), at("2026-01-01T01:00:00Z"));
        assert_eq!(Schedule::seen(Some(at("2036-01-01T00:00:00Z")), now), now);
        let schedule = Schedule::parse("0 * * * *", None).unwrap();
        assert_eq!(schedule.due(at("2026-01-01T01:00:00Z"), now), None, "a clock that went back an hour brings nothing twice");
    }

    #[test]
    fn what_is_no_schedule_is_said() {
        let error = |cron: &str, zone: Option<&str>| Schedule::parse(cron, zone).unwrap_err();
        for bad in ["", "* * * *", "60 * * * *", "0 0 3 * * *", "0 3 * * * 2027", "never"] {
            assert!(error(bad, None).starts_with("expected five fields"), "{bad}");
        }
        assert!(error("0 3 * * *", Some("Mars/Olympus")).contains("`Mars/Olympus`"));
        assert_eq!(next("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", 1), [""; 0], "a day that never comes");
    }
}
