//! Tries a deployed service over HTTP: does it answer, is it the model that was meant, does it take and give the columns that it should, and are its
//! predictions those that the evaluated scorer made for the same rows.
//!
//! What keeps a service from answering for a while (no connection yet, 5xx, too many requests) is tried again within a bound in time; a refusal is not. It
//! measures no load: a smoke test sends a handful of requests.

mod ask;
mod columns;
mod grid;
mod judge;
mod test;
mod trace;

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use sprag_sdk::http::Network;
use sprag_sdk::stage::smoke_test::Endpoint;
use sprag_sdk::{Failure, Measurement, Session, SmokeTest, Table, Verdict, secrets};

use crate::test::{Report, Target};
use crate::trace::Trace;

/// The parameters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The path that scores rows, below the root of the service.
    #[cfg_attr(test, schemars(regex(pattern = "^/")))]
    path: String,
    /// How far a prediction may lie from the expected one, whatever its size.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    absolute_tolerance: f64,
    /// How far it may lie beyond that, as a share of the expected one.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    relative_tolerance: f64,
    /// How many seconds the whole test may take, all attempts included.
    #[cfg_attr(test, schemars(range(min = 0.1, max = 3600.0)))]
    seconds: f64,
    /// How many seconds one answer may take.
    #[cfg_attr(test, schemars(range(min = 0.01, max = 600.0)))]
    answer_seconds: f64,
    /// How many times a single row is asked for after all rows were.
    #[cfg_attr(test, schemars(range(max = 1000)))]
    repeats: u32,
    /// How many answers may fail to come, and come at the next attempt, after the first one came.
    losses: u32,
    /// Whether the service must describe its columns at `/openapi.json` or `/swagger.json`.
    schema: Demand,
    /// Whether the service must say which model it is.
    digest: Demand,
}

/// What is asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Demand {
    /// It must do so.
    Required,
    /// It is not looked at: for services that sprag did not package.
    Ignored,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            path: "/score".to_owned(),
            absolute_tolerance: 1e-9,
            relative_tolerance: 1e-6,
            seconds: 60.0,
            answer_seconds: 5.0,
            repeats: 5,
            losses: 1,
            schema: Demand::Required,
            digest: Demand::Required,
        }
    }
}

impl Params {
    /// What the schema cannot say.
    fn check(&self) -> Result<(), Failure> {
        let amounts = [self.absolute_tolerance, self.relative_tolerance, self.seconds, self.answer_seconds];
        if !self.path.starts_with('/') {
            return Err(Failure::bad_params(format!("expected `path` to begin with `/`, found `{}`", self.path)));
        }
        if amounts.iter().any(|amount| !amount.is_finite() || *amount < 0.0) {
            return Err(Failure::bad_params("expected tolerances and times that are finite and not negative"));
        }
        Ok(())
    }
}

/// The plugin.
pub struct SmokeTestHttp;

impl SmokeTest for SmokeTestHttp {
    type Params = Params;

    fn test(session: &Session, params: Params, service: Endpoint, rows: &Table, expected: &Table) -> Result<Verdict, Failure> {
        params.check()?;
        // Held until the last request is sent: the placeholder lives as long as the handle.
        let secret = service.key.as_deref().map(secrets::get).transpose()?;
        let target = Target {
            url: service.url.trim_end_matches('/').to_owned(),
            digest: service.model_digest,
            token: secret.as_ref().map(sprag_sdk::Secret::placeholder),
        };
        let report = test::run(&Network::new(), session, &params, &target, trace(session.seed()), rows, expected)?;
        tell(session, &report);
        let failed = report.findings.iter().any(|finding| finding.severity == sprag_sdk::Severity::Error);
        Ok(if failed { Verdict::Fail } else { Verdict::Pass })
    }
}

fn tell(session: &Session, report: &Report) {
    report.findings.iter().for_each(|finding| session.report(finding));
    let figure = |name: &str, value: f64| Measurement { name: name.to_owned(), value, step: None, split: None };
    session.measure(&[
        figure("requests", f64::from(report.requests)),
        figure("attempts", f64::from(report.attempts)),
        figure("slowest-answer-seconds", report.slowest.as_secs_f64()),
    ]);
    sprag_sdk::info!(
        session,
        "{} rows in {} requests, the slowest answer after {} ms, trace {}",
        report.rows,
        report.requests,
        report.slowest.as_millis(),
        report.trace
    );
}

/// A trace of its own for each test. The random numbers of a stage replay with its seed, so that the clock tells two tests apart.
fn trace(seed: u64) -> Trace {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Trace::new(seed, now.as_nanos())
}

sprag_sdk::smoke_test!(SmokeTestHttp);

#[cfg(test)]
mod tests;
