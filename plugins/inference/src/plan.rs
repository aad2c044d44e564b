//! One output of a graph, ready to be computed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use crate::error::{ModelError, RunError};
use crate::node::Node;
use crate::ops;
use crate::proto::{self, Extent};
use crate::tensor::{Kind, Tensor, elements};

/// The versions of `ai.onnx` whose operators are known.
const VERSIONS: std::ops::RangeInclusive<i64> = 7..=24;

/// One output of a graph, ready to be computed.
pub struct Plan {
    nodes: Vec<Node>,
    /// What never changes, by slot.
    constants: Vec<Option<Arc<Tensor>>>,
    /// The slots that no later node reads, by node.
    last_reads: Vec<Vec<usize>>,
    input: Option<usize>,
    output: usize,
    kind: Kind,
    width: Option<usize>,
}

/// Numbers, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// How many there are in each row.
    pub width: usize,
    /// All of them.
    pub values: Vec<f64>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("nodes", &self.nodes.len()).field("width", &self.width).finish_non_exhaustive()
    }
}

/// The slots of a graph's values, by name.
#[derive(Default)]
struct Slots {
    names: BTreeMap<String, usize>,
}

impl Slots {
    fn of(&mut self, name: &str) -> usize {
        let next = self.names.len();
        *self.names.entry(name.to_owned()).or_insert(next)
    }
}

impl Plan {
    pub(crate) fn of(graph: &proto::Graph, sets: &[proto::OperatorSet], output: &str) -> Result<Self, ModelError> {
        let version = sets.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx").map_or(1, |set| set.version);
        if graph.node.iter().any(|node| node.domain.is_empty()) && !VERSIONS.contains(&version) {
            let expected = format!("version {} to {} of the operators", VERSIONS.start(), VERSIONS.end());
            return Err(ModelError::graph("model", expected, format!("version {version}")));
        }
        let needed = needed(graph, output)?;
        let mut slots = Slots::default();
        let mut constants = BTreeMap::new();
        for tensor in graph.initializer.iter().filter(|tensor| needed.values.contains(tensor.name.as_str())) {
            constants.insert(slots.of(&tensor.name), Arc::new(Tensor::read(tensor, "graph")?));
        }
        let mut given = graph.input.iter().filter(|input| {
            needed.values.contains(input.name.as_str()) && !graph.initializer.iter().any(|tensor| tensor.name == input.name)
        });
        let (first, second) = (given.next(), given.next());
        if let (Some(first), Some(second)) = (first, second) {
            let found = format!("`{}` and `{}`", first.name, second.name);
            return Err(ModelError::graph("graph", "one input, with a row of features for each row", found));
        }
        let (kind, width) = first.map(described).transpose()?.unwrap_or((Kind::F64, None));
        let input = first.map(|first| slots.of(&first.name));
        let mut known: BTreeSet<usize> = constants.keys().copied().chain(input).collect();
        let mut nodes = vec![];
        for (at, node) in graph.node.iter().enumerate().filter(|(at, _)| needed.nodes.contains(at)) {
            let place = if node.name.is_empty() {
                format!("node {at} (`{}`)", node.op_type)
            } else {
                format!("node `{}` (`{}`)", node.name, node.op_type)
            };
            let inputs: Vec<_> = node.input.iter().map(|name| (!name.is_empty()).then(|| slots.of(name))).collect();
            if let Some((name, _)) =
                node.input.iter().zip(&inputs).find(|(_, slot)| slot.is_some_and(|slot| !known.contains(&slot)))
            {
                return Err(ModelError::graph(place, "inputs that an earlier node gives", format!("`{name}`")));
            }
            let outputs: Vec<_> = node.output.iter().filter(|name| !name.is_empty()).map(|name| slots.of(name)).collect();
            if outputs.iter().any(|slot| !known.insert(*slot)) {
                return Err(ModelError::graph(place, "outputs that nothing else gives", "one that something does"));
            }
            let node = Node { operator: ops::operator(node, &place, version)?, place, inputs, outputs };
            if node.inputs.iter().flatten().all(|slot| constants.contains_key(slot)) {
                let mut table = vec![None; slots.names.len()];
                for slot in node.inputs.iter().flatten() {
                    table[*slot] = constants.get(slot).cloned();
                }
                constants.extend(node.outputs.iter().copied().zip(node.run(&table)?.into_iter().map(Arc::new)));
            } else {
                nodes.push(node);
            }
        }
        let output = slots.of(output);
        if !known.contains(&output) {
            return Err(ModelError::graph("graph", "an output that a node gives", "one that none gives"));
        }
        let mut table = vec![None; slots.names.len()];
        for (slot, tensor) in constants {
            table[slot] = Some(tensor);
        }
        let last_reads = last_reads(&nodes, &table, output);
        Ok(Self { nodes, constants: table, last_reads, input, output, kind, width })
    }

    /// How many features a row has, where the graph says so.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// Computes the output for rows of features, each row after the other.
    ///
    /// # Errors
    /// The features are not so many, or a node cannot be computed.
    pub fn run(&self, rows: usize, features: &[f64]) -> Result<Answer, RunError> {
        let fault = |message: String| RunError { place: "graph".to_owned(), message };
        let width = features.len().checked_div(rows).unwrap_or_else(|| self.width.unwrap_or(0));
        if width.checked_mul(rows) != Some(features.len())
            || self.width.is_some_and(|expected| expected != width)
            || elements(&[rows, width]).is_none()
        {
            let expected =
                self.width.map_or_else(|| "rows of one length".to_owned(), |width| format!("{width} features in each row"));
            return Err(fault(format!("expected {expected}, found {} numbers in {rows} rows", features.len())));
        }
        let mut slots = self.constants.clone();
        if let Some(input) = self.input {
            let values =
                ArrayD::from_shape_vec(IxDyn(&[rows, width]), features.to_vec()).map_err(|error| fault(error.to_string()))?;
            slots[input] = Some(Arc::new(Tensor::new(self.kind, values)));
        }
        for (node, done) in self.nodes.iter().zip(&self.last_reads) {
            let outputs = node.run(&slots)?;
            for (slot, output) in node.outputs.iter().zip(outputs) {
                if elements(output.values.shape()).is_none() {
                    return Err(RunError {
                        place: node.place.clone(),
                        message: format!("expected at most 2^28 numbers, found a shape of {:?}", output.values.shape()),
                    });
                }
                slots[*slot] = Some(Arc::new(output));
            }
            for slot in done {
                slots[*slot] = None;
            }
        }
        let answer = slots[self.output].take().ok_or_else(|| fault("expected an output, found none".to_owned()))?;
        let answer = Arc::unwrap_or_clone(answer);
        let shape = answer.values.shape().to_vec();
        match shape.as_slice() {
            [found] if *found == rows => Ok(Answer { width: 1, values: answer.into_flat() }),
            [found, width] if *found == rows => Ok(Answer { width: *width, values: answer.into_flat() }),
            _ => Err(fault(format!("expected an answer with {rows} rows, found one of the shape {shape:?}"))),
        }
    }
}

/// What an output needs.
struct Needed<'a> {
    values: BTreeSet<&'a str>,
    nodes: BTreeSet<usize>,
}

/// Walks back from an output. Nodes stand after those that they need, as ONNX demands, so that one walk is enough.
fn needed<'a>(graph: &'a proto::Graph, output: &'a str) -> Result<Needed<'a>, ModelError> {
    if !graph.output.iter().any(|known| known.name == output) {
        let known: Vec<_> = graph.output.iter().map(|output| format!("`{}`", output.name)).collect();
        return Err(ModelError::graph("graph", format!("one of its outputs ({})", known.join(", ")), format!("`{output}`")));
    }
    let mut needed = Needed { values: BTreeSet::from([output]), nodes: BTreeSet::new() };
    for (at, node) in graph.node.iter().enumerate().rev() {
        if node.output.iter().any(|name| needed.values.contains(name.as_str())) {
            needed.nodes.insert(at);
            needed.values.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
        }
    }
    Ok(needed)
}

/// The type of the input's elements, and how many a row has.
fn described(input: &proto::ValueInfo) -> Result<(Kind, Option<usize>), ModelError> {
    let fault = |expected: &str, found: String| ModelError::graph(format!("input `{}`", input.name), expected, found);
    let tensor = input
        .r#type
        .as_ref()
        .and_then(|kind| kind.tensor_type.as_ref())
        .ok_or_else(|| fault("a tensor", "something else".to_owned()))?;
    let kind = Kind::of_onnx(tensor.elem_type).filter(|kind| matches!(kind, Kind::F32 | Kind::F64));
    let kind = kind.ok_or_else(|| fault("floats of 32 or 64 bits", format!("elements of type {}", tensor.elem_type)))?;
    let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    match dims {
        [] => Ok((kind, None)),
        [_, width] => Ok((
            kind,
            match &width.value {
                Some(Extent::Value(width)) => usize::try_from(*width).ok(),
                _ => None,
            },
        )),
        other => Err(fault("two dimensions, rows and features", other.len().to_string())),
    }
}

fn last_reads(nodes: &[Node], constants: &[Option<Arc<Tensor>>], output: usize) -> Vec<Vec<usize>> {
    let mut seen = BTreeSet::from([output]);
    let mut last = vec![vec![]; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        for slot in node.inputs.iter().flatten().chain(&node.outputs) {
            if constants[*slot].is_none() && seen.insert(*slot) {
                last[at].push(*slot);
            }
        }
    }
    last
}
