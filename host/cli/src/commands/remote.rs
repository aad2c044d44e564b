//! A server of another machine, as the command line asks it: `sprag trigger --server`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sprag_http::Http;
use sprag_pipelines::Wish;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::pipeline::{RequestState, RunRequest};
use sprag_schemas::record::RunRecord;

use super::telemetry;
use crate::args::TriggerArgs;
use crate::console::Console;
use crate::error::CommandError;
use crate::report;

/// The variable with the token, which no command line shows.
const TOKEN: &str = "SPRAG_TOKEN";

/// How often it is asked how a run stands.
const LOOK: Duration = Duration::from_millis(500);

/// The longest wait for an answer, and the most bytes of one.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST: usize = 64 << 20;

/// How often in a row a server may be away while a run is waited for.
const AWAY: u32 = 20;

/// A server's problem (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    title: String,
    detail: String,
    #[serde(default)]
    hints: Vec<String>,
}

/// A run with the request that it is for.
#[derive(Deserialize)]
struct RunView {
    request: Option<RunRequest>,
    run: Option<RunRecord>,
}

/// Has a pipeline run by a server of another machine, and waits for its end.
pub(super) fn trigger(
    server: &str,
    (name, version): (&str, Option<u64>),
    wish: &Wish,
    args: &TriggerArgs,
    console: &Console,
) -> Result<ExitCode, CommandError> {
    let server = Server::at(server)?;
    let runtime = super::run::tokio_runtime()?;
    runtime.block_on(async {
        let body = json!({ "version": version, "params": wish.params, "tags": wish.tags });
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(wish.idempotency_key.clone().map(|key| ("idempotency-key", key)));
        headers.extend(telemetry::traceparent(console).map(|parent| ("traceparent", parent)));
        let path = format!("/api/v1/pipelines/{}/runs", sprag_pages::run::encoded(name));
        let request: RunRequest = server.ask("POST", &path, &headers, body.to_string().into_bytes()).await?;
        if args.no_wait {
            if args.json {
                console.json(&request);
            } else {
                console.line(&format!("{}  {}", request.id, request.state.name()));
            }
            return Ok(exit_code::SUCCESS);
        }
        console.note(&format!("{} was handed to {}; Ctrl-C leaves it there", request.id, server.url));
        server.wait(&request.id, args, console).await
    })
}

struct Server {
    url: String,
    http: Http,
    token: Option<String>,
}

impl Server {
    fn at(url: &str) -> Result<Self, CommandError> {
        let wrong = |message: String| CommandError::user(format!("`--server {url}`: {message}"));
        let parsed: http::Uri = url.parse().map_err(|error| wrong(format!("expected an address: {error}")))?;
        let host = parsed.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !(parsed.scheme_str() == Some("https") || (parsed.scheme_str() == Some("http") && is_local)) {
            let message = "expected an address that begins with `https://`, or one of this machine, since the token goes along";
            return Err(wrong(message.to_owned()));
        }
        let http = Http::new(None, PATIENCE, MOST).map_err(|error| CommandError::internal(error.to_string()))?;
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
        Ok(Self { url: url.trim_end_matches('/').to_owned(), http, token })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Result<T, CommandError> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request
            .body(body)
            .map_err(|_| CommandError::user(format!("`{TOKEN}` or `--server` holds what HTTP cannot carry")))?;
        let answer =
            self.http.send(request).await.map_err(|error| CommandError::user(format!("the server cannot be asked: {error}")))?;
        if answer.status().is_success() {
            let read = serde_json::from_slice(answer.body());
            return read
                .map_err(|error| CommandError::user(format!("`{}` answers as no server of sprag does: {error}", self.url)));
        }
        Err(self.refused(answer.status().as_u16(), answer.body()))
    }

    fn refused(&self, status: u16, body: &[u8]) -> CommandError {
        let Ok(Problem { title, detail, hints }) = serde_json::from_slice(body) else {
            return CommandError::user(format!("`{}` answers with status {status}", self.url));
        };
        let error = CommandError::user(format!("the server says `{title}`: {detail}"));
        match (status, hints.into_iter().next()) {
            (401, _) => error.hint(format!("`{TOKEN}` in the environment is the token; an admin makes one by `sprag token add`")),
            (_, Some(hint)) => error.hint(hint),
            (_, None) => error,
        }
    }

    async fn wait(&self, id: &str, args: &TriggerArgs, console: &Console) -> Result<ExitCode, CommandError> {
        let path = format!("/api/v1/runs/{}", sprag_pages::run::encoded(id));
        let mut away = 0;
        loop {
            match self.ask::<RunView>("GET", &path, &[], vec![]).await {
                Ok(view) => {
                    away = 0;
                    if let Some(request) = view.request.filter(|request| request.state.is_over()) {
                        return ended(&request, view.run, args, console);
                    }
                }
                // It may be starting anew: the run waits there, or goes on.
                Err(error) if away >= AWAY => return Err(error),
                Err(_) => away += 1,
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn ended(request: &RunRequest, run: Option<RunRecord>, args: &TriggerArgs, console: &Console) -> Result<ExitCode, CommandError> {
    match run {
        Some(run) => {
            if args.json {
                console.json(&run);
            } else {
                report::text::summary(&run).iter().for_each(|line| console.line(line));
            }
            Ok(sprag_lifecycle::exit_code(&run))
        }
        None if request.state == RequestState::Cancelled => Ok(exit_code::CANCELLED),
        None => Err(CommandError::user(request.error.clone().unwrap_or_else(|| "the request ended without a run".to_owned()))),
    }
}
