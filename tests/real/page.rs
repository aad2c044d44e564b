//! The server's page in a real browser, at the width of a phone and of a desk, light and dark.

use serde_json::{Value, json};
use sprag_schemas::exit_code;

use crate::context::{Project, Service, Serving, root};
use crate::part::{is_here, output};

#[test]
fn people_can_use_it() {
    let packages = root().join("target/ci-node/node_modules").display().to_string();
    let needs = format!("require('{packages}/playwright-core'); require('{packages}/axe-core')");
    if !is_here("node", &["-e", &needs]) || !is_here("chromium", &["--version"]) {
        return;
    }
    let site = Serving::of(Project::example("diabetes"));
    let _ = site.run(&["run"]).ok();
    let _ = site.run(&["run", "--param", "train.alpha=0.4"]).ok();
    let _ = site.run(&["key", "new", "--name", "tester", "--add"]).ok();
    let _ = site.run(&["release"]).exits(exit_code::AWAITING_APPROVAL);
    let _ = site.run(&["publish"]).ok();
    let waiting: Vec<Value> = site.run(&["approvals", "--json"]).ok().json();
    let release = waiting[0]["release"].as_str().unwrap();
    let key = site.outside().join("home/.config/sprag/key");
    let server = site.sprag(&["server", "--listen", "127.0.0.1:0", "--ready-file", "ready"]);
    let server = server.arg("--approver-key").arg(format!("tester={}", key.display()));
    let service = Service::of(&site, server, &[]);
    let folder = std::env::var("SPRAG_TESTS_SCREENSHOTS").unwrap_or_else(|_| site.outside().display().to_string());
    let script = root().join("tests/real/page/look.cjs").display().to_string();
    let url = format!("http://{}", service.address);
    let told: Value = serde_json::from_str(&output("node", &[&script, &packages, &url, release, &folder])).unwrap();
    for (what, why) in [
        ("faults", "nothing is refused and nothing fails in the browser"),
        ("outside", "nothing is fetched from elsewhere"),
        ("wide", "nothing is wider than the screen"),
        ("violations", "axe finds nothing against WCAG 2.1 AA"),
    ] {
        assert_eq!(told[what], json!([]), "{why}");
    }
    assert!(told["live"]["heading"].as_str().unwrap().starts_with("diabetes "), "{told}");
    assert!(told["live"]["plots"].as_u64().unwrap() >= 3, "{told}");
    assert_eq!(told["keyboard"], json!({ "skip": "To the content", "opened": 1 }));
    assert!(told["withoutScript"].as_str().unwrap().starts_with("diabetes "), "{told}");
}
