//! Plugins that train a model and score with it.

use serde::de::DeserializeOwned;

use crate::{CHUNK, Column, Failure, Field, Reader, Session, Table, Writer, read_all, write_all};

/// Makes a model from data.
pub trait Trainer: 'static {
    /// The parameters, as `params.schema.json` describes them.
    type Params: DeserializeOwned;
    /// What scores with the state that [`train`](Self::train) gives.
    type Model: Scorer;

    /// Trains on `training` and gives the model's state. `validation` is there when the project's split makes one.
    ///
    /// # Errors
    ///
    /// When there is no model to be had from this data with these parameters.
    fn train(session: &Session, params: Self::Params, training: &Table, validation: Option<&Table>) -> Result<State, Failure>;
}

/// Predicts with a model that the trainer of the same plugin made.
pub trait Scorer: Sized + 'static {
    /// Reads a model's state.
    ///
    /// # Errors
    ///
    /// When the trainer of the same plugin would not have written this.
    fn load(state: &[u8]) -> Result<Self, Failure>;

    /// The columns that [`predict`](Self::predict) needs, in order.
    fn inputs(&self) -> Vec<Field>;

    /// The columns that [`predict`](Self::predict) gives, in order. The first is the prediction.
    fn outputs(&self) -> Vec<Field>;

    /// Scores a batch of `rows` rows: a column for each of [`inputs`](Self::inputs) gives one for each of [`outputs`](Self::outputs).
    ///
    /// # Errors
    ///
    /// When the columns are not those.
    fn predict(&self, rows: usize, inputs: &[Column]) -> Result<Vec<Column>, Failure>;
}

/// A model's state: inert bytes that the host stores and never runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The format (RFC 6838), such as `application/onnx`.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Exports a type that implements [`Trainer`](crate::Trainer) as a `train` plugin. The crate needs a `params.schema.json` beside its `Cargo.toml`.
#[macro_export]
macro_rules! trainer {
    ($ty:ident) => {
        $crate::__export!($ty, [$crate::stage::train], export_train);
    };
}

/// Turns the trait into what the world exports.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Trainer> bindings::exports::sprag::stage::train::Guest for Adapter<T> {
    fn run(session: &Session, training: &Table, validation: Option<&Table>, state: &Writer) -> Result<(), Failure> {
        let made = T::train(session, session.params()?, training, validation)?;
        state.set_media_type(&made.media_type);
        Ok(write_all(state, &made.bytes, CHUNK)?)
    }
}

impl<T: Trainer> bindings::exports::sprag::stage::score::Guest for Adapter<T> {
    type Model = Loaded<T::Model>;
}

/// A model that the host holds a handle to.
#[doc(hidden)]
pub struct Loaded<M>(M);

impl<M: Scorer> bindings::exports::sprag::stage::score::GuestModel for Loaded<M> {
    fn load(state: &Reader) -> Result<bindings::exports::sprag::stage::score::Model, Failure> {
        let model = M::load(&read_all(state)?)?;
        Ok(bindings::exports::sprag::stage::score::Model::new(Self(model)))
    }

    fn inputs(&self) -> Vec<Field> {
        self.0.inputs()
    }

    fn outputs(&self) -> Vec<Field> {
        self.0.outputs()
    }

    fn predict(&self, rows: u32, inputs: Vec<Column>) -> Result<Vec<Column>, Failure> {
        let (expected, rows) = (self.0.inputs(), rows as usize);
        if inputs.len() != expected.len() {
            return Err(Failure::bad_input(format!("expected {} input columns, found {}", expected.len(), inputs.len())));
        }
        for (column, field) in inputs.iter().zip(&expected) {
            if column.len() != rows {
                return Err(Failure::bad_input(format!(
                    "expected {rows} rows in column `{}`, found {}",
                    field.name,
                    column.len()
                )));
            }
        }
        self.0.predict(rows, &inputs)
    }
}

/// The stage's own exports, with every type taken from [`crate::bindings`].
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/train@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_train",
        default_bindings_module: "sprag_sdk::stage::train::bindings",
        with: {
            "sprag:data/tables@0.1.0": crate::bindings::sprag::data::tables,
            "sprag:run/blobs@0.1.0": crate::bindings::sprag::run::blobs,
            "sprag:run/context@0.1.0": crate::bindings::sprag::run::context,
            "sprag:stage/types@0.1.0": crate::bindings::sprag::stage::types,
        },
    });
}
