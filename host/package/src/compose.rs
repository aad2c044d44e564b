//! One self-contained component of a scorer, its state and the guests around it.
//!
//! ```text
//! embedded bytes -> packaged-imports -> scorer -> packaged-shell -> wasi:http/incoming-handler
//!                   sealed command line -> each of them
//! ```
//!
//! The scorer is the very component that was evaluated, unchanged: what it asks of a host of sprag is given by `packaged-imports`, and what is left to import
//! is WASI, most often no more of it than the world of `wasi:http` has. Nothing is pre-initialised: that would make other bytes of the scorer than those that were evaluated.

use std::collections::BTreeSet;

use sprag_core::component::Component;
use sprag_schemas::package::ModelCard;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

use crate::{embedded, guests, sealed};

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The model is larger than what a component holds.
    #[error("expected a model of at most {} bytes for one component, found {found} bytes", embedded::MOST)]
    TooLarge {
        /// The size of card and state.
        found: usize,
    },
    /// The scorer lacks the interface that scores.
    #[error("expected a scorer that exports `{expected}`, found {}", listed(.found))]
    NoScorer {
        /// The interface.
        expected: &'static str,
        /// What it exports.
        found: Vec<String>,
    },
    /// The finished component would ask its host for more than WASI.
    #[error("expected a component that imports WASI alone, found {}", listed(.found))]
    Imports {
        /// What it imports beyond.
        found: Vec<String>,
    },
    /// The parts do not fit together.
    #[error("failed to compose the scorer with the guests around it: {0}")]
    Composition(String),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

/// The interface by which a scorer scores.
const SCORE: &str = "sprag:stage/score@0.1.0";

/// The interface by which a packaged model is called; its patch version is that of the guests' toolchain.
const HANDLER: &str = "wasi:http/incoming-handler@0.2.";

/// Composes a self-contained component that answers HTTP with this model: it exports `wasi:http/incoming-handler` and imports WASI alone. The same model
/// gives the same bytes.
///
/// # Errors
///
/// The model is too large for one component, or the scorer is none or asks for more than a trainer may.
pub fn compose(card: &ModelCard, scorer: &[u8], state: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let card = card.to_json();
    let found = card.len() + state.len();
    if found > embedded::MOST {
        return Err(ComposeError::TooLarge { found });
    }
    let mut graph = Graph::default();
    let embedded = graph.register("sprag:embedded", embedded::component(card.as_bytes(), state))?;
    let imports = graph.register("sprag:imports", guests::IMPORTS.to_vec())?;
    let scorer = graph.register("sprag:scorer", scorer.to_vec())?;
    let shell = graph.register("sprag:shell", guests::SHELL.to_vec())?;
    let sealed = graph.seal(&[imports, scorer, shell])?;
    let embedded = graph.instantiate(embedded, &sealed, &[])?;
    let imports = graph.instantiate(imports, &sealed, &[embedded])?;
    let scorer = graph.instantiate(scorer, &sealed, &[imports])?;
    if !graph.exports(scorer).iter().any(|name| name == SCORE) {
        return Err(ComposeError::NoScorer { expected: SCORE, found: graph.exports(scorer) });
    }
    let shell = graph.instantiate(shell, &sealed, &[embedded, imports, scorer])?;
    let bytes = graph.finish(shell)?;
    let mut beyond = Component::read(&bytes).map_err(wrong)?.imports;
    beyond.retain(|import| !import.starts_with("wasi:"));
    if beyond.is_empty() { Ok(bytes) } else { Err(ComposeError::Imports { found: beyond }) }
}

/// The components that were instantiated so far.
#[derive(Default)]
struct Graph {
    graph: CompositionGraph,
}

/// An instance in the graph, with the component that it is of.
#[derive(Clone, Copy)]
struct Instance {
    node: NodeId,
    package: PackageId,
}

impl Graph {
    fn register(&mut self, name: &str, bytes: Vec<u8>) -> Result<PackageId, ComposeError> {
        let package = Package::from_bytes(name, None, bytes, self.graph.types_mut()).map_err(wrong)?;
        self.graph.register_package(package).map_err(wrong)
    }

    /// Instantiates a sealed command line for each version of it that these components name.
    fn seal(&mut self, packages: &[PackageId]) -> Result<Vec<Instance>, ComposeError> {
        let imports: Vec<_> = packages.iter().flat_map(|package| self.imports(*package)).collect();
        let versions: BTreeSet<_> = imports.iter().filter_map(|import| sealed::version_of(import)).collect();
        let seal = |(index, version): (usize, &str)| {
            let package = self.register(&format!("sprag:sealed{index}"), sealed::component(version))?;
            self.instantiate(package, &[], &[])
        };
        versions.into_iter().enumerate().map(seal).collect()
    }

    /// Instantiates a component with whatever the other instances export of what it imports.
    fn instantiate(&mut self, package: PackageId, sealed: &[Instance], earlier: &[Instance]) -> Result<Instance, ComposeError> {
        let node = self.graph.instantiate(package);
        for import in self.imports(package) {
            let gives = |instance: &&Instance| self.exports(**instance).contains(&import);
            if let Some(giver) = earlier.iter().find(gives) {
                let export = self.graph.alias_instance_export(giver.node, &import).map_err(wrong)?;
                self.graph.set_instantiation_argument(node, &import, export).map_err(wrong)?;
            } else if let Some(giver) = sealed.iter().find(gives) {
                let export = self.graph.alias_instance_export(giver.node, &import).map_err(wrong)?;
                // A component that wants more of it than every version has asks its host for it.
                let _ = self.graph.set_instantiation_argument(node, &import, export);
            }
        }
        Ok(Instance { node, package })
    }

    fn imports(&self, package: PackageId) -> Vec<String> {
        self.graph.types()[self.graph[package].ty()].imports.keys().cloned().collect()
    }

    fn exports(&self, instance: Instance) -> Vec<String> {
        self.graph.types()[self.graph[instance.package].ty()].exports.keys().cloned().collect()
    }

    /// The bytes of it all, with this instance's handler for HTTP as the one export.
    fn finish(mut self, shell: Instance) -> Result<Vec<u8>, ComposeError> {
        let name =
            self.exports(shell).into_iter().find(|name| name.starts_with(HANDLER)).expect("the shell is ours and exports it");
        let handler = self.graph.alias_instance_export(shell.node, &name).map_err(wrong)?;
        self.graph.export(handler, &name).map_err(wrong)?;
        self.graph.encode(EncodeOptions { define_components: true, validate: true, processor: None }).map_err(wrong)
    }
}

fn wrong(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ComposeError {
    let error = error.into();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    ComposeError::Composition(text)
}
