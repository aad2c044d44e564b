//! Approvers are told by a real mail server and by webhooks in the shapes of Slack and Teams; and the secrets that it took are nowhere afterwards.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sprag_schemas::exit_code;

use crate::context::{Hidden, Project, Serving, root};
use crate::part::{Server, free_port, has_python};

const PASSWORD: &str = "correct-horse-battery-staple";
const TOKEN: &str = "xoxb-7313-a-token-that-must-not-be-seen";
/// What makes the address of a Slack webhook one that lets in, and of a Teams webhook: each has letters that an address writes in another way.
const SLACK_HOOK: &str = "T0B7/B91X/9f8e7d6c+webhook=of slack";
const TEAMS_SIGNATURE: &str = "sv=1&sig/4Kd+webhook=of teams";

/// A request that the receiver took: path, `authorization`, body.
type Taken = Arc<Mutex<Vec<(String, String, Value)>>>;

/// Takes webhooks on a port of the loopback address, and answers as Slack does.
fn receiver() -> (u16, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, taken) = (listener.local_addr().unwrap().port(), Taken::default());
    let seen = taken.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut path, mut authorization, mut length) = (String::new(), String::new(), 0);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or(("", &line));
                match name.to_ascii_lowercase().as_str() {
                    "" => path = value.split(' ').nth(1).unwrap_or_default().to_owned(),
                    "authorization" => authorization = value.trim().to_owned(),
                    "content-length" => length = value.trim().parse().unwrap(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            seen.lock().unwrap().push((path, authorization, serde_json::from_slice(&body).unwrap()));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"ok\":true}";
            stream.get_mut().write_all(answer).unwrap();
        }
    });
    (port, taken)
}

fn mail_server(folder: &Path) -> Server {
    let port = free_port();
    let mut command = Command::new("python3");
    command.arg(root().join("tests/python/smtp_server.py")).arg(port.to_string()).arg(folder).args(["sprag", PASSWORD]);
    Server::until(&mut command, port, |stream| {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).is_ok() && greeting == *b"220"
    })
}

/// All messages that the server took.
fn messages(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("new")).into_iter().flatten();
    entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn approvers_are_told_by_mail_and_webhooks_and_no_secret_is_left_anywhere() {
    if !has_python("aiosmtpd") {
        return;
    }
    let site = Serving::of(Project::example("diabetes"));
    let mailbox = site.outside().join("mailbox");
    let (mail, (port, taken)) = (mail_server(&mailbox), receiver());
    let hook = |name: &str, path: &str, more: &str, grants: &str| {
        format!(
            "[environments.production.notify.{name}]\nplugin = \"notify-webhook\"\n\
             params = {{ url = \"http://127.0.0.1:{port}{path}\"{more} }}\n\
             grants = {{ http = [\"http://127.0.0.1:{port}\"]{grants} }}\n"
        )
    };
    let secret = |name: &str, variable: &str| format!("[secrets.{name}]\nenv = \"{variable}\"\nhosts = [\"127.0.0.1:{port}\"]\n");
    site.append(&["\n", &secret("slack-hook", "SLACK_HOOK"), &secret("teams", "TEAMS_SIGNATURE")].concat());
    site.append(&format!(
        "\n[secrets.mail]\nenv = \"MAIL_PASSWORD\"\nhosts = [\"127.0.0.1:{0}\"]\n[secrets.slack]\nenv = \"SLACK_TOKEN\"\nhosts = [\"127.0.0.1:{port}\"]\n\
         [environments.production.notify.mail]\nplugin = \"notify-email\"\n\
         params = {{ server = \"127.0.0.1:{0}\", security = \"plain\", from = \"sprag@example.com\", to = [\"team@example.com\"], user = \"sprag\", password = \"mail\" }}\n\
         grants = {{ smtp = [\"127.0.0.1:{0}\"], secrets = [\"mail\"] }}\n{1}{2}{3}{4}",
        mail.port,
        hook("json", "/json", "", ""),
        hook("slack", "/slack", ", format = \"slack\", secret = \"slack\", channel = \"C1\"", ", secrets = [\"slack\"]"),
        hook("slack-hook", "/services/{slack-hook}", ", format = \"slack\"", ", secrets = [\"slack-hook\"]"),
        hook("teams", "/workflows/1/invoke?api-version=1&sig={teams}", ", format = \"teams\"", ", secrets = [\"teams\"]"),
    ));
    let _ = site.run(&["run"]).ok();
    let _ = site.run(&["key", "new", "--name", "tester", "--add"]).ok();

    let hooked = |args: &[&str]| {
        let sprag = site.sprag(args).env("SLACK_TOKEN", TOKEN);
        sprag.env("SLACK_HOOK", SLACK_HOOK).env("TEAMS_SIGNATURE", TEAMS_SIGNATURE)
    };
    let missing = hooked(&["release"]).run();
    assert!(missing.stderr.contains("MAIL_PASSWORD") && missing.stderr.contains("`mail`"), "{}", missing.stderr);
    let with = |args: &[&str]| hooked(args).env("MAIL_PASSWORD", PASSWORD).run();
    let stopped = with(&["release", "--verbose"]).exits(exit_code::AWAITING_APPROVAL);

    let told = messages(&mailbox);
    assert_eq!(told.len(), 1, "{}", stopped.stdout);
    for expected in ["team@example.com", "diabetes", "sprag approve", "mse"] {
        assert!(told[0].contains(expected), "no `{expected}` in {}", told[0]);
    }
    let hooks = taken.lock().unwrap().clone();
    let paths: Vec<_> = hooks.iter().map(|(path, ..)| path.as_str()).collect();
    let hooked = "/services/T0B7/B91X/9f8e7d6c%2Bwebhook%3Dof%20slack";
    let signed = "/workflows/1/invoke?api-version=1&sig=sv%3D1%26sig%2F4Kd%2Bwebhook%3Dof+teams";
    assert_eq!(paths, ["/json", "/slack", hooked, signed]);
    let [(_, none, event), (_, bearer, slack), (_, _, hook), (_, _, teams)] = &hooks[..] else { panic!("{hooks:?}") };
    assert_eq!((none.as_str(), bearer.as_str()), ("", format!("Bearer {TOKEN}").as_str()));
    assert_eq!(hook["blocks"], slack["blocks"]);
    let schema: Value = serde_json::from_str(&site.run(&["schema", "release-event"]).ok().stdout).unwrap();
    let problems: Vec<_> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(event).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    assert!(slack["channel"] == "C1" && slack["blocks"].is_array(), "{slack}");
    assert_eq!(teams["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive", "{teams}");

    let approved = with(&["approve", "--reason", "told in time"]).ok();
    let done = with(&["resume", "--verbose"]).ok();
    assert_eq!(messages(&mailbox).len(), 2, "how it ended is told, too");
    let listed = site.run(&["releases", "latest", "--json"]).ok();
    assert!(listed.stdout.contains("/services/{slack-hook}"), "the log says which webhook was told: {}", listed.stdout);
    for secret in [PASSWORD, TOKEN, SLACK_HOOK, TEAMS_SIGNATURE] {
        let secret = Hidden::of(secret);
        secret.is_nowhere_under(site.outside());
        secret.is_not_told(&[&missing, &stopped, &approved, &done, &listed]);
    }
}
