//! The attributes of a node, read as what its operator takes them for.

use crate::error::ModelError;
use crate::proto;
use crate::tensor::Tensor;

/// The attributes of a node. Each that is asked for is crossed off; what is left at the end is not known.
pub(crate) struct Attributes<'a> {
    node: &'a proto::Node,
    place: String,
}

impl<'a> Attributes<'a> {
    pub(crate) fn of(node: &'a proto::Node, place: &str) -> Self {
        Self { node, place: place.to_owned() }
    }

    fn find(&self, name: &str) -> Option<&'a proto::Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// Something is wrong with an attribute.
    pub(crate) fn fault(&self, name: &str, expected: &str, found: impl Into<String>) -> ModelError {
        ModelError::graph(format!("{}: `{name}`", self.place), expected, found)
    }

    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, ModelError> {
        self.find(name).map(|found| found.i.ok_or_else(|| self.fault(name, "a whole number", "another type"))).transpose()
    }

    pub(crate) fn float(&self, name: &str) -> Result<Option<f64>, ModelError> {
        let read = |found: &proto::Attribute| found.f.map(f64::from).ok_or_else(|| self.fault(name, "a number", "another type"));
        self.find(name).map(read).transpose()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, ModelError> {
        let read = |found: &proto::Attribute| {
            let bytes = found.s.clone().ok_or_else(|| self.fault(name, "a text", "another type"))?;
            String::from_utf8(bytes).map_err(|_| self.fault(name, "a text in UTF-8", "other bytes"))
        };
        self.find(name).map(read).transpose()
    }

    pub(crate) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.find(name).map(|found| found.ints.clone())
    }

    pub(crate) fn floats(&self, name: &str) -> Option<Vec<f64>> {
        self.find(name).map(|found| found.floats.iter().map(|value| f64::from(*value)).collect())
    }

    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.find(name).map(|found| found.strings.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect())
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<Option<Tensor>, ModelError> {
        let read = |found: &proto::Attribute| {
            let tensor = found.t.as_ref().ok_or_else(|| self.fault(name, "a tensor", "another type"))?;
            Tensor::read(tensor, &self.place)
        };
        self.find(name).map(read).transpose()
    }

    /// A list of numbers: as a tensor of 64 bits under `name_as_tensor`, else of 32 under the name.
    pub(crate) fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, ModelError> {
        match self.tensor(&format!("{name}_as_tensor"))? {
            Some(tensor) => Ok(Some(tensor.into_flat())),
            None => Ok(self.floats(name)),
        }
    }

    /// A list of places: whole numbers from 0 on.
    pub(crate) fn places(&self, name: &str) -> Result<Vec<usize>, ModelError> {
        let read =
            |value: i64| usize::try_from(value).map_err(|_| self.fault(name, "whole numbers from 0 on", value.to_string()));
        self.ints(name).unwrap_or_default().into_iter().map(read).collect()
    }
}
