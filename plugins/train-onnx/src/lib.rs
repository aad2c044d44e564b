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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use sprag_onnx::{Column, Head, Linear, Signature};
    use sprag_sdk::{Column as Values, Frame};

    use super::*;

    fn data() -> Frame {
        let floats = |values: [f64; 3]| Values::floats(values.into());
        let columns = [("a", floats([1.0, 2.0, 3.0])), ("b", floats([10.0, 20.0, 30.0])), ("y", floats([0.0, 1.0, 2.0]))];
        Frame::new(columns).with_target("y")
    }

    /// `2 p + 3 q`, which calls its columns something of its own.
    fn model() -> Vec<u8> {
        let signature = Signature {
            inputs: vec![Column::new("p", "float"), Column::new("q", "float")],
            outputs: vec![Column::new("prediction", "float")],
        };
        Linear { producer: "elsewhere".into(), signature, weights: vec![2.0, 3.0], bias: vec![0.0], head: Head::Regression }
            .encode()
    }

    fn with(columns: &[&str]) -> Params {
        Params { columns: Some(columns.iter().map(|name| (*name).to_owned()).collect()), ..Params::default() }
    }

    fn predicted(params: &Params, card: Option<&[u8]>) -> Result<Vec<f64>, Failure> {
        let bytes = prepared(model(), params, card, &data())?;
        assert_eq!(try_out(&bytes, &data())?, 3);
        let model = Scored::read(&bytes).unwrap();
        let names: Vec<_> = model.inputs().into_iter().map(|field| field.name).collect();
        let rows = data().batches(&names, 8)?.next().unwrap()?;
        Ok(model.predict(3, &rows)?[0].numbers().unwrap().into_owned())
    }

    #[test]
    fn columns_are_those_that_are_said_in_their_order() {
        assert_eq!(predicted(&with(&["a", "b"]), None).unwrap(), [32.0, 64.0, 96.0]);
        assert_eq!(predicted(&with(&["b", "a"]), None).unwrap(), [23.0, 46.0, 69.0]);
        let first = Params { output: Some("prediction".to_owned()), ..Params::default() };
        assert_eq!(predicted(&first, None).unwrap(), [32.0, 64.0, 96.0], "else the features in their order");
        let card = br#"{"format":"x","columns":["b","a"]}"#;
        assert_eq!(predicted(&first, Some(card)).unwrap(), [23.0, 46.0, 69.0], "and a card comes before them");
        assert_eq!(predicted(&with(&["a", "b"]), Some(card)).unwrap(), [32.0, 64.0, 96.0]);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let told = |params: &Params, card: Option<&[u8]>| predicted(params, card).unwrap_err().message().to_owned();
        let unknown = told(&Params::default(), None);
        assert!(
            unknown.contains("expected a model over the features of the data (`a`, `b`), found one that takes `p`"),
            "{unknown}"
        );
        assert!(told(&with(&["a", "c"]), None).contains("expected a column `c`"));
        assert!(told(&with(&["a"]), None).contains("expected a graph over 1 features, found one over 2"));
        let output = Params { output: Some("scores".to_owned()), ..Params::default() };
        assert_eq!(told(&output, None), "`output`: expected an output of the graph (`prediction`), found `scores`");
        let labels = Params { labels: Some(vec!["no".to_owned(), "yes".to_owned()]), ..Params::default() };
        assert!(told(&labels, None).contains("expected a column of classes to predict, found `y` of float"));
        assert!(told(&with(&["a", "b"]), Some(b"no card")).contains("input `card`"));
        let nothing = prepared(b"no model".to_vec(), &Params::default(), None, &data()).unwrap_err();
        assert!(nothing.message().starts_with("input `model`: "), "{nothing:?}");
    }

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <TrainOnnx as sprag_sdk::Plugin>::JSON, &derived);
    }
}
