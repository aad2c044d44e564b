//! A request goes where the grants say, and nowhere else.

use http::Response;

use crate::support::{Server, denied, get, plain, request, send};

#[tokio::test]
async fn a_granted_origin_answers() {
    let server = Server::ok().await;
    let answer = get(&plain(&[&server.url()]), &format!("{}/a/b?c=d", server.url())).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_str()), (200, "ok"));
    let seen = server.only();
    assert_eq!(seen.uri(), "/a/b?c=d");
    assert_eq!(seen.headers()["host"], server.address.to_string().as_str());
}

#[tokio::test]
async fn a_refusal_names_stage_host_and_the_line_that_would_allow_it() {
    let server = Server::ok().await;
    let words = denied(get(&plain(&["https://api.example.com"]), &server.url()).await);
    let url = server.url();
    assert_eq!(
        words,
        format!(
            "the stage `staging.deploy` asked for `{url}`, which its grants do not cover; to allow it, set \
             `environments.staging.deploy.grants.http = [\"https://api.example.com\", \"{url}\"]` in sprag.toml"
        )
    );
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn neither_another_port_nor_another_scheme_is_covered() {
    let server = Server::ok().await;
    let network = plain(&[&server.url()]);
    denied(get(&network, "http://127.0.0.1:1").await);
    denied(get(&network, &server.url().replace("http:", "https:")).await);
    denied(get(&network, &format!("http://user@{}", server.address)).await);
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn only_the_granted_methods_are_sent() {
    let server = Server::ok().await;
    let url = server.url();
    let network = plain(&[&format!("GET,HEAD {url}")]);
    assert_eq!(get(&network, &url).await.unwrap().body(), "ok");
    let words = denied(send(&network, request("POST", &url, &[], "x")).await);
    assert_eq!(
        words,
        format!(
            "the stage `staging.deploy` asked for `POST {url}`, which its grants do not cover; to allow it, set \
             `environments.staging.deploy.grants.http = [\"GET,HEAD {url}\", \"POST {url}\"]` in sprag.toml"
        )
    );
    assert_eq!(server.count(), 1);
    // Of several grants toward one origin, one that has the method is enough.
    let network = plain(&[&format!("GET {url}"), &format!("POST {url}")]);
    assert!(send(&network, request("POST", &url, &[], "x")).await.is_ok());
}

#[tokio::test]
async fn another_way_to_write_an_address_is_the_same_address() {
    let server = Server::ok().await;
    let port = server.address.port();
    let network = plain(&["http://10.1.1.1"]);
    for way in ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]"] {
        denied(get(&network, &format!("http://{way}:{port}/")).await);
    }
    let answer = get(&plain(&[&server.url()]), &format!("http://2130706433:{port}/")).await.unwrap();
    assert_eq!(answer.body(), "ok");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let other = Server::ok().await;
    let target = other.url();
    let server =
        Server::start(move |_| Response::builder().status(302).header("location", target.clone()).body(String::new()).unwrap())
            .await;
    let network = plain(&[&server.url()]);
    let answer = get(&network, &server.url()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (302, other.url().as_str()));
    // To follow it is a request of its own, which the grants do not cover.
    denied(get(&network, &other.url()).await);
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn the_host_header_is_written_from_the_address() {
    let server = Server::ok().await;
    let request = request("GET", &server.url(), &[("host", "other.example.com")], "");
    send(&plain(&[&server.url()]), request).await.unwrap();
    assert_eq!(server.only().headers()["host"], server.address.to_string().as_str());
}

#[tokio::test]
async fn an_outage_is_no_refusal() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = get(&plain(&[&url]), &url).await.unwrap_err();
    assert!(matches!(&error, sprag_runtime::outside::SendError::Connect { host, .. } if *host == url), "{error:?}");
}
