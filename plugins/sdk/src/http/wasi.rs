//! The client over `wasi:http`.

use std::time::Duration;

use self::bindings::wasi::http::outgoing_handler::handle;
use self::bindings::wasi::http::types::{ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme};
use self::bindings::wasi::io::streams::StreamError;
use super::{Error, Request, Response};

/// How much goes into one write and comes from one read. A blocking write takes no more.
const PIECE: usize = 4096;
const READ: u64 = 64 << 10;

#[allow(unsafe_code, missing_docs, unreachable_pub, reason = "generated from the WIT packages")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({
        path: ["wasi/io.wit", "wasi/clocks.wit", "wasi/http.wit"],
        inline: "
            package sprag:sdk-http;

            world client {
                import wasi:http/types@0.2.6;
                import wasi:http/outgoing-handler@0.2.6;
            }
        ",
        world: "sprag:sdk-http/client",
        generate_all,
    });
}

pub(super) fn send(request: &Request) -> Result<Response, Error> {
    let (tls, authority, path) = request.parts()?;
    let refused = |what: &str| Error::BadRequest(format!("expected a valid {what} in a request to `{authority}`"));
    let header = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone().into_bytes());
    let mut headers: Vec<_> = request.headers.iter().map(header).collect();
    let may_have_body = !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    if may_have_body && !headers.iter().any(|(name, _)| name == "content-length") {
        headers.push(("content-length".to_owned(), request.body.len().to_string().into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|_| refused("header"))?;
    let outgoing = OutgoingRequest::new(headers);
    outgoing.set_method(&method(&request.method)).map_err(|()| refused("method"))?;
    outgoing.set_scheme(Some(&if tls { Scheme::Https } else { Scheme::Http })).map_err(|()| refused("scheme"))?;
    outgoing.set_authority(Some(authority)).map_err(|()| refused("host"))?;
    outgoing.set_path_with_query(Some(&path)).map_err(|()| refused("path"))?;
    let body = outgoing.body().map_err(|()| refused("body"))?;
    let answer = handle(outgoing, Some(options(request.timeout))).map_err(|code| of_code(authority, &code))?;
    // A server may answer before it read everything, and its answer then says more than the write that failed.
    let written = write(body, &request.body, authority);
    answer.subscribe().block();
    let answered = match answer.get().and_then(Result::ok) {
        Some(Ok(answered)) => answered,
        Some(Err(code)) => return Err(of_code(authority, &code)),
        None => return Err(written.err().unwrap_or_else(|| lost(authority))),
    };
    let headers = answered.headers().entries().into_iter();
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned()));
    let mut response = Response { status: answered.status(), headers: headers.collect(), body: vec![] };
    let body = answered.consume().map_err(|()| lost(authority))?;
    let stream = body.stream().map_err(|()| lost(authority))?;
    loop {
        match stream.blocking_read(READ) {
            Ok(piece) => response.body.extend(piece),
            Err(StreamError::Closed) => return Ok(response),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(Error::Broken(format!("the answer of `{authority}` broke off: {}", error.to_debug_string())));
            }
        }
    }
}

fn write(body: OutgoingBody, bytes: &[u8], authority: &str) -> Result<(), Error> {
    let broken = |_| Error::Broken(format!("the request to `{authority}` broke off"));
    let stream = body.write().map_err(|()| lost(authority))?;
    for piece in bytes.chunks(PIECE) {
        stream.blocking_write_and_flush(piece).map_err(broken)?;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|code| of_code(authority, &code))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn options(timeout: Option<Duration>) -> RequestOptions {
    let options = RequestOptions::new();
    if let Some(timeout) = timeout {
        let nanos = Some(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        // A host that knows no timeouts keeps its own.
        let _ =
            (options.set_connect_timeout(nanos), options.set_first_byte_timeout(nanos), options.set_between_bytes_timeout(nanos));
    }
    options
}

fn lost(authority: &str) -> Error {
    Error::Broken(format!("the answer of `{authority}` was lost"))
}

fn of_code(authority: &str, code: &ErrorCode) -> Error {
    match code {
        ErrorCode::InternalError(Some(words)) => Error::Denied(words.clone()),
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => {
            Error::Denied(format!("a request to `{authority}` is not allowed"))
        }
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => {
            Error::Unreachable(format!("found no address of `{authority}`"))
        }
        ErrorCode::ConnectionRefused | ErrorCode::DestinationUnavailable => {
            Error::Unreachable(format!("no connection to `{authority}`: it was refused"))
        }
        ErrorCode::ConnectionTimeout => Error::Timeout(format!("no connection to `{authority}` in time")),
        ErrorCode::HttpResponseTimeout | ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout => {
            Error::Timeout(format!("no answer of `{authority}` in time"))
        }
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestMethodInvalid => {
            Error::BadRequest(format!("expected a request that HTTP allows to `{authority}`"))
        }
        other => Error::Broken(format!("the exchange with `{authority}` broke off: {other:?}")),
    }
}
