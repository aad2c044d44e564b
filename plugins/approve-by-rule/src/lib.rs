//! A rule for releases: so much better in one metric, and only at certain hours.
//!
//! It is small enough to be copied: a rule of your own reads more of the event (`sprag schema release-event`) and says `approve`, `wait` or `reject`.

mod hours;
mod margin;

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use sprag_notice::Event;
use sprag_sdk::stage::approve::Ruling;
use sprag_sdk::{Approver, Failure, Session};

/// The parameters. A rule that is not given always agrees.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// Whether a rollback with `--emergency` goes whatever the other rules say. Default: false.
    emergencies_pass: bool,
    /// How much better a metric must be than that of the version that would be replaced. A first release has nothing to beat; where the other's figure is not
    /// known, the release waits.
    margin: Option<margin::Margin>,
    /// When a release may go. The stage needs `clock = "real"` among its grants.
    hours: Option<hours::Hours>,
}

/// The plugin.
pub struct ApproveByRule;

impl Approver for ApproveByRule {
    type Params = Params;
    type Request = Event;

    fn approve(session: &Session, params: Params, request: Event) -> Result<Ruling, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let ruling = rule(&params, &request, now)?;
        sprag_sdk::info!(session, "{ruling:?}");
        Ok(ruling)
    }
}

/// Applies the rules: what rejects comes before what waits.
fn rule(params: &Params, event: &Event, now: u64) -> Result<Ruling, Failure> {
    if params.emergencies_pass
        && let Some(reason) = &event.emergency
    {
        return Ok(Ruling::Approve(format!("an emergency: {reason}")));
    }
    // A rollback goes to a version that earned its place before.
    let margin = params.margin.as_ref().filter(|_| event.purpose != "rollback");
    let margin = margin.map(|margin| margin.judge(event)).transpose()?;
    let hours = params.hours.as_ref().map(|hours| hours.judge(now)).transpose()?;
    let (mut waits, mut agrees) = (vec![], vec![]);
    for ruling in [margin, hours].into_iter().flatten() {
        match ruling {
            Ruling::Reject(reason) => return Ok(Ruling::Reject(reason)),
            Ruling::Wait(reason) => waits.push(reason),
            Ruling::Approve(reason) => agrees.push(reason),
        }
    }
    Ok(match (waits.is_empty(), agrees.is_empty()) {
        (false, _) => Ruling::Wait(waits.join("; ")),
        (true, true) => Ruling::Approve("no rule is set".to_owned()),
        (true, false) => Ruling::Approve(agrees.join("; ")),
    })
}

sprag_sdk::approver!(ApproveByRule);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// A Tuesday, 10:00 UTC.
    const TUESDAY: u64 = 1_795_514_400;

    fn event() -> Event {
        serde_json::from_str(include_str!("../../notice/tests/event.json")).unwrap()
    }

    fn ruled(params: &str, now: u64) -> Ruling {
        rule(&serde_json::from_str(params).unwrap(), &event(), now).unwrap()
    }

    #[test]
    fn the_margin_is_held() {
        let approved = ruled(r#"{"margin":{"metric":"mse","at_least":3.0}}"#, TUESDAY);
        assert_eq!(approved, Ruling::Approve("mse is better by 3.1685, at least 3 is asked".into()));
        let rejected = ruled(r#"{"margin":{"metric":"mse","at_least":5.0}}"#, TUESDAY);
        assert_eq!(rejected, Ruling::Reject("mse is better by 3.1685, at least 5 is asked".into()));
        let higher = ruled(r#"{"margin":{"metric":"mse","at_least":0.1,"better":"higher"}}"#, TUESDAY);
        assert!(matches!(higher, Ruling::Reject(_)));
    }

    #[test]
    fn a_first_release_has_nothing_to_beat_and_a_rollback_neither() {
        let params: Params = serde_json::from_str(r#"{"margin":{"metric":"mse","at_least":5.0}}"#).unwrap();
        let mut first = event();
        (first.metrics[0].production, first.replaces) = (None, None);
        assert_eq!(rule(&params, &first, TUESDAY).unwrap(), Ruling::Approve("mse has nothing to beat".into()));
        let back = Event { purpose: "rollback".to_owned(), ..event() };
        assert!(matches!(rule(&params, &back, TUESDAY).unwrap(), Ruling::Approve(_)));
    }

    #[test]
    fn what_is_not_known_of_production_is_not_beaten() {
        let params: Params = serde_json::from_str(r#"{"margin":{"metric":"mse","at_least":5.0}}"#).unwrap();
        let mut unknown = event();
        unknown.metrics[0].production = None;
        let reason = "mse of diabetes@1 is not known on the rows of diabetes@2: run the evaluation of diabetes@2 against it";
        assert_eq!(rule(&params, &unknown, TUESDAY).unwrap(), Ruling::Wait(reason.into()));
    }

    #[test]
    fn an_emergency_passes_where_the_project_lets_it() {
        let params = |pass: bool| {
            let text = format!(r#"{{"emergencies_pass":{pass},"hours":{{"days":["mon"],"from":"09:00","to":"16:00"}}}}"#);
            serde_json::from_str::<Params>(&text).unwrap()
        };
        let emergency = Event { purpose: "rollback".to_owned(), emergency: Some("wrong answers".to_owned()), ..event() };
        assert_eq!(rule(&params(true), &emergency, TUESDAY).unwrap(), Ruling::Approve("an emergency: wrong answers".into()));
        assert!(matches!(rule(&params(false), &emergency, TUESDAY).unwrap(), Ruling::Wait(_)));
        assert!(matches!(rule(&params(true), &event(), TUESDAY).unwrap(), Ruling::Wait(_)));
    }

    #[test]
    fn a_metric_that_is_not_there_decides_nothing() {
        let params: Params = serde_json::from_str(r#"{"margin":{"metric":"auc","at_least":0.1}}"#).unwrap();
        let failure = rule(&params, &event(), TUESDAY).unwrap_err();
        assert_eq!(failure, Failure::BadParams("expected a metric of the evaluation (`mse`), found `auc`".into()));
    }

    #[test]
    fn a_release_waits_for_its_hours() {
        let office = r#"{"hours":{"days":["mon","tue","wed","thu"],"from":"09:00","to":"16:00"}}"#;
        assert!(matches!(ruled(office, TUESDAY), Ruling::Approve(_)));
        let wait = ruled(office, TUESDAY + 7 * 3600);
        assert_eq!(wait, Ruling::Wait("it is tue 17:00 UTC; releases go mon, tue, wed, thu from 09:00 to 16:00".into()));
        assert!(matches!(ruled(office, TUESDAY + 4 * 86_400), Ruling::Wait(_)));
    }

    #[test]
    fn the_frozen_clock_is_no_clock() {
        let params: Params = serde_json::from_str(r#"{"hours":{"from":"09:00","to":"16:00"}}"#).unwrap();
        let failure = rule(&params, &event(), 946_684_800).unwrap_err();
        assert_eq!(
            failure,
            Failure::BadParams("expected the machine's clock: add `clock = \"real\"` to the stage's grants".into())
        );
        let wrong: Params = serde_json::from_str(r#"{"hours":{"from":"9am","to":"16:00"}}"#).unwrap();
        assert!(matches!(rule(&wrong, &event(), TUESDAY), Err(Failure::BadParams(message)) if message.contains("`9am`")));
    }

    #[test]
    fn no_rule_agrees() {
        assert_eq!(ruled("{}", TUESDAY), Ruling::Approve("no rule is set".into()));
    }

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <ApproveByRule as sprag_sdk::Plugin>::JSON, &derived);
    }
}
