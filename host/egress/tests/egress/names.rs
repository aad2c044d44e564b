//! Names lead only to addresses that the grants mean.

use std::sync::Arc;

use sprag_egress::{Network, Vault};
use sprag_runtime::outside::SendError;

use crate::support::{Names, Server, denied, get, grants, plain};

fn network(origin: &str, names: Arc<Names>) -> Network {
    let grants = grants(&[origin], &[]);
    Network::of("s", "stages.s", &grants, &Vault::default()).resolved_by(names).build().unwrap()
}

#[tokio::test]
async fn a_name_that_is_granted_may_lead_to_this_machine() {
    let server = Server::ok().await;
    let origin = format!("http://service.test:{}", server.address.port());
    let answer = get(&network(&origin, Names::lead_to(&[&["127.0.0.1"]])), &origin).await.unwrap();
    assert_eq!(answer.body(), "ok");
    assert_eq!(server.only().headers()["host"], origin.strip_prefix("http://").unwrap());
}

#[tokio::test]
async fn a_name_below_a_granted_suffix_may_not() {
    let server = Server::ok().await;
    let port = server.address.port();
    let network = network(&format!("http://*.example.test:{port}"), Names::lead_to(&[&["127.0.0.1"]]));
    let words = denied(get(&network, &format!("http://a.example.test:{port}")).await);
    assert_eq!(
        words,
        "refused to connect to `a.example.test`: 127.0.0.1 is an address of this machine; grant the host by its whole name, if it is meant"
    );
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_name_never_leads_to_the_clouds_metadata() {
    let network = network("http://innocent.test", Names::lead_to(&[&["169.254.169.254"]]));
    let words = denied(get(&network, "http://innocent.test/latest/meta-data").await);
    assert!(words.contains("169.254.169.254 is a link-local address"), "{words}");
    // The address itself is not granted either.
    denied(get(&plain(&["http://innocent.test"]), "http://169.254.169.254/latest/meta-data").await);
}

#[tokio::test]
async fn of_several_addresses_only_the_good_ones_are_tried() {
    let server = Server::ok().await;
    let origin = format!("http://service.test:{}", server.address.port());
    let names = Names::lead_to(&[&["169.254.169.254", "127.0.0.1"]]);
    assert_eq!(get(&network(&origin, names), &origin).await.unwrap().body(), "ok");
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_judged_each_time_it_is_looked_up() {
    let server = Server::start(|_| http::Response::builder().header("connection", "close").body("ok".to_owned()).unwrap()).await;
    let origin = format!("http://service.test:{}", server.address.port());
    let network = network(&origin, Names::lead_to(&[&["127.0.0.1"], &["169.254.169.254"]]));
    assert_eq!(get(&network, &origin).await.unwrap().body(), "ok", "one look, one connection to what was seen");
    denied(get(&network, &origin).await);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_name_without_address_is_an_outage() {
    let network = network("http://nowhere.test", Names::lead_to(&[&[]]));
    let error = get(&network, "http://nowhere.test").await.unwrap_err();
    assert_eq!(error, SendError::NoAddress("nowhere.test".to_owned()));
}
