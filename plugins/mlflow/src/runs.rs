//! Runs, with their parameters, metrics, tags and data.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sprag_sdk::http::Client;

use crate::{MlflowError, Server, Tag};

/// The most metrics, and the most parameters or tags, that one request may hold.
const MOST_METRICS: usize = 900;
const MOST_PARAMS: usize = 100;

/// A run, as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunInfo {
    /// Its id.
    pub run_id: String,
    /// Where its files are.
    pub artifact_uri: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// It did what it should.
    Finished,
    /// It did not.
    Failed,
    /// It was stopped.
    Killed,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: f64,
    /// When it was measured, in milliseconds of the Unix epoch. The same number at the same time is the same metric, however often it is told.
    pub timestamp: i64,
    /// Where in a series it stands.
    pub step: u64,
}

/// Data that a run used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// What it is, in at most 36 characters.
    pub digest: String,
    /// The file.
    pub path: String,
    /// What it was used for: `training` or `evaluation`.
    pub context: &'static str,
}

#[derive(Deserialize)]
struct Run {
    info: RunInfo,
}

#[derive(Deserialize)]
struct Made {
    run: Run,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    runs: Vec<Run>,
}

impl<C: Client> Server<'_, C> {
    /// The run of an experiment that carries a tag; none where none does. The value must hold no quote.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn run_with(&self, experiment: &str, tag: &Tag) -> Result<Option<RunInfo>, MlflowError> {
        let filter = format!("tags.`{}` = '{}'", tag.key, tag.value);
        let body = json!({ "experiment_ids": [experiment], "filter": filter, "max_results": 1 });
        let found: Found = self.post("a search for the run", "mlflow/runs/search", &body)?;
        Ok(found.runs.into_iter().next().map(|run| run.info))
    }

    /// Makes a run.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn start_run(&self, experiment: &str, name: &str, started: i64, tags: &[Tag]) -> Result<RunInfo, MlflowError> {
        let body = json!({ "experiment_id": experiment, "run_name": name, "start_time": started, "tags": tags });
        Ok(self.post::<Made>("a new run", "mlflow/runs/create", &body)?.run.info)
    }

    /// Writes down what a run was given and what it measured.
    ///
    /// # Errors
    ///
    /// The server refuses, as where a parameter has another value there.
    pub fn log(&self, run: &str, params: &[Tag], metrics: &[Metric], tags: &[Tag]) -> Result<(), MlflowError> {
        let log = |what: &str, body: Value| self.post::<Value>(what, "mlflow/runs/log-batch", &body).map(drop);
        for part in params.chunks(MOST_PARAMS) {
            log("the parameters", json!({ "run_id": run, "params": part }))?;
        }
        for part in metrics.chunks(MOST_METRICS) {
            log("the metrics", json!({ "run_id": run, "metrics": part }))?;
        }
        for part in tags.chunks(MOST_PARAMS) {
            log("the tags", json!({ "run_id": run, "tags": part }))?;
        }
        Ok(())
    }

    /// Says which data a run used.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn log_data(&self, run: &str, data: &[Dataset]) -> Result<(), MlflowError> {
        let of = |data: &Dataset| {
            let source = json!({ "uri": data.path }).to_string();
            json!({
                "dataset": { "name": data.name, "digest": data.digest, "source_type": "local", "source": source },
                "tags": [{ "key": "mlflow.data.context", "value": data.context }],
            })
        };
        let body = json!({ "run_id": run, "datasets": data.iter().map(of).collect::<Vec<_>>() });
        self.post::<Value>("the data", "mlflow/runs/log-inputs", &body).map(drop)
    }

    /// Says that a run has a model among its files, by the text of its `MLmodel`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn log_model(&self, run: &str, mlmodel: &str) -> Result<(), MlflowError> {
        let body = json!({ "run_id": run, "model_json": mlmodel });
        self.post::<Value>("the model of the run", "mlflow/runs/log-model", &body).map(drop)
    }

    /// Ends a run.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn end_run(&self, run: &str, status: RunStatus, ended: i64) -> Result<(), MlflowError> {
        let body = json!({ "run_id": run, "status": status, "end_time": ended });
        self.post::<Value>("the end of the run", "mlflow/runs/update", &body).map(drop)
    }
}
