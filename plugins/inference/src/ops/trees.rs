//! Ensembles of trees: `TreeEnsemble`, `TreeEnsembleRegressor` and `TreeEnsembleClassifier` of `ai.onnx.ml`.
//!
//! All three become the same flat lists. Each tree is walked when it is read, so that none of them can lead around in a circle.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::Make;
use super::learned::{Finish, both, classes, labels, rows};
use crate::attributes::Attributes;
use crate::error::ModelError;
use crate::node::{Operator, input};
use crate::tensor::{Kind, Tensor};

pub(super) const KNOWN: &[(&str, Make)] =
    &[("TreeEnsemble", ensemble), ("TreeEnsembleClassifier", classifier), ("TreeEnsembleRegressor", regressor)];

/// How a feature is compared at a node; the branch is taken where it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Greater,
    Equal,
    NotEqual,
}

impl Mode {
    const ALL: [(&'static str, Self); 6] = [
        ("BRANCH_LEQ", Self::LessOrEqual),
        ("BRANCH_LT", Self::Less),
        ("BRANCH_GTE", Self::GreaterOrEqual),
        ("BRANCH_GT", Self::Greater),
        ("BRANCH_EQ", Self::Equal),
        ("BRANCH_NEQ", Self::NotEqual),
    ];

    fn holds(self, value: f64, split: f64) -> bool {
        match self {
            Self::LessOrEqual => value <= split,
            Self::Less => value < split,
            Self::GreaterOrEqual => value >= split,
            Self::Greater => value > split,
            #[allow(clippy::float_cmp, reason = "categories are whole numbers")]
            Self::Equal => value == split,
            #[allow(clippy::float_cmp, reason = "as above")]
            Self::NotEqual => value != split,
        }
    }
}

/// Where a branch leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Child {
    Node(usize),
    Leaf(usize),
}

#[derive(Debug, Clone)]
struct Branch {
    feature: usize,
    split: f64,
    mode: Mode,
    missing_is_true: bool,
    yes: Child,
    no: Child,
}

/// How the answers of the trees become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Average,
    Sum,
    Min,
    Max,
}

struct Trees {
    roots: Vec<Child>,
    branches: Vec<Branch>,
    /// The targets and weights of each leaf, as a range of `weights`.
    leaves: Vec<std::ops::Range<usize>>,
    weights: Vec<(usize, f64)>,
    targets: usize,
    features: usize,
    aggregate: Aggregate,
    base: Vec<f64>,
}

impl Trees {
    /// Holds all places against the lists that they point into, and walks each tree once.
    fn checked(self, attributes: &Attributes<'_>) -> Result<Self, ModelError> {
        let fault = |expected: &str, found: String| attributes.fault("trees", expected, found);
        if let Some((target, _)) = self.weights.iter().find(|(target, _)| *target >= self.targets) {
            return Err(fault(&format!("leaves of {} targets", self.targets), format!("target {target}")));
        }
        if self.base.len() > self.targets {
            return Err(fault(&format!("at most {} base values", self.targets), self.base.len().to_string()));
        }
        let mut seen = vec![false; self.branches.len()];
        let mut open = self.roots.clone();
        while let Some(child) = open.pop() {
            match child {
                Child::Leaf(at) if at < self.leaves.len() => {}
                Child::Leaf(at) => return Err(fault(&format!("one of {} leaves", self.leaves.len()), at.to_string())),
                Child::Node(at) => {
                    let branch = self
                        .branches
                        .get(at)
                        .ok_or_else(|| fault(&format!("one of {} nodes", self.branches.len()), at.to_string()))?;
                    if std::mem::replace(&mut seen[at], true) {
                        return Err(fault("trees whose branches never meet", format!("two ways to node {at}")));
                    }
                    open.extend([branch.yes, branch.no]);
                }
            }
        }
        Ok(self)
    }

    /// The sums, or what else the trees' answers become, for each row and target.
    #[allow(clippy::cast_precision_loss, reason = "no ensemble has that many trees")]
    fn scores(&self, table: &Tensor) -> Result<Array2<f64>, String> {
        let table = rows(table)?;
        if table.ncols() < self.features {
            return Err(format!("expected at least {} features, found {}", self.features, table.ncols()));
        }
        let start = match self.aggregate {
            Aggregate::Average | Aggregate::Sum => 0.0,
            Aggregate::Min => f64::INFINITY,
            Aggregate::Max => f64::NEG_INFINITY,
        };
        let mut scores = Array2::from_elem((table.nrows(), self.targets), start);
        for (features, mut scores) in table.rows().into_iter().zip(scores.rows_mut()) {
            let features = features.as_slice().ok_or("expected rows that lie one after the other")?;
            for root in &self.roots {
                for (target, weight) in &self.weights[self.leaves[self.leaf(*root, features)].clone()] {
                    let score = &mut scores[*target];
                    *score = match self.aggregate {
                        Aggregate::Average | Aggregate::Sum => *score + weight,
                        Aggregate::Min => score.min(*weight),
                        Aggregate::Max => score.max(*weight),
                    };
                }
            }
            for (at, score) in scores.iter_mut().enumerate() {
                match self.aggregate {
                    Aggregate::Average => *score /= self.roots.len() as f64,
                    // No leaf had a weight for this target.
                    Aggregate::Min | Aggregate::Max if *score == start => *score = 0.0,
                    _ => {}
                }
                *score += self.base.get(at).copied().unwrap_or(0.0);
            }
        }
        Ok(scores)
    }

    fn leaf(&self, root: Child, features: &[f64]) -> usize {
        let mut child = root;
        loop {
            match child {
                Child::Leaf(at) => return at,
                Child::Node(at) => {
                    let branch = &self.branches[at];
                    let value = features[branch.feature];
                    let holds = if value.is_nan() { branch.missing_is_true } else { branch.mode.holds(value, branch.split) };
                    child = if holds { branch.yes } else { branch.no };
                }
            }
        }
    }
}

fn widest(branches: &[Branch]) -> usize {
    branches.iter().map(|branch| branch.feature + 1).max().unwrap_or(0)
}

/// Lists that belong together must be of one length.
fn same_length(attributes: &Attributes<'_>, name: &str, found: usize, expected: usize) -> Result<(), ModelError> {
    if found == expected { Ok(()) } else { Err(attributes.fault(name, &format!("{expected} entries"), found.to_string())) }
}

/// Version 5: inner nodes and leaves in lists of their own.
fn ensemble(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let features = attributes.places("nodes_featureids")?;
    let count = features.len();
    let splits = attributes.tensor("nodes_splits")?.ok_or_else(|| attributes.fault("nodes_splits", "a tensor", "none"))?;
    let modes = attributes.tensor("nodes_modes")?.ok_or_else(|| attributes.fault("nodes_modes", "a tensor", "none"))?.whole();
    let kind = splits.kind;
    let splits = splits.into_flat();
    let (yes, no) = (attributes.places("nodes_truenodeids")?, attributes.places("nodes_falsenodeids")?);
    let (yes_leaf, no_leaf) = (attributes.places("nodes_trueleafs")?, attributes.places("nodes_falseleafs")?);
    let missing =
        attributes.ints("nodes_missing_value_tracks_true").filter(|all| !all.is_empty()).unwrap_or_else(|| vec![0; count]);
    for (name, found) in [
        ("nodes_splits", splits.len()),
        ("nodes_modes", modes.len()),
        ("nodes_truenodeids", yes.len()),
        ("nodes_falsenodeids", no.len()),
        ("nodes_trueleafs", yes_leaf.len()),
        ("nodes_falseleafs", no_leaf.len()),
        ("nodes_missing_value_tracks_true", missing.len()),
    ] {
        same_length(attributes, name, found, count)?;
    }
    let child = |place: usize, is_leaf: usize| if is_leaf == 0 { Child::Node(place) } else { Child::Leaf(place) };
    let mut branches = vec![];
    for at in 0..count {
        let mode = usize::try_from(modes[at]).ok().and_then(|mode| Mode::ALL.get(mode)).map(|(_, mode)| *mode);
        let mode =
            mode.ok_or_else(|| attributes.fault("nodes_modes", "0 to 5; sets of values are not known", modes[at].to_string()))?;
        let (yes, no) = (child(yes[at], yes_leaf[at]), child(no[at], no_leaf[at]));
        branches.push(Branch { feature: features[at], split: splits[at], mode, missing_is_true: missing[at] != 0, yes, no });
    }
    // A tree of one leaf is a node that leads there either way; the walk below would call that two ways to a node only for nodes.
    let targets = attributes.places("leaf_targetids")?;
    let weights =
        attributes.tensor("leaf_weights")?.ok_or_else(|| attributes.fault("leaf_weights", "a tensor", "none"))?.into_flat();
    same_length(attributes, "leaf_weights", weights.len(), targets.len())?;
    let aggregate = match attributes.int("aggregate_function")?.unwrap_or(1) {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => return Err(attributes.fault("aggregate_function", "0 to 3", other.to_string())),
    };
    let finish = match attributes.int("post_transform")?.unwrap_or(0) {
        0 => Finish::None,
        1 => Finish::Softmax,
        2 => Finish::Logistic,
        3 => Finish::SoftmaxZero,
        other => return Err(attributes.fault("post_transform", "0 to 3", other.to_string())),
    };
    let trees = Trees {
        roots: attributes.places("tree_roots")?.into_iter().map(Child::Node).collect(),
        features: widest(&branches),
        branches,
        leaves: (0..targets.len()).map(|at| at..at + 1).collect(),
        weights: targets.into_iter().zip(weights).collect(),
        targets: usize::try_from(attributes.int("n_targets")?.unwrap_or(1)).unwrap_or(0),
        aggregate,
        base: vec![],
    };
    let trees = trees.checked(attributes)?;
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let mut scores = trees.scores(input(inputs, 0)?)?;
        finished(&mut scores, finish);
        Ok(vec![Tensor::new(kind, scores.into_dyn())])
    }))
}

fn finished(scores: &mut Array2<f64>, finish: Finish) {
    if finish != Finish::None {
        for mut row in scores.rows_mut() {
            let mut values = row.to_vec();
            finish.apply(&mut values);
            row.iter_mut().zip(values).for_each(|(score, value)| *score = value);
        }
    }
}

/// Versions 1 and 3: nodes and leaves in one list, children by their numbers within a tree; `leaf` is the beginning of the names of what leaves hold.
fn listed(attributes: &Attributes<'_>, leaf: &str, targets: usize, aggregate: Aggregate) -> Result<Trees, ModelError> {
    let (trees, nodes) = (attributes.places("nodes_treeids")?, attributes.places("nodes_nodeids")?);
    let count = nodes.len();
    let modes = attributes.texts("nodes_modes").unwrap_or_default();
    let features = attributes.places("nodes_featureids")?;
    let splits = attributes.numbers("nodes_values")?.unwrap_or_default();
    let (yes, no) = (attributes.places("nodes_truenodeids")?, attributes.places("nodes_falsenodeids")?);
    let missing =
        attributes.ints("nodes_missing_value_tracks_true").filter(|all| !all.is_empty()).unwrap_or_else(|| vec![0; count]);
    for (name, found) in [
        ("nodes_treeids", trees.len()),
        ("nodes_modes", modes.len()),
        ("nodes_featureids", features.len()),
        ("nodes_values", splits.len()),
        ("nodes_truenodeids", yes.len()),
        ("nodes_falsenodeids", no.len()),
        ("nodes_missing_value_tracks_true", missing.len()),
    ] {
        same_length(attributes, name, found, count)?;
    }
    let (leaf_trees, leaf_nodes) =
        (attributes.places(&format!("{leaf}_treeids"))?, attributes.places(&format!("{leaf}_nodeids"))?);
    let leaf_targets = attributes.places(&format!("{leaf}_ids"))?;
    let leaf_weights = attributes.numbers(&format!("{leaf}_weights"))?.unwrap_or_default();
    for (name, found) in [("nodeids", leaf_nodes.len()), ("ids", leaf_targets.len()), ("weights", leaf_weights.len())] {
        same_length(attributes, &format!("{leaf}_{name}"), found, leaf_trees.len())?;
    }
    let mut held: BTreeMap<(usize, usize), Vec<(usize, f64)>> = BTreeMap::new();
    for (at, place) in leaf_trees.iter().zip(&leaf_nodes).enumerate() {
        held.entry((*place.0, *place.1)).or_default().push((leaf_targets[at], leaf_weights[at]));
    }
    // Places in the lists that are made here, by tree and number.
    let mut places = BTreeMap::new();
    let (mut leaves, mut weights, mut inner) = (vec![], vec![], 0);
    for at in 0..count {
        let key = (trees[at], nodes[at]);
        let child = if modes[at] == "LEAF" {
            let begin = weights.len();
            weights.extend(held.remove(&key).unwrap_or_default());
            leaves.push(begin..weights.len());
            Child::Leaf(leaves.len() - 1)
        } else {
            inner += 1;
            Child::Node(inner - 1)
        };
        if places.insert(key, child).is_some() {
            return Err(attributes.fault(
                "nodes_nodeids",
                "each number once in a tree",
                format!("{} twice in tree {}", key.1, key.0),
            ));
        }
    }
    let find = |tree: usize, node: usize| {
        places.get(&(tree, node)).copied().ok_or_else(|| {
            attributes.fault("nodes_nodeids", "the nodes that branches lead to", format!("no {node} in tree {tree}"))
        })
    };
    let mut branches = vec![];
    let mut is_child = std::collections::BTreeSet::new();
    for at in (0..count).filter(|at| modes[*at] != "LEAF") {
        let mode = Mode::ALL.iter().find(|(name, _)| *name == modes[at]).map(|(_, mode)| *mode);
        let mode = mode.ok_or_else(|| attributes.fault("nodes_modes", "a way to compare", format!("`{}`", modes[at])))?;
        let tree = trees[at];
        is_child.extend([(tree, yes[at]), (tree, no[at])]);
        let (yes, no) = (find(tree, yes[at])?, find(tree, no[at])?);
        branches.push(Branch { feature: features[at], split: splits[at], mode, missing_is_true: missing[at] != 0, yes, no });
    }
    let roots =
        (0..count).map(|at| (trees[at], nodes[at])).filter(|key| !is_child.contains(key)).map(|key| places[&key]).collect();
    let base = attributes.numbers("base_values")?.unwrap_or_default();
    Trees { roots, features: widest(&branches), branches, leaves, weights, targets, aggregate, base }.checked(attributes)
}

fn regressor(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let targets = usize::try_from(attributes.int("n_targets")?.unwrap_or(1)).unwrap_or(0);
    let aggregate = match attributes.text("aggregate_function")?.as_deref() {
        None | Some("SUM") => Aggregate::Sum,
        Some("AVERAGE") => Aggregate::Average,
        Some("MIN") => Aggregate::Min,
        Some("MAX") => Aggregate::Max,
        Some(other) => return Err(attributes.fault("aggregate_function", "SUM, AVERAGE, MIN or MAX", format!("`{other}`"))),
    };
    let trees = listed(attributes, "target", targets, aggregate)?;
    let finish = Finish::of(attributes)?;
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let mut scores = trees.scores(input(inputs, 0)?)?;
        finished(&mut scores, finish);
        Ok(vec![Tensor::new(Kind::F32, scores.into_dyn())])
    }))
}

fn classifier(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let count = labels(attributes, "classlabels_int64s", "classlabels_strings")?;
    let finish = Finish::of(attributes)?;
    let ids = attributes.places("class_ids")?;
    // Two classes and weights for one of them alone: those are the second's, whatever its number.
    let is_binary = count == 2 && ids.windows(2).all(|pair| pair[0] == pair[1]);
    let mut trees = listed(attributes, "class", count, Aggregate::Sum)?;
    if is_binary {
        trees.weights.iter_mut().for_each(|(target, _)| *target = 0);
        trees.targets = 1;
        // Of the base values of two classes the last is meant.
        trees.base = trees.base.last().copied().into_iter().collect();
    }
    let are_shares = trees.weights.iter().all(|(_, weight)| *weight >= 0.0);
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let mut scores = trees.scores(input(inputs, 0)?)?;
        if is_binary {
            finished(&mut scores, if finish == Finish::Logistic { Finish::Logistic } else { Finish::None });
            let shares = are_shares || finish == Finish::Logistic;
            return Ok(classes(both(&scores, shares), true));
        }
        finished(&mut scores, finish);
        Ok(classes(scores, false))
    }))
}
