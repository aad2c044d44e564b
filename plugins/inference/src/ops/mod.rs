//! The operators, by name.

mod activate;
mod arithmetic;
mod broadcast;
mod compare;
mod learned;
mod product;
mod reduce;
mod shape;
mod trees;

use crate::attributes::Attributes;
use crate::error::ModelError;
use crate::node::Operator;
use crate::proto;

/// Makes an operator of the attributes of a node, for a version of `ai.onnx`.
type Make = fn(&Attributes<'_>, i64) -> Result<Box<dyn Operator>, ModelError>;

/// Every operator that is known.
const KNOWN: &[&[(&str, Make)]] = &[
    arithmetic::KNOWN,
    activate::KNOWN,
    compare::KNOWN,
    product::KNOWN,
    reduce::KNOWN,
    shape::KNOWN,
    learned::KNOWN,
    trees::KNOWN,
];

/// The operator of a node.
pub(crate) fn operator(node: &proto::Node, place: &str, version: i64) -> Result<Box<dyn Operator>, ModelError> {
    let known = KNOWN.iter().copied().flatten();
    let is_ours = matches!(node.domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml");
    match known.clone().find(|(name, _)| is_ours && *name == node.op_type) {
        Some((_, make)) => make(&Attributes::of(node, place), version),
        None => {
            let mut known: Vec<_> = known.map(|(name, _)| *name).collect();
            known.sort_unstable();
            Err(ModelError::Operator { place: place.to_owned(), operator: node.op_type.clone(), known })
        }
    }
}
