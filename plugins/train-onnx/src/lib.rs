//! Takes a model that was trained elsewhere, and is an input of the stage as ONNX, for the candidate. It is then judged like any other: checked, held against the
//! model in production on the same hold-out, registered with its lineage.
//!
//! It trains nothing. What a foreign file does not say, such as the names of its columns, comes from the parameters, else from a card beside the model, else
//! from the features of the data; the graph is tried on rows of the training before it counts as a candidate.

mod columns;
mod params;

pub use params::Params;
use sprag_inference::Model;
use sprag_onnx_scorer::{MEDIA_TYPE, Scored, annotated, is_annotated};
use sprag_sdk::{Failure, Scorer, Session, Source, State, Table, Trainer, read_all};

/// How many rows of the training the model is tried on.
const TRIED: u32 = 256;

/// The plugin.
pub struct TrainOnnx;

impl Trainer for TrainOnnx {
    type Params = Params;
    type Model = Scored;

    fn train(session: &Session, params: Params, training: &Table, _validation: Option<&Table>) -> Result<State, Failure> {
        let given = |name: &str| session.input(name).map(|reader| read_all(&reader)).transpose();
        let bytes = given("model")?.ok_or_else(|| {
            let message = "expected an input `model`, found none; name the file: `inputs = { model = \"models/champion.onnx\" }`";
            Failure::bad_params(message)
        })?;
        let bytes = prepared(bytes, &params, given("card")?.as_deref(), training)?;
        let tried = try_out(&bytes, training)?;
        sprag_sdk::info!(session, "the model scores {tried} rows of the training");
        Ok(State { media_type: MEDIA_TYPE.to_owned(), bytes })
    }
}

/// The model's bytes, with all that scoring needs to know.
fn prepared(bytes: Vec<u8>, params: &Params, card: Option<&[u8]>, training: &impl Source) -> Result<Vec<u8>, Failure> {
    let model = Model::decode(&bytes).map_err(|error| Failure::bad_input(format!("input `model`: {error}")))?;
    if is_annotated(&model) && *params == Params::default() {
        return Ok(bytes);
    }
    Ok(annotated(&bytes, &columns::about(params, card, &model, training)?))
}

/// Scores the first rows of the training, and gives their number: what cannot be scored is no candidate.
fn try_out(bytes: &[u8], training: &impl Source) -> Result<usize, Failure> {
    let model = Scored::read(bytes).map_err(|message| Failure::bad_input(format!("input `model`: {message}")))?;
    let names: Vec<_> = model.inputs().into_iter().map(|field| field.name).collect();
    let features = training.features();
    if let Some(unknown) = names.iter().find(|name| !features.contains(name)) {
        let known = features.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure::bad_input(format!(
            "input `model`: expected a model over the features of the data ({known}), found one that takes `{unknown}`; `columns` of the parameters says which columns it takes, in its order"
        )));
    }
    let Some(batch) = training.batches(&names, TRIED)?.next().transpose()? else { return Ok(0) };
    let rows = batch.first().map_or(0, sprag_sdk::Column::len);
    let answer = model.predict(rows, &batch).map_err(|failure| Failure::bad_input(format!("input `model`: {failure}")))?;
    let numbers = answer.iter().filter_map(sprag_sdk::Column::numbers);
    if numbers.flat_map(|column| column.into_owned()).any(|number| !number.is_finite()) {
        return Err(Failure::bad_input("input `model`: expected finite predictions for rows of the training, found others"));
    }
    Ok(rows)
}

sprag_sdk::trainer!(TrainOnnx);
