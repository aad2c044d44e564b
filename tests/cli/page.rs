//! The server's page: what people see of it, and what their forms do.

use std::net::TcpStream;

use serde_json::Value;
use sprag_schemas::approval::Verdict;
use sprag_schemas::exit_code;
use sprag_schemas::record::RunOutcome;

use crate::context::http::{Answer, Client};
use crate::context::{Project, Service};
use crate::released::registered;

const FREE: [&str; 5] = ["server", "--listen", "127.0.0.1:0", "--ready-file", "ready"];

fn published() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["publish"]).ok();
    project
}

/// The value of a hidden field of the first form that has it.
#[track_caller]
fn hidden(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = page.split(&start).nth(1).unwrap_or_else(|| panic!("no `{name}`: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

fn form(client: &mut Client<TcpStream>, path: &str, cookie: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie)];
    client.request("POST", path, &headers, body.as_bytes())
}

#[test]
fn a_run_is_started_from_the_page_once_however_often_it_is_clicked() {
    let project = published();
    let service = Service::of(&project, project.sprag(&FREE), &[]);
    let mut client = service.client();
    let page = client.get("/pipelines/diabetes");
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'; style-src 'self'"));
    let (csrf, key) = (hidden(page.text(), "csrf"), hidden(page.text(), "key"));
    let body = format!("csrf={csrf}&key={key}&version=1&params=train.alpha%3D0.4%0A");
    let (first, second) =
        (form(&mut client, "/pipelines/diabetes/start", "", &body), form(&mut client, "/pipelines/diabetes/start", "", &body));
    assert_eq!((first.status, first.header("location")), (303, second.header("location")));
    let place = first.header("location").unwrap().to_owned();
    let mut run = String::new();
    let since = std::time::Instant::now();
    while !run.contains("Where it comes from") {
        assert!(since.elapsed().as_secs() < 60, "{run}");
        run = client.get(&place).text().to_owned();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for expected in ["promoted", "Predicted against actual", "Residuals", "predictions.csv"] {
        assert!(run.contains(expected), "{expected}");
    }
    let links = run.split("href=\"/api/v1/runs/").skip(1).filter_map(|rest| rest.split('"').next());
    let artifact = links.into_iter().find(|link| link.ends_with("/predictions.csv")).unwrap();
    let file = client.get(&format!("/api/v1/runs/{artifact}"));
    assert_eq!((file.status, file.header("content-disposition")), (200, Some("attachment")));
    assert!(file.text().starts_with("row,truth,candidate\n"));
    let list = client.get("/");
    assert_eq!(list.text().matches("href=\"/runs/").count(), 1, "{}", list.text());
    for path in ["/models", "/models/diabetes", "/pipelines", "/approvals", "/assets/page.css", "/assets/live.js"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
}

#[test]
fn two_runs_are_compared() {
    let project = published();
    let (one, other) = (project.record(&[]), project.record(&["--param", "train.alpha=0.4"]));
    assert_eq!(other.outcome, RunOutcome::Promoted);
    let service = Service::of(&project, project.sprag(&FREE), &[]);
    let page = service.client().get(&format!("/compare?a={}&b={}", one.id, other.id));
    for expected in ["mse", "train.alpha", "<code>0.5</code>", "<code>0.4</code>"] {
        assert!(page.text().contains(expected), "{expected}: {}", page.text());
    }
    let unknown = service.client().get("/compare?a=none&b=none");
    assert_eq!(unknown.status, 404);
    assert!(unknown.header("content-type").unwrap().starts_with("text/html"));
}

#[test]
fn a_form_of_another_site_or_of_an_earlier_session_does_nothing() {
    let project = published();
    let service = Service::of(&project, project.sprag(&FREE), &[]);
    let mut client = service.client();
    let without = form(&mut client, "/pipelines/diabetes/start", "", "csrf=guessed");
    assert_eq!(without.status, 403);
    assert!(without.text().contains("load the page anew"), "{}", without.text());
    let csrf = hidden(client.get("/pipelines/diabetes").text(), "csrf");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
    let elsewhere = client.request("POST", "/pipelines/diabetes/start", &headers, format!("csrf={csrf}").as_bytes());
    assert_eq!(elsewhere.status, 403);
    assert_eq!(client.get("/api/v1/runs").text(), "[]");
}

#[test]
fn a_token_opens_a_session_that_ends_with_it() {
    let project = published();
    let made: Value = project.run(&["token", "add", "ada", "--role", "viewer", "--json"]).ok().json();
    let service = Service::of(&project, project.sprag(&FREE), &[]);
    let mut client = service.client();
    let asked = client.get("/models");
    assert_eq!((asked.status, asked.header("location")), (303, Some("/login?next=%2Fmodels")));
    let wrong = form(&mut client, "/login", "", "token=sprag_wrong&next=/models");
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("role=\"alert\""), "{}", wrong.text());
    let secret = made["secret"].as_str().unwrap();
    let opened = form(&mut client, "/login", "", &format!("token={secret}&next=/models"));
    assert_eq!((opened.status, opened.header("location")), (303, Some("/models")));
    let set = opened.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap().to_owned();
    let get = |path: &str| service.client().request("GET", path, &[("cookie", &cookie)], b"");
    let page = get("/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("ada"), "{}", page.text());
    assert!(!get("/pipelines/diabetes").text().contains("Start a run"), "a viewer is not asked to");
    let csrf = hidden(page.text(), "csrf");
    let start = form(&mut client, "/pipelines/diabetes/start", &cookie, &format!("csrf={csrf}"));
    assert_eq!(start.status, 403);
    let _ = project.run(&["token", "revoke", made["id"].as_str().unwrap()]).ok();
    assert_eq!(get("/").status, 303, "a token that was taken back takes its sessions with it");
}

#[test]
fn an_approver_says_yes_on_the_page_to_what_was_read_and_once() {
    let site = registered();
    let _ = site.run(&["key", "new", "--name", "ada", "--output", "server-key", "--add"]).ok();
    let _ = site.run(&["release"]).exits(exit_code::AWAITING_APPROVAL);
    let made: Value = site.run(&["token", "add", "ada", "--role", "approver", "--json"]).ok().json();
    let service = Service::of(&site, site.sprag(&FREE).arg("--approver-key").arg("ada=server-key"), &[]);
    let mut client = service.client();
    let opened = form(&mut client, "/login", "", &format!("token={}", made["secret"].as_str().unwrap()));
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let get = |path: &str| service.client().request("GET", path, &[("cookie", &cookie)], b"");
    let list = get("/approvals");
    let id = list
        .text()
        .split("href=\"/approvals/")
        .nth(1)
        .unwrap_or_else(|| panic!("{}", list.text()))
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let place = format!("/approvals/{id}");
    let page = get(&place);
    for expected in ["diabetes@1 to production", "In place of", "Metrics, on the same rows", "Approve", "Reject", "sha256:"] {
        assert!(page.text().contains(expected), "{expected}: {}", page.text());
    }
    let (csrf, digest) = (hidden(page.text(), "csrf"), hidden(page.text(), "digest"));
    let word = |digest: &str, verdict: Verdict, reason: &str| {
        let verdict = serde_json::to_value(verdict).unwrap();
        format!("csrf={csrf}&digest={digest}&verdict={}&reason={reason}", verdict.as_str().unwrap())
    };
    let other = form(&mut client, &place, &cookie, &word("sha256:00", Verdict::Approve, "fine"));
    assert_eq!(other.status, 409, "{}", other.text());
    let silent = form(&mut client, &place, &cookie, &word(&digest, Verdict::Approve, ""));
    assert_eq!(silent.status, 409, "a word without a reason counts nothing: {}", silent.text());
    let yes = word(&digest, Verdict::Approve, "metrics+and+drift+look+right");
    let first = form(&mut client, &place, &cookie, &yes);
    assert_eq!(first.status, 303, "{}", first.text());
    let again = form(&mut client, &place, &cookie, &yes);
    assert!(matches!(again.status, 303 | 409), "a second click: {}", again.text());
    let since = std::time::Instant::now();
    let mut outcome = Value::Null;
    while outcome != "released" {
        assert!(since.elapsed().as_secs() < 60, "{outcome}");
        outcome = site.run(&["releases", "latest", "--json"]).ok().json::<Value>()["outcome"].clone();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let log: Vec<Value> = site.run(&["audit", "show", "--json"]).ok().json();
    let words: Vec<_> = log.iter().filter(|entry| entry["action"] == "release.approved").collect();
    assert_eq!((words.len(), &words[0]["by"], &words[0]["details"]["statement"]), (1, &"ada".into(), &digest.into()));
}
