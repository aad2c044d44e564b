//! `sprag:stage/train` and `sprag:stage/score` as imports: the trainer under test, in a store of its own for each call.

use sprag_data::Table;
use wasmtime::component::Resource;

use crate::bindings::sprag::data::tables::{Column, Field};
use crate::bindings::sprag::stage::types::Failure;
use crate::bindings::sprag::stage::{score, train};
use crate::blobs::{ReaderHandle, WriterHandle};
use crate::failure::StageFailure;
use crate::scorer::{LoadFailure, Scorer, ScorerHandle};
use crate::session::SessionHandle;
use crate::stages;
use crate::state::StageState;

impl train::Host for StageState {
    async fn run(
        &mut self,
        session: Resource<SessionHandle>,
        training: Resource<Table>,
        validation: Option<Resource<Table>>,
        state: Resource<WriterHandle>,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let session = self.handles.get(&session)?.clone();
        let training = self.handles.get(&training)?.clone();
        let validation = validation.map(|table| self.handles.get(&table).cloned()).transpose()?;
        let state = self.handles.get(&state)?.clone();
        let call = self.trainer_call()?;
        Ok(stages::call_train(&self.runtime, &call, session, self.shared.clone(), training, validation, state).await?)
    }
}

impl score::Host for StageState {}

impl score::HostModel for StageState {
    async fn load(&mut self, state: Resource<ReaderHandle>) -> wasmtime::Result<Result<Resource<ScorerHandle>, Failure>> {
        let state = self.handles.get(&state)?.clone();
        let call = self.trainer_call()?;
        match Scorer::load(&self.runtime, &call, self.shared.clone(), state).await {
            Ok(scorer) => self.push(ScorerHandle::new(scorer)).map(Ok),
            Err(LoadFailure::Refused(failure)) => Ok(Err(failure)),
            Err(LoadFailure::Failed(failure)) => Err(failure.into()),
        }
    }

    async fn inputs(&mut self, model: Resource<ScorerHandle>) -> wasmtime::Result<Vec<Field>> {
        let model = self.handles.get(&model)?.clone();
        Ok(model.lock().await.wit_inputs().to_vec())
    }

    async fn outputs(&mut self, model: Resource<ScorerHandle>) -> wasmtime::Result<Vec<Field>> {
        let model = self.handles.get(&model)?.clone();
        Ok(model.lock().await.wit_outputs().to_vec())
    }

    async fn predict(
        &mut self,
        model: Resource<ScorerHandle>,
        rows: u32,
        inputs: Vec<Column>,
    ) -> wasmtime::Result<Result<Vec<Column>, Failure>> {
        let model = self.handles.get(&model)?.clone();
        let predicted = model.lock().await.predict_batch(rows, &inputs).await?;
        Ok(predicted)
    }

    async fn drop(&mut self, model: Resource<ScorerHandle>) -> wasmtime::Result<()> {
        self.handles.delete(model)?;
        Ok(())
    }
}

impl StageState {
    /// The call of the trainer under test: its component, with the limits of the test.
    fn trainer_call(&self) -> Result<crate::call::StageCall, StageFailure> {
        let trainer = self.trainer.as_ref().ok_or_else(|| StageFailure::Contract("there is no trainer to test".to_owned()))?;
        Ok(crate::call::StageCall { component: trainer.component.clone(), ..self.call.clone() })
    }
}
