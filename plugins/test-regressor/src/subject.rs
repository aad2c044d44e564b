//! The trainer as the cases see it.

use serde_json::json;
use sprag_sdk::{CHUNK, Column, Failure, Field, Frame, Source, harness, read_all, write_all};
use sprag_sdk_unit_test::{scorer, trainer};

/// A trainer of regressors.
pub trait Subject {
    /// Trains with this penalty on all columns of the table, and gives the model's state.
    ///
    /// # Errors
    ///
    /// What the trainer refuses.
    fn train(&self, alpha: f64, data: &Frame) -> Result<Vec<u8>, Failure>;

    /// The input columns and the output columns of a model.
    ///
    /// # Errors
    ///
    /// What the scorer refuses.
    fn signature(&self, state: &[u8]) -> Result<(Vec<Field>, Vec<Field>), Failure>;

    /// The model's first output for rows given as columns.
    ///
    /// # Errors
    ///
    /// What the scorer refuses.
    fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<f64>, Failure>;
}

/// The trainer that the host wired to this component's imports.
pub struct UnderTest {
    alpha_parameter: String,
}

impl UnderTest {
    /// The trainer, which calls its penalty by this name.
    pub fn new(alpha_parameter: String) -> Self {
        Self { alpha_parameter }
    }
}

fn load(state: &[u8]) -> Result<scorer::Model, Failure> {
    let writer = harness::make_state();
    write_all(&writer, state, CHUNK)?;
    scorer::Model::load(&harness::open_state(writer))
}

impl Subject for UnderTest {
    fn train(&self, alpha: f64, data: &Frame) -> Result<Vec<u8>, Failure> {
        let table = harness::make_table(&data.schema(), data.target().as_deref(), data.columns())?;
        let params = json!({ self.alpha_parameter.as_str(): alpha });
        let session = harness::make_session(&params.to_string()).map_err(Failure::BadParams)?;
        let state = harness::make_state();
        trainer::run(&session, &table, None, &state)?;
        Ok(read_all(&harness::open_state(state))?)
    }

    fn signature(&self, state: &[u8]) -> Result<(Vec<Field>, Vec<Field>), Failure> {
        let model = load(state)?;
        Ok((model.inputs(), model.outputs()))
    }

    fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<f64>, Failure> {
        let rows = inputs.first().map_or(0, Column::len);
        let rows = u32::try_from(rows).map_err(|_| Failure::internal("a case has more rows than one call takes"))?;
        let outputs = load(state)?.predict(rows, inputs)?;
        let first = outputs.first().and_then(Column::numbers);
        first.map(Into::into).ok_or_else(|| Failure::internal("expected numbers as the first output, found none"))
    }
}
