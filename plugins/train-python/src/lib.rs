//! Trains with a data scientist's own function, `train(data, params)` in ordinary Python, and scores with the model that it returned.
//!
//! The function runs in an environment that the project locked: the host makes it, runs the script confined, and records both. The model comes back as ONNX, so
//! that nothing of Python is needed later: the same component scores it, in evaluation and in service, by [`sprag_onnx_scorer`]. What calls the function
//! and writes the model lies in `src/python`.

mod job;
mod params;
mod verify;

pub use params::Params;
use sprag_onnx_scorer::{MEDIA_TYPE, Scored};
use sprag_sdk::{Failure, Session, State, Table, Trainer};

/// The plugin.
pub struct TrainPython;

impl Trainer for TrainPython {
    type Params = Params;
    type Model = Scored;

    fn train(session: &Session, params: Params, training: &Table, validation: Option<&Table>) -> Result<State, Failure> {
        let made = job::run(session, &params, training, validation)?;
        // What could not be scored later is no model, and this is the time to say so.
        let model = Scored::read(&made.model).map_err(|message| {
            Failure::unsupported(format!("`{}` gave a model that cannot be scored: {message}", params.script))
        })?;
        verify::verify(&model, training, &made.expected, made.rows)?;
        Ok(State { media_type: MEDIA_TYPE.to_owned(), bytes: made.model })
    }
}

sprag_sdk::trainer!(TrainPython);
