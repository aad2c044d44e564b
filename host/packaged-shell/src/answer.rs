//! What a request is answered with.

use sprag_scoring::{Head, Problem, Reply, Route};

use crate::model::Loaded;

/// The most rows of one request, as the scoring service has it unless it is told otherwise.
const MOST_ROWS: u32 = 100_000;

/// Answers a request. The body is read where the route wants it.
pub(crate) fn answer(loaded: &Loaded, head: &Head<'_>, request: &str, body: impl FnOnce() -> Result<Vec<u8>, Problem>) -> Reply {
    respond(loaded, head, request, body).unwrap_or_else(|problem| problem.reply(head.error_style()))
}

fn respond(
    loaded: &Loaded,
    head: &Head<'_>,
    request: &str,
    body: impl FnOnce() -> Result<Vec<u8>, Problem>,
) -> Result<Reply, Problem> {
    match loaded.api.route(head)? {
        Route::Live => Ok(Reply::json(r#"{"live":true}"#)),
        Route::Ready => {
            let ready = serde_json::json!({
                "ready": true,
                "model": loaded.name,
                "version": loaded.version,
                "digest": loaded.digest,
                "trouble": null,
            });
            Ok(Reply::json(ready.to_string()))
        }
        // An instance answers one request and is gone: whatever runs it counts.
        Route::Metrics => Err(Problem::not_found(head.path())),
        Route::Fixed(reply) => Ok(reply),
        Route::Score(ask) => {
            let batch = loaded.api.decode(&ask, &body()?, MOST_ROWS)?;
            let outputs = loaded.predict(batch.rows, batch.columns, request)?;
            Ok(loaded.api.answer(&batch.shape, batch.rows, &outputs))
        }
    }
}
