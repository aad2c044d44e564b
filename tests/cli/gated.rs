//! The gate through the command line: what approvers say and how, where they say it, and what a release does without them.

use serde_json::{Value, json};
use sprag_schemas::exit_code;

use crate::context::{Project, Serving};
use crate::released::{AT_ONE_HALF, answer, is_near, key, registered, released};

/// Takes the gate away: nobody is asked.
pub(crate) fn open(project: &Project) {
    let text = project.read("sprag.toml");
    let (open, _) = text.split_once("[environments.production.approval]").unwrap();
    project.write("sprag.toml", open);
}

/// The release that waits, and the digest of what it waits with.
fn waiting(site: &Serving) -> (String, String) {
    let waiting: Vec<Value> = site.run(&["approvals", "--json"]).ok().json();
    let text = |name: &str| waiting[0][name].as_str().unwrap().to_owned();
    (text("release"), text("digest"))
}

#[test]
fn a_no_ends_the_release_at_once_and_for_good() {
    let site = registered();
    let _ = site.run(&["release"]).exits(exit_code::AWAITING_APPROVAL);
    let no = site.run(&["reject", "--reason", "too slow"]).ok().stdout;
    assert!(no.contains("rejected: diabetes@1 for `production`, by tester"), "{no}");
    assert!(no.contains("blocked: rejected by `tester`: too slow"), "{no}");
    let record: Value = site.run(&["releases", "latest", "--json"]).ok().json();
    assert_eq!((&record["outcome"], &record["reason"]), (&json!("blocked"), &json!("rejected by `tester`: too slow")));
    let late = site.run(&["approve", "--reason", "fast enough"]).exits(exit_code::BAD_PROJECT);
    assert!(late.stderr.contains("does not wait for an approval; it is blocked"), "{}", late.stderr);
    let ended = site.run(&["resume"]).exits(exit_code::BAD_PROJECT);
    assert!(ended.stderr.contains("has ended: blocked"), "{}", ended.stderr);
    assert_eq!(site.services().len(), 1, "production hears nothing");
}

#[test]
fn an_approval_travels_as_a_file() {
    let site = registered();
    let _ = site.run(&["release"]).exits(exit_code::AWAITING_APPROVAL);
    let (id, digest) = waiting(&site);
    let wrote = site.run(&["approve", &id, "--statement", &digest, "--reason", "good", "--output", "ada.json"]).ok();
    assert!(wrote.stderr.contains(&format!("sprag resume {id} --approval ada.json")), "{}", wrote.stderr);
    let _ = site.run(&["resume"]).exits(exit_code::AWAITING_APPROVAL);
    site.write("damaged.json", "{}");
    let damaged = site.run(&["resume", "--approval", "damaged.json"]).exits(exit_code::BAD_PROJECT);
    assert!(damaged.stderr.contains("expected an approval, as `sprag approve --output` writes it"), "{}", damaged.stderr);
    let done = site.run(&["resume", "--approval", "ada.json"]).ok().stdout;
    assert!(done.contains("approved by tester") && done.contains("released"), "{done}");
    is_near(&answer(&site), AT_ONE_HALF);
}

#[test]
fn only_what_was_read_is_approved_and_never_one_of_several_by_guess() {
    let site = registered();
    let asked = site.run(&["release"]).exits(exit_code::AWAITING_APPROVAL).stdout;
    let (first, digest) = waiting(&site);
    assert!(asked.contains(&format!("sprag approve {first} --statement {digest} --reason")), "{asked}");
    // What was read is no longer what waits.
    site.edit("[environments.production.approval]", "[environments.production.approval]\nexpires = \"1h\"");
    let other = site.run(&["approve", &first, "--statement", &digest, "--reason", "good"]).exits(exit_code::REFUSED);
    assert!(other.stderr.contains(&format!("expected the statement {digest} to wait, found sha256:")), "{}", other.stderr);

    let _ = site.run(&["run", "--param", "train.alpha=0.4"]).ok();
    let _ = site.run(&["release"]).exits(exit_code::AWAITING_APPROVAL);
    let several = site.run(&["approve", "--reason", "good"]).exits(exit_code::BAD_PROJECT);
    assert!(several.stderr.contains("expected the name of one of the releases that wait: `"), "{}", several.stderr);
    let cancelled = site.run(&["releases", "cancel", &first, "--reason", "the other is better"]).ok().stdout;
    assert!(cancelled.contains("blocked: cancelled by `tester`: the other is better; left as it is: `staging`"), "{cancelled}");
    let _ = site.run(&["approve", "--reason", "good"]).ok();
}

#[test]
fn a_key_that_came_with_the_command_speaks_at_each_gate() {
    let site = registered();
    let gate =
        "[environments.staging.approval]\napprovers = \"approvers\"\nauthor-may-approve = true\n\n[environments.production]";
    site.edit("[environments.production]", gate);
    let record = released(&site);
    assert_eq!(record["outcome"], "released");
    let steps = record["steps"].as_array().unwrap();
    let gates: Vec<_> = steps.iter().filter(|step| step["action"] == "approval").map(|step| step["reason"].clone()).collect();
    assert_eq!(gates, ["approved by tester", "approved by tester"]);
}

#[test]
fn whoever_begins_a_release_with_a_key_does_not_approve_it_by_another_name() {
    let site = registered();
    site.edit("author-may-approve = true", "");
    let begin = ["release", "--approve-as", &key(&site), "--reason", "mine"];
    let refused = site.sprag(&begin).env("SPRAG_USER", "somebody-else").run().exits(exit_code::REFUSED);
    assert!(refused.stderr.contains("`tester` is an author of this release"), "{}", refused.stderr);
}

#[test]
fn an_emergency_goes_back_at_once_with_its_reason() {
    let site = registered();
    released(&site);
    let _ = site.run(&["run", "--param", "train.alpha=0.4"]).ok();
    released(&site);
    let emergency = ["rollback", "production", "--emergency", "--reason", "wrong answers since noon"];
    let no_rule = site.run(&emergency).exits(exit_code::REFUSED);
    assert!(no_rule.stderr.contains("has no rule for emergencies"), "{}", no_rule.stderr);
    site.append("\n[environments.production.approval.emergency]\nrequired = 0\n");
    let back = site.run(&emergency).ok().stdout;
    assert!(back.contains("an emergency: nobody is asked") && back.contains("wrong answers since noon"), "{back}");
    is_near(&answer(&site), AT_ONE_HALF);
    let record: Value = site.run(&["releases", "latest", "--json"]).ok().json();
    assert_eq!((&record["emergency"], &record["purpose"]), (&json!("wrong answers since noon"), &json!("rollback")));
}

#[test]
fn a_secret_that_is_missing_is_named_before_anything_happens_and_only_on_the_way() {
    let site = registered();
    let deploy = "deploy = { plugin = \"deploy-local\", grants = { services = true } }";
    let production = format!("alias = \"production\"\n{deploy}");
    site.edit(&production, &production.replace("services = true", "services = true, secrets = [\"cluster\"]"));
    site.append("\n[secrets.cluster]\nenv = \"CLUSTER_TOKEN\"\nhosts = [\"cluster.example.com\"]\n");
    let _ = site.run(&["lock"]).ok();
    let missing = site.run(&["release"]).exits(exit_code::BAD_PROJECT);
    assert!(missing.stderr.contains("cluster") && missing.stderr.contains("CLUSTER_TOKEN"), "{}", missing.stderr);
    assert_eq!(site.services().len(), 0, "nothing was deployed");
    let staging = site.run(&["release", "--to", "staging"]).ok().stdout;
    assert!(staging.contains("diabetes@1 is in `staging`"), "{staging}");
}

#[test]
fn a_preview_pushes_nothing() {
    let site = registered();
    // Nobody listens there: to push would fail.
    site.edit("[environments.staging]", "[release]\nrepository = \"127.0.0.1:1/models/diabetes\"\n\n[environments.staging]");
    let plan: Value = site.run(&["release", "--plan", "--json"]).ok().json();
    assert_eq!(plan["environments"].as_array().unwrap().len(), 2);
}

/// The reference's test of production removed the very service that it had tested.
#[test]
fn the_test_of_production_does_not_delete_production() {
    let site = registered();
    for alpha in ["0.5", "0.4"] {
        let _ = site.run(&["run", "--param", &format!("train.alpha={alpha}")]).ok();
        let record = released(&site);
        let steps = record["steps"].as_array().unwrap();
        let tested = steps.iter().find(|step| step["name"] == "production.smoke-test").unwrap();
        assert_eq!(tested["status"], "passed");
        let live: Value = site.run(&["environments", "--live", "--json"]).ok().json();
        assert_eq!((&live[1]["live"]["phase"], &live[1]["difference"]), (&json!("ready"), &Value::Null));
        assert_eq!(answer(&site).len(), 2, "it answers after its test as before");
    }
}
