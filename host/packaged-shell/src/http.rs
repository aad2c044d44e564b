//! Requests and answers between `wasi:http` and what answers them.

use std::io::{Read, Write};

use sprag_scoring::{Head, Problem, Reply};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

use crate::answer::answer;
use crate::identity::Identity;
use crate::model::Loaded;

wasip2::http::proxy::export!(Shell);

/// The most bytes of a body, as the scoring service has it unless it is told otherwise.
const MOST_BODY: u64 = 16 << 20;

/// The component.
struct Shell;

impl Guest for Shell {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let loaded = match Loaded::load() {
            Ok(loaded) => loaded,
            Err(reason) => {
                eprintln!("the package's model cannot be loaded: {reason}");
                let problem = Problem::new(500, "model-failed", "expected a model that loads, found that it fails");
                let style = Head { target: &request.path_with_query().unwrap_or_default(), ..Head::default() }.error_style();
                send(response_out, problem.reply(style), &[]);
                return;
            }
        };
        let headers: Vec<(String, String)> = request
            .headers()
            .entries()
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8(value).unwrap_or_else(|_| "\u{fffd}".to_owned())))
            .collect();
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let (method, target) = (method(&request.method()), request.path_with_query().unwrap_or_else(|| "/".to_owned()));
        let head = Head {
            method: &method,
            target: &target,
            content_type: header("content-type"),
            content_encoding: header("content-encoding"),
            inference_header_length: header("inference-header-content-length"),
        };
        let identity = Identity::of(header);
        let reply = answer(&loaded, &head, &identity.request, || read(&request));
        let ours = [
            ("x-request-id", identity.request.clone()),
            ("traceparent", identity.trace.to_string()),
            ("x-sprag-model-version", format!("{}@{}", loaded.name, loaded.version)),
            ("x-sprag-model-digest", loaded.digest.clone()),
        ];
        send(response_out, reply, &ours);
    }
}

/// The method's name.
fn method(method: &Method) -> String {
    let known = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    };
    known.to_owned()
}

/// Reads the body, up to the limit.
fn read(request: &IncomingRequest) -> Result<Vec<u8>, Problem> {
    let broken = || Problem::new(400, "broken-body", "expected the whole body, found that it broke off");
    let body: IncomingBody = request.consume().map_err(|()| broken())?;
    let stream = body.stream().map_err(|()| broken())?;
    let mut bytes = vec![];
    stream.take(MOST_BODY + 1).read_to_end(&mut bytes).map_err(|_| broken())?;
    if bytes.len() as u64 > MOST_BODY {
        return Err(Problem::new(413, "too-large", format!("expected a body of at most {MOST_BODY} bytes, found more")));
    }
    Ok(bytes)
}

/// Sends an answer. A client that has gone away is no fault of ours.
fn send(response_out: ResponseOutparam, reply: Reply, ours: &[(&str, String)]) {
    let headers = Fields::new();
    let of_reply = reply.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let ours = ours.iter().map(|(name, value)| (*name, value.as_str()));
    let length = reply.body.len().to_string();
    for (name, value) in ours.chain([("content-type", reply.content_type), ("content-length", &length)]).chain(of_reply) {
        // A name or value that the host refuses is left out, as the service does.
        let _ = headers.set(name, &[value.as_bytes().to_vec()]);
    }
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(reply.status);
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(response_out, Ok(response));
    let Ok(mut out) = body.write() else { return };
    let written = out.write_all(&reply.body).and_then(|()| Write::flush(&mut out));
    drop(out);
    if written.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}
