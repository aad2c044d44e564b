//! What a node of a graph does.

use std::sync::Arc;

use crate::error::RunError;
use crate::tensor::Tensor;

/// An operator with its attributes.
pub(crate) trait Operator: Send + Sync {
    /// Computes the outputs. An input that the node leaves out is none.
    ///
    /// # Errors
    /// What was expected of the inputs, and what was found.
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String>;
}

impl<F: Fn(&[Option<&Tensor>]) -> Result<Vec<Tensor>, String> + Send + Sync> Operator for F {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        self(inputs)
    }
}

/// A node that can be run: which slots it reads and writes.
pub(crate) struct Node {
    pub(crate) place: String,
    pub(crate) operator: Box<dyn Operator>,
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) outputs: Vec<usize>,
}

impl Node {
    pub(crate) fn run(&self, slots: &[Option<Arc<Tensor>>]) -> Result<Vec<Tensor>, RunError> {
        let inputs: Vec<_> = self.inputs.iter().map(|slot| slot.and_then(|slot| slots[slot].as_deref())).collect();
        let outputs = self.operator.run(&inputs).map_err(|message| RunError { place: self.place.clone(), message })?;
        if outputs.len() < self.outputs.len() {
            let message = format!("expected {} outputs, found {}", self.outputs.len(), outputs.len());
            return Err(RunError { place: self.place.clone(), message });
        }
        Ok(outputs)
    }
}

/// An input that must be there.
pub(crate) fn input<'a>(inputs: &[Option<&'a Tensor>], at: usize) -> Result<&'a Tensor, String> {
    inputs.get(at).copied().flatten().ok_or_else(|| format!("expected an input {at}, found none"))
}
