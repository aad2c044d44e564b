//! The diabetes example from its data to production and back, as its README tells it: everything real, on this machine, with no network.

use serde_json::{Value, json};
use sprag_schemas::exit_code;

use crate::context::http::Client;
use crate::context::{Project, Serving};

/// The rows that the reference's smoke test sends.
const ROWS: &str = r#"{"data":[[1,2,3,4,5,6,7,8,9,10],[10,9,8,7,6,5,4,3,2,1]]}"#;

/// The example with a registered version and somebody who may approve.
pub(crate) fn registered() -> Serving {
    let site = Serving::of(Project::example("diabetes"));
    let _ = site.run(&["run"]).ok();
    let _ = site.run(&["key", "new", "--name", "tester", "--add"]).ok();
    site
}

/// The key of whoever may approve.
pub(crate) fn key(site: &Serving) -> String {
    site.outside().join("home/.config/sprag/key").to_str().unwrap().to_owned()
}

/// Takes the newest version to production.
pub(crate) fn released(site: &Serving) -> Value {
    site.run(&["release", "--approve-as", &key(site), "--reason", "as the test wants it", "--json"]).ok().json()
}

/// What production answers to the reference's two rows.
pub(crate) fn answer(site: &Serving) -> Vec<f64> {
    let answer = Client::connect(site.address("diabetes-production")).post("/score", ROWS.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_value(answer.json()["result"].take()).unwrap()
}

/// Insists on predictions: 0.5 and 0.4 are the golden figures of scikit-learn on the repository's data.
#[track_caller]
pub(crate) fn is_near(found: &[f64], expected: [f64; 2]) {
    assert!(found.len() == 2 && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1.0), "{found:?} for {expected:?}");
}

pub(crate) const AT_ONE_HALF: [f64; 2] = [5113.09964212, 3713.63292714];
pub(crate) const AT_TWO_FIFTHS: [f64; 2] = [5215.19813158, 3726.99548594];

#[test]
fn the_example_goes_to_production_through_a_person_s_approval() {
    let site = registered();
    let stopped = site.run(&["release"]).exits(exit_code::AWAITING_APPROVAL);
    assert!(stopped.stdout.contains("staging.smoke-test"), "{}", stopped.stdout);
    assert!(stopped.stdout.contains("awaiting-approval"), "{}", stopped.stdout);
    let names: Vec<_> = site.services().iter().map(|service| service["name"].clone()).collect();
    assert_eq!(names, ["diabetes-staging"], "production hears nothing before the approval");
    assert!(site.run(&["model", "show", "diabetes@production"]).code != Some(0), "the alias has not moved");

    let waiting: Vec<Value> = site.run(&["approvals", "--json"]).ok().json();
    assert_eq!((waiting.len(), &waiting[0]["version"]), (1, &json!({ "name": "diabetes", "version": 1 })));
    let _ = site.run(&["approve", "--reason", "the first one"]).ok();
    let done = site.run(&["resume"]).ok();
    assert!(done.stdout.contains("released"), "{}", done.stdout);

    is_near(&answer(&site), AT_ONE_HALF);
    let shown = site.run(&["model", "show", "diabetes@production"]).ok().stdout;
    assert!(shown.contains("diabetes@1"), "{shown}");
    let record: Value = site.run(&["releases", "latest", "--json"]).ok().json();
    let steps = record["steps"].as_array().unwrap();
    let digests: Vec<_> =
        steps.iter().filter(|step| step["action"] == "deploy").map(|step| step["reason"].as_str().unwrap()).collect();
    let package = record["package"]["digest"].as_str().unwrap();
    assert!(digests.len() == 2 && digests.iter().all(|reason| reason.contains(package)), "one package: {digests:?}, {package}");
}

#[test]
fn ci_approves_by_a_key_and_a_rollback_brings_the_version_before_back() {
    let site = registered();
    assert_eq!(released(&site)["outcome"], "released");
    let _ = site.run(&["run", "--param", "train.alpha=0.4"]).ok();
    let second = released(&site);
    assert_eq!(second["outcome"], "released");
    is_near(&answer(&site), AT_TWO_FIFTHS);

    let back = ["rollback", "production", "--reason", "wrong answers", "--approve-as", &key(&site), "--json"];
    let back: Value = site.run(&back).ok().json();
    assert_eq!(back["why"], "wrong answers");
    assert_eq!((&back["outcome"], &back["version"]["version"]), (&json!("released"), &json!(1)));
    is_near(&answer(&site), AT_ONE_HALF);
    let history = site.run(&["model", "history", "production"]).ok().stdout;
    assert!(history.matches("diabetes@1").count() >= 2 && history.contains("diabetes@2"), "{history}");
}

#[test]
fn what_is_in_production_again_needs_no_second_release() {
    let site = registered();
    assert_eq!(released(&site)["outcome"], "released");
    let again = site.run(&["run"]).ok();
    assert!(again.stdout.contains("kept"), "the candidate is what production has:\n{}", again.stdout);
    let plan: Value = site.run(&["release", "--plan", "--json"]).ok().json();
    for environment in plan["environments"].as_array().unwrap() {
        let actions: Vec<_> = environment["changes"].as_array().unwrap().iter().map(|change| change["action"].clone()).collect();
        assert_eq!(actions, ["keep"], "{environment}");
    }
}

#[test]
fn a_share_of_the_requests_goes_through_the_same_gate_and_comes_back() {
    let site = registered();
    let none = site.run(&["release", "--share", "25"]).exits(exit_code::BAD_PROJECT);
    assert!(none.stderr.contains("to share its requests with, found none"), "{}", none.stderr);
    assert_eq!(released(&site)["outcome"], "released");
    let _ = site.run(&["run", "--param", "train.alpha=0.4"]).ok();
    let asked = site.run(&["release", "--share", "25"]).exits(exit_code::AWAITING_APPROVAL);
    assert!(asked.stdout.contains("staging.smoke-test"), "{}", asked.stdout);
    let waiting = site.run(&["approvals"]).ok().stdout;
    assert!(waiting.contains("25 % of the requests"), "{waiting}");
    let done = site.run(&["approve", "--reason", "a quarter first", "--resume"]).ok();
    assert!(done.stdout.contains("released: diabetes@2 has 25 % of the requests in `production`"), "{}", done.stdout);

    let mut client = Client::connect(site.address("diabetes-production"));
    let mut ask = || client.post("/score", ROWS.as_bytes()).header("x-sprag-model-version").unwrap().to_owned();
    let versions: Vec<_> = (0..40).map(|_| ask()).collect();
    let count = |version: &str| versions.iter().filter(|found| *found == version).count();
    // The sequence that divides them keeps within a few of the share wherever it begins.
    assert!((7..=13).contains(&count("diabetes@2")) && count("diabetes@1") + count("diabetes@2") == 40, "{versions:?}");
    let shown = site.run(&["model", "show", "diabetes@production"]).ok().stdout;
    assert!(shown.contains("diabetes@1"), "the alias stays with what has the rest: {shown}");

    let _ = site.run(&["rollback", "production", "--reason", "enough seen", "--approve-as", &key(&site)]).ok();
    let mut client = Client::connect(site.address("diabetes-production"));
    let versions: Vec<_> = (0..8).map(|_| client.post("/score", ROWS.as_bytes())).collect();
    assert!(versions.iter().all(|answer| answer.header("x-sprag-model-version") == Some("diabetes@1")), "{versions:?}");
}

#[test]
fn what_runs_is_asked_of_the_adapters_and_removed_by_them() {
    let site = registered();
    let before: Value = site.run(&["environments", "--live", "--json"]).ok().json();
    assert_eq!((&before[0]["live"]["phase"], &before[0]["difference"]), (&json!("absent"), &Value::Null));
    assert_eq!(released(&site)["outcome"], "released");
    let live = site.run(&["environments", "--live"]).ok().stdout;
    assert!(live.matches("ready at http://127.0.0.1:").count() == 2 && live.contains("100 %"), "{live}");

    // Somebody stops the service behind the record's back.
    let _ = site.run(&["services", "stop", "diabetes-production"]).ok();
    let gone = site.run(&["environments", "--live"]).exits(exit_code::BLOCKED).stdout;
    assert!(gone.contains("differs from the record: expected diabetes@1, found no service"), "{gone}");

    let shown = site.run(&["destroy", "staging", "--reason", "done"]).ok();
    assert!(shown.stderr.contains("nothing was removed; `--yes` removes it"), "{}", shown.stderr);
    assert_eq!(site.services().len(), 1);
    let removed = site.run(&["destroy", "staging", "--reason", "done", "--yes"]).ok().stdout;
    assert!(removed.contains("1 thing changed"), "{removed}");
    assert_eq!(site.services().len(), 0);
    let again: Value = site.run(&["destroy", "staging", "--reason", "done", "--yes", "--json"]).ok().json();
    assert_eq!(again["live"]["phase"], "absent");
    let history: Value = site.run(&["environments", "staging", "--json"]).ok().json();
    assert_eq!((&history[0]["event"], &history[0]["reason"]), (&json!("removed"), &json!("done")));
    let wrong = site.run(&["destroy", "stagin", "--reason", "done"]).exits(exit_code::BAD_PROJECT);
    assert!(
        wrong.stderr.contains("expected an environment of the project (`staging`, `production`), found `stagin`"),
        "{}",
        wrong.stderr
    );
}
