//! Tokens of an identity are had by the host, and no stage sees one.

use http::Response;
use sprag_schemas::secrets::{AzureIdentity, Secret};

use crate::support::{Server, denied, grants, network, placeholder, request, send, vault_of};

/// An authority that gives `t0ken-1`, `t0ken-2` and so on, each for an hour.
async fn authority(lifetime: u64) -> Server {
    let count = std::sync::atomic::AtomicU32::new(0);
    Server::start(move |_| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let token = format!(r#"{{"token_type":"Bearer","expires_in":{lifetime},"access_token":"t0ken-{count}"}}"#);
        Response::new(token)
    })
    .await
}

fn identity(authority: &Server) -> AzureIdentity {
    AzureIdentity {
        tenant: "contoso.example".to_owned(),
        client_id: "c-1".to_owned(),
        secret_env: Some("AZURE_CLIENT_SECRET".to_owned()),
        federated_token_file_env: None,
        scope: None,
        authority: Some(authority.url()),
    }
}

fn secret(azure: AzureIdentity) -> Secret {
    Secret { azure: Some(azure), hosts: vec!["127.0.0.1".to_owned()], ..Secret::default() }
}

#[tokio::test]
async fn a_service_principal_gets_a_token_once_and_the_stage_never() {
    let (authority, api) = (authority(3600).await, Server::echo().await);
    let vault = vault_of(secret(identity(&authority)), &[("AZURE_CLIENT_SECRET", "p@ss&word")]);
    let network = network(&grants(&[&api.url()], &["key"]), &vault);
    let header = format!("Bearer {}", placeholder(&network));
    for _ in 0..2 {
        let answer = send(&network, request("GET", &api.url(), &[("authorization", &header)], "")).await.unwrap();
        assert!(!answer.body().contains("t0ken-1"), "{}", answer.body());
    }
    assert!(api.seen.lock().unwrap().iter().all(|seen| seen.headers()["authorization"] == "Bearer t0ken-1"));
    let asked = authority.only();
    assert_eq!(asked.uri(), "/contoso.example/oauth2/v2.0/token");
    assert_eq!(
        asked.body(),
        "grant_type=client_credentials&client_id=c-1&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_secret=p%40ss%26word"
    );
    // The authority itself is none of the stage's origins.
    denied(send(&network, request("POST", &authority.url(), &[], "")).await);
}

#[tokio::test]
async fn a_workload_identity_shows_its_federated_token() {
    let (authority, api) = (authority(3600).await, Server::ok().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "jwt.of.cluster\n").unwrap();
    let azure = AzureIdentity { secret_env: None, federated_token_file_env: Some("F".to_owned()), ..identity(&authority) };
    let vault = vault_of(secret(azure), &[("F", file.to_str().unwrap())]);
    let network = network(&grants(&[&api.url()], &["key"]), &vault);
    let header = format!("Bearer {}", placeholder(&network));
    send(&network, request("GET", &api.url(), &[("authorization", &header)], "")).await.unwrap();
    let body = authority.only().body().clone();
    assert!(body.ends_with("&client_assertion=jwt.of.cluster"), "{body}");
    assert!(body.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"), "{body}");
}

#[tokio::test]
async fn a_token_that_ends_is_renewed() {
    let (authority, api) = (authority(60).await, Server::ok().await);
    let vault = vault_of(secret(identity(&authority)), &[("AZURE_CLIENT_SECRET", "p@ss")]);
    let network = network(&grants(&[&api.url()], &["key"]), &vault);
    let header = format!("Bearer {}", placeholder(&network));
    for _ in 0..2 {
        send(&network, request("GET", &api.url(), &[("authorization", &header)], "")).await.unwrap();
    }
    assert_eq!(api.seen.lock().unwrap()[1].headers()["authorization"], "Bearer t0ken-2");
}

#[tokio::test]
async fn a_refused_identity_says_why_and_shows_no_secret() {
    let authority = Server::start(|request| {
        let told =
            format!(r#"{{"error":"invalid_client","error_description":"AADSTS7000215: no. {}\nTrace ID: x"}}"#, request.body());
        Response::builder().status(401).body(told).unwrap()
    })
    .await;
    let api = Server::ok().await;
    let vault = vault_of(secret(identity(&authority)), &[("AZURE_CLIENT_SECRET", "pAssw0rd")]);
    let network = network(&grants(&[&api.url()], &["key"]), &vault);
    let header = format!("Bearer {}", placeholder(&network));
    let words = denied(send(&network, request("GET", &api.url(), &[("authorization", &header)], "")).await);
    assert!(words.contains("found status 401: invalid_client AADSTS7000215: no."), "{words}");
    assert!(!words.contains("pAssw0rd") && !words.contains("Trace ID"), "{words}");
    assert_eq!(api.count(), 0);
}
