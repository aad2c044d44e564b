//! A bare HTTP route that gives the same answers as the service: what a person would write by hand around eleven numbers, and the most that any service could do here.
//!
//! It runs as a process of its own, as the services beside it do: `sprag-bench bare PORT`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The ridge regression of the diabetes example at alpha 0.5, to a few places: what matters here is the work, not the answer.
const COEFFICIENTS: [f64; 10] = [29.46, -83.15, 306.35, 201.62, 5.91, -29.51, -152.04, 117.31, 262.94, 111.87];
/// Its intercept.
const INTERCEPT: f64 = 152.13;

#[derive(Deserialize)]
struct Rows {
    data: Vec<[f64; 10]>,
}

#[derive(Serialize)]
struct Answer {
    result: Vec<f64>,
}

/// Serves on a port of the loopback address until the process is ended.
pub(crate) fn serve(port: u16) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime needs no more than a process has");
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.expect("the caller found the port free");
        while let Ok((stream, _)) = listener.accept().await {
            let _small_packets_go_at_once = stream.set_nodelay(true);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let Ok(rows) = serde_json::from_slice::<Rows>(&body) else {
        let mut refused = Response::new(Full::default());
        *refused.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(refused);
    };
    let score =
        |row: &[f64; 10]| row.iter().zip(COEFFICIENTS).map(|(value, coefficient)| value * coefficient).sum::<f64>() + INTERCEPT;
    let answer = Answer { result: rows.data.iter().map(score).collect() };
    let body = serde_json::to_vec(&answer).expect("numbers can be written");
    let mut response = Response::new(Full::new(Bytes::from(body)));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(response)
}
