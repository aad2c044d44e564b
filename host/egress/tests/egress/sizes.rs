//! Bodies go both ways whole, and no answer is waited for without end.

use std::time::Duration;

use http::Response;
use http_body_util::BodyExt;
use sprag_runtime::outside::{Outbound, Patience, SendError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Server, plain, request, send};

#[tokio::test]
async fn bodies_arrive_whole() {
    let server = Server::start(|request| Response::new(request.body().clone())).await;
    let body = "0123456789".repeat(200_000);
    let request = request("POST", &server.url(), &[("content-type", "application/octet-stream")], &body);
    let answer = send(&plain(&[&server.url()]), request).await.unwrap();
    assert!(*answer.body() == body, "{} bytes of {}", answer.body().len(), body.len());
}

/// A server that sends these bytes and then nothing more, without hanging up.
async fn stalls_after(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 16]).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        std::future::pending::<()>().await;
    });
    format!("http://{address}")
}

const SHORT: Patience =
    Patience { connect: None, first_byte: Some(Duration::from_millis(200)), between_bytes: Some(Duration::from_millis(200)) };

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let url = stalls_after(b"HTTP/1.1 200 OK\r\n").await;
    let error = plain(&[&url]).send(request("GET", &url, &[], ""), SHORT).await.err().unwrap();
    assert!(matches!(error, SendError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_does_not_go_on_is_given_up() {
    let url = stalls_after(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    let answer = plain(&[&url]).send(request("GET", &url, &[], ""), SHORT).await.unwrap();
    let error = answer.into_body().collect().await.err().unwrap();
    assert!(matches!(error, SendError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_of_too_many_bytes_is_refused_by_its_own_account() {
    let url = stalls_after(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nabc").await;
    let error = plain(&[&url]).send(request("GET", &url, &[], ""), SHORT).await.err().unwrap();
    assert_eq!(error.to_string(), "expected an answer of at most 268435456 bytes, found more");
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    let url = stalls_after(b"220 mail.example.com ESMTP\r\n").await;
    let error = plain(&[&url]).send(request("GET", &url, &[], ""), SHORT).await.err().unwrap();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
}
