//! `sprag:stage/models`

use sprag_data::Table;
use wasmtime::component::Resource;

use crate::bindings::sprag::data::tables::Field;
use crate::bindings::sprag::stage::models::{Host, HostModel};
use crate::bindings::sprag::stage::types::Failure;
use crate::model::{ModelHandle, ScorerNeeds};
use crate::state::StageState;

impl Host for StageState {}

impl HostModel for StageState {
    async fn digest(&mut self, model: Resource<ModelHandle>) -> wasmtime::Result<String> {
        Ok(self.handles.get(&model)?.source().digest.to_string())
    }

    async fn version(&mut self, model: Resource<ModelHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.handles.get(&model)?.source().version.clone())
    }

    async fn inputs(&mut self, model: Resource<ModelHandle>) -> wasmtime::Result<Result<Vec<Field>, Failure>> {
        let model = self.handles.get(&model)?.clone();
        let scorer = model.scorer(self.scorer_needs()).await?;
        Ok(Ok(scorer.wit_inputs().to_vec()))
    }

    async fn outputs(&mut self, model: Resource<ModelHandle>) -> wasmtime::Result<Result<Vec<Field>, Failure>> {
        let model = self.handles.get(&model)?.clone();
        let scorer = model.scorer(self.scorer_needs()).await?;
        Ok(Ok(scorer.wit_outputs().to_vec()))
    }

    async fn predict(
        &mut self,
        model: Resource<ModelHandle>,
        data: Resource<Table>,
    ) -> wasmtime::Result<Result<Resource<Table>, Failure>> {
        let model = self.handles.get(&model)?.clone();
        let data = self.handles.get(&data)?.clone();
        let mut scorer = model.scorer(self.scorer_needs()).await?;
        let predictions = scorer.predict(&data).await.map_err(|failure| model.named(failure))?;
        drop(scorer);
        self.push(predictions).map(Ok)
    }

    async fn drop(&mut self, model: Resource<ModelHandle>) -> wasmtime::Result<()> {
        self.handles.delete(model)?;
        Ok(())
    }
}

impl StageState {
    fn scorer_needs(&self) -> ScorerNeeds {
        ScorerNeeds { runtime: self.runtime.clone(), call: self.call.clone(), shared: self.shared.clone() }
    }
}
