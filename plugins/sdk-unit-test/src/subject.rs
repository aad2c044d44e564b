//! The trainer under test, as plain calls.

use sprag_sdk::{CHUNK, Column, Failure, Field, Frame, Source, harness, read_all, write_all};

use crate::{scorer, trainer};

/// A trainer that can be tested. Cases that are written against it run natively too, against trainers that are right and trainers that are wrong.
pub trait Subject {
    /// Trains with these parameters (a JSON object), and gives the model's state.
    ///
    /// # Errors
    ///
    /// What the trainer refuses.
    fn train(&self, params: &str, data: &Frame) -> Result<Vec<u8>, Failure>;

    /// The input columns and the output columns of a model.
    ///
    /// # Errors
    ///
    /// What the scorer refuses.
    fn signature(&self, state: &[u8]) -> Result<(Vec<Field>, Vec<Field>), Failure>;

    /// The model's outputs for rows given as columns.
    ///
    /// # Errors
    ///
    /// What the scorer refuses.
    fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<Column>, Failure>;
}

/// The trainer that the host wired to this component's imports.
#[derive(Debug, Clone, Copy)]
pub struct UnderTest;

fn load(state: &[u8]) -> Result<scorer::Model, Failure> {
    let writer = harness::make_state();
    write_all(&writer, state, CHUNK)?;
    scorer::Model::load(&harness::open_state(writer))
}

impl Subject for UnderTest {
    fn train(&self, params: &str, data: &Frame) -> Result<Vec<u8>, Failure> {
        let table = harness::make_table(&data.schema(), data.target().as_deref(), data.columns())?;
        let session = harness::make_session(params).map_err(Failure::BadParams)?;
        let state = harness::make_state();
        trainer::run(&session, &table, None, &state)?;
        Ok(read_all(&harness::open_state(state))?)
    }

    fn signature(&self, state: &[u8]) -> Result<(Vec<Field>, Vec<Field>), Failure> {
        let model = load(state)?;
        Ok((model.inputs(), model.outputs()))
    }

    fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        let rows = inputs.first().map_or(0, Column::len);
        let rows = u32::try_from(rows).map_err(|_| Failure::internal("a case has more rows than one call takes"))?;
        load(state)?.predict(rows, inputs)
    }
}
