//! A secret goes where it is for, in the form that the place needs, and does not come back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use sprag_egress::{Network, Vault};
use sprag_runtime::outside::{Outbound, SecretError};
use sprag_schemas::secrets::Secret;

use crate::support::{Names, Server, denied, grants, network, placeholder, request, send, vault, vault_of};

const VALUE: &str = "s3cr3t/\"q\" &x";

/// A network that may send the secret `key` to a server.
fn granted(server: &Server) -> Network {
    network(&grants(&[&server.url()], &["key"]), &vault(VALUE, &["127.0.0.1"]))
}

#[tokio::test]
async fn a_placeholder_is_replaced_in_every_place() {
    let server = Server::ok().await;
    let network = granted(&server);
    let key = placeholder(&network);
    let check = async |url: String, headers: &[(&str, &str)], body: &str| {
        send(&network, request("POST", &url, headers, body)).await.unwrap();
        server.seen.lock().unwrap().pop().unwrap()
    };
    let seen = check(server.url(), &[("authorization", &format!("Bearer {key}"))], "").await;
    assert_eq!(seen.headers()["authorization"], format!("Bearer {VALUE}").as_str());
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{key}")));
    let seen = check(server.url(), &[("authorization", &basic)], "").await;
    assert_eq!(seen.headers()["authorization"], format!("Basic {}", STANDARD.encode(format!("user:{VALUE}"))).as_str());
    let seen = check(server.url(), &[("content-type", "application/json")], &format!("{{\"k\":\"{key}\"}}")).await;
    assert_eq!(seen.body(), "{\"k\":\"s3cr3t/\\\"q\\\" &x\"}");
    let seen = check(server.url(), &[("content-type", "application/x-www-form-urlencoded")], &format!("k={key}")).await;
    assert_eq!(seen.body(), "k=s3cr3t%2F%22q%22+%26x");
    let seen = check(format!("{}/hooks/{key}?k={key}", server.url()), &[], "").await;
    assert_eq!(seen.uri(), "/hooks/s3cr3t/%22q%22%20%26x?k=s3cr3t%2F%22q%22+%26x");
    let seen = check(server.url(), &[("content-type", "application/octet-stream")], &key).await;
    assert_eq!(*seen.body(), key, "a body that is no text stays as it is");
}

#[tokio::test]
async fn a_length_that_changed_is_the_new_one() {
    let server = Server::ok().await;
    let network = granted(&server);
    let body = format!("{{\"k\":\"{}\"}}", placeholder(&network));
    let length = body.len().to_string();
    let headers = [("content-type", "application/json"), ("content-length", length.as_str())];
    send(&network, request("POST", &server.url(), &headers, &body)).await.unwrap();
    let seen = server.only();
    assert_eq!(seen.headers()["content-length"], seen.body().len().to_string().as_str());
}

#[tokio::test]
async fn another_host_gets_nothing() {
    let server = Server::ok().await;
    let network = network(&grants(&[&server.url()], &["key"]), &vault(VALUE, &["api.example.com"]));
    let header = format!("Bearer {}", placeholder(&network));
    let words = denied(send(&network, request("GET", &server.url(), &[("authorization", &header)], "")).await);
    let (url, address) = (server.url(), server.address);
    assert_eq!(
        words,
        format!(
            "the stage `staging.deploy` asked to send the secret `key` to `{url}`, which is none of its hosts; to allow it, add \
             \"{address}\" to `secrets.key.hosts` in sprag.toml"
        )
    );
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_secret_crosses_no_network_without_tls() {
    let server = Server::ok().await;
    let url = format!("http://service.example.com:{}", server.address.port());
    let grants = grants(&[&url], &["key"]);
    let secret = |cleartext| Secret {
        env: Some("KEY".to_owned()),
        hosts: vec!["service.example.com".to_owned()],
        cleartext,
        ..Secret::default()
    };
    let network = |cleartext| {
        let vault = vault_of(secret(cleartext), &[("KEY", VALUE)]);
        let settings = Network::of("staging.deploy", "environments.staging.deploy", &grants, &vault);
        // The name leads to this machine here, as it need not tomorrow.
        settings.resolved_by(Names::lead_to(&[&["127.0.0.1"]])).build().unwrap()
    };
    let ask = async |network: &Network| {
        let header = format!("Bearer {}", placeholder(network));
        send(network, request("GET", &url, &[("authorization", &header)], "")).await
    };
    let words = denied(ask(&network(false)).await);
    assert_eq!(
        words,
        format!(
            "the stage `staging.deploy` asked to send the secret `key` to `{url}`, where all on the way can read it; use `https`, or set \
             `secrets.key.cleartext = true` in sprag.toml"
        )
    );
    assert_eq!(server.count(), 0);
    assert!(send(&network(false), request("GET", &url, &[], "")).await.is_ok(), "without the secret it may go");
    assert!(ask(&network(true)).await.is_ok(), "the project says that it may");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_key_of_the_service_under_test_crosses_no_network_without_tls_either() {
    let (none, vault) = (grants(&[], &[]), vault(VALUE, &[]));
    let settings = Network::of("staging.smoke-test", "environments.staging.smoke-test", &none, &vault);
    let network = settings.reaching("http://192.0.2.1:80".parse().unwrap(), Some("key")).build().unwrap();
    let header = format!("Bearer {}", placeholder(&network));
    let words = denied(send(&network, request("GET", "http://192.0.2.1/score", &[("authorization", &header)], "")).await);
    assert!(words.contains("`secrets.key.cleartext = true`"), "{words}");
}

#[tokio::test]
async fn another_attempts_placeholder_is_only_text() {
    let server = Server::ok().await;
    let (first, second) = (granted(&server), granted(&server));
    assert_ne!(placeholder(&first), placeholder(&second));
    let header = placeholder(&first);
    send(&second, request("GET", &server.url(), &[("x-key", &header)], "")).await.unwrap();
    assert_eq!(server.only().headers()["x-key"], header.as_str());
}

#[tokio::test]
async fn a_secret_that_is_not_granted_is_refused_with_the_line_that_would_grant_it() {
    let network = network(&grants(&[], &["key"]), &vault(VALUE, &["h"]));
    let error = network.secret("other").unwrap_err();
    let words = "the stage `staging.deploy` asked for the secret `other`, which its grants do not name; to allow it, set \
                 `environments.staging.deploy.grants.secrets = [\"key\", \"other\"]` in sprag.toml";
    assert_eq!(error, SecretError::Denied(words.to_owned()));
}

#[tokio::test]
async fn what_comes_back_is_covered() {
    let server = Server::echo().await;
    let network = granted(&server);
    let key = placeholder(&network);
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{key}")));
    let headers = [("x-key", key.as_str()), ("authorization", &basic), ("content-type", "application/json")];
    let answer =
        send(&network, request("POST", &format!("{}/{key}?k={key}", server.url()), &headers, &format!("\"{key}\""))).await;
    let answer = answer.unwrap();
    assert!(!answer.body().contains("s3cr3t"), "{}", answer.body());
    assert!(answer.body().contains("****"), "{}", answer.body());
    // In the server's own words it was there.
    assert!(server.only().headers()["x-key"].to_str().unwrap().contains("s3cr3t"));
}

#[tokio::test]
async fn a_header_that_comes_back_is_covered_too() {
    let server = Server::start(|request| {
        let key = request.headers()["x-key"].clone();
        Response::builder().status(302).header("location", key).body(String::new()).unwrap()
    })
    .await;
    let network = granted(&server);
    let key = placeholder(&network);
    let answer = send(&network, request("GET", &server.url(), &[("x-key", &key)], "")).await.unwrap();
    assert_eq!(answer.headers()["location"], "*".repeat(VALUE.len()).as_str());
}

#[tokio::test]
async fn a_compressed_answer_to_a_request_with_a_secret_is_refused() {
    let server = Server::start(|_| Response::builder().header("content-encoding", "gzip").body("...".to_owned()).unwrap()).await;
    let network = granted(&server);
    let key = placeholder(&network);
    let words = denied(send(&network, request("GET", &server.url(), &[("x-key", &key)], "")).await);
    assert!(words.contains("that is not compressed"), "{words}");
    assert!(
        send(&network, request("GET", &server.url(), &[], "")).await.is_ok(),
        "without the secret it is the stage's own matter"
    );
}

#[tokio::test]
async fn the_service_under_test_is_reached_with_its_key() {
    let server = Server::ok().await;
    let (none, vault) = (grants(&[], &[]), vault(VALUE, &[]));
    let origin = server.url().parse().unwrap();
    let settings = Network::of("staging.smoke-test", "environments.staging.smoke-test", &none, &vault);
    let network = settings.reaching(origin, Some("key")).build().unwrap();
    let header = format!("Bearer {}", placeholder(&network));
    send(&network, request("GET", &server.url(), &[("authorization", &header)], "")).await.unwrap();
    assert_eq!(server.only().headers()["authorization"], format!("Bearer {VALUE}").as_str());
    assert!(Network::of("s", "stages.s", &grants(&[], &["key"]), &Vault::default()).build().is_err());
}
