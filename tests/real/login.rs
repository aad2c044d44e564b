//! People log in by a certified provider of OpenID Connect, in a real browser.

use std::process::Command;

use serde_json::{Value, json};

use crate::context::{Project, Service, Serving, root};
use crate::part::{Server, free_port, is_here, output};

const SECRET: &str = "a-secret-of-the-client/+=";

fn packages() -> Option<String> {
    let packages = root().join("target/ci-node/node_modules").display().to_string();
    let needs = format!("require('{packages}/playwright-core'); import('{packages}/oidc-provider/lib/index.js')");
    (is_here("node", &["-e", &needs]) && is_here("chromium", &["--version"])).then_some(packages)
}

/// A server whose people log in by a provider, and the provider.
fn together(site: &Serving, packages: &str, claims: &str) -> (Service, Server) {
    let (port, provider) = (free_port(), free_port());
    let url = format!("http://127.0.0.1:{port}");
    let mut node = Command::new("node");
    node.arg(root().join("tests/real/login/provider.mjs")).args([
        packages,
        &provider.to_string(),
        &format!("{url}/login/oidc/return"),
    ]);
    node.env("CLAIMS", claims).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let provider = Server::start(&mut node, provider, "/.well-known/openid-configuration");
    let file = format!(
        "issuer = \"http://127.0.0.1:{}\"\nclient-id = \"sprag\"\nclient-secret = {{ env = \"SPRAG_OIDC_SECRET\" }}\nurl = \"{url}\"\nname = \"the test's provider\"\n\n[roles]\napprover = [\"ml-leads\"]\nviewer = [\"ml-leads\"]\n",
        provider.port
    );
    std::fs::write(site.root().join("oidc.toml"), file).unwrap();
    let mut server =
        site.sprag(&["server", "--listen", &format!("127.0.0.1:{port}"), "--ready-file", "ready", "--oidc", "oidc.toml"]);
    server = server.env("SPRAG_OIDC_SECRET", SECRET);
    (Service::of(site, server, &[]), provider)
}

fn browsed(packages: &str, service: &Service, path: &str, names: &[&str]) -> Value {
    let script = root().join("tests/real/login/browse.cjs").display().to_string();
    let url = format!("http://{}", service.address);
    let args: Vec<&str> = [script.as_str(), packages, &url, path].into_iter().chain(names.iter().copied()).collect();
    serde_json::from_str(&output("node", &args)).unwrap()
}

#[test]
fn people_log_in_by_a_provider_and_their_groups_give_their_roles() {
    let Some(packages) = packages() else { return };
    let site = Serving::of(Project::example("diabetes"));
    let _ = site.run(&["run"]).ok();
    for claims in ["tokens", "account"] {
        let (service, provider) = together(&site, &packages, claims);
        let found = browsed(&packages, &service, "/models", &["ada", "eve", "ben"]);
        // Whoever wanted a page is on it after the login.
        let ada = &found["ada"];
        assert_eq!(ada["asked"], json!({ "heading": "Log in", "at": "/login" }));
        assert_eq!((&ada["at"], &ada["heading"]), (&json!("/models"), &json!("Models")), "{found}");
        assert_eq!(ada["whoami"], json!({ "user": "ada@example.com", "roles": ["viewer", "approver"] }));
        assert_eq!(ada["cookies"], json!([{ "name": "sprag_session", "httpOnly": true, "sameSite": "Strict" }]));
        // Who is in no group that has a role gets nothing, and is told why.
        let eve = found["eve"]["text"].as_str().unwrap();
        assert!(eve.contains("expected somebody in a group that has a role here, found `eve@example.com`"), "{eve}");
        assert_eq!(found["eve"]["whoami"], 401);
        let ben = found["ben"]["text"].as_str().unwrap();
        assert!(ben.contains("an address that the provider has not verified"), "{ben}");
        drop((service, provider));
    }
    let log = site.run(&["audit", "show"]).ok();
    assert!(log.stdout.contains("ada@example.com") && log.stdout.contains("session.open"), "{}", log.stdout);
    assert!(!log.stdout.contains(SECRET));
}
