//! Who is the champion of several models, and what stands beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sprag_runtime::Runtime;
use sprag_schemas::canary::Canary;
use sprag_serve::{CanarySetup, Catalog, Challenger, ChallengerLimits, Config, Part};

use super::sources::{ServedSource, catalog};
use crate::args::{ChallengerArgs, ChallengerSpec};
use crate::commands::open_store;
use crate::error::CommandError;

/// Finds the challengers, sets them up in `config`, and gives the champion's catalog: that of the largest share, of several of one size the first.
///
/// # Errors
/// There is no such version or package, or the file of the analysis is missing or says what cannot be.
pub(crate) fn set_up(
    args: &ChallengerArgs,
    sources: Vec<ServedSource>,
    config: &mut Config,
    project: Option<&Path>,
    runtime: &Runtime,
) -> Result<Arc<dyn Catalog>, CommandError> {
    let (champion, others) = divide(sources);
    let champion = champion.ok_or_else(|| CommandError::user("expected a model to answer with, found none"))?;
    let limits = limits(args);
    let count = others.len();
    let weighted = |name: String, catalog, percent: u8, is_required| {
        let part = Part::Weighted(percent.into());
        Challenger { name, part, catalog, limits: limits.clone(), is_required }
    };
    for (number, other) in (1..).zip(others) {
        let name = if count == 1 { "challenger".to_owned() } else { format!("challenger-{number}") };
        // Whoever deploys packages is to be told that one of them cannot be loaded; nothing about a package changes later.
        config.challengers.push(weighted(name, other.catalog, other.percent, true));
    }
    for spec in &args.challengers {
        let catalog = catalog(&spec.model, project, runtime)?;
        config.challengers.push(weighted(spec.name.clone(), catalog, share(spec, args)?, false));
    }
    for ChallengerSpec { name, model, percent } in &args.shadows {
        if percent.is_some() {
            return Err(CommandError::user(format!("expected no share for the shadow `{name}`, found one"))
                .hint("a shadow answers no requests; `--challenger` takes a share of them"));
        }
        config.challengers.push(Challenger {
            name: name.clone(),
            part: Part::Shadow { tolerance: args.shadow_tolerance },
            catalog: catalog(model, project, runtime)?,
            limits: ChallengerLimits { time: limits.time, memory: limits.memory, ..ChallengerLimits::shadow() },
            is_required: false,
        });
    }
    if let Some(path) = &args.canary {
        config.canary = Some(canary(path, args, project)?);
    }
    config.sticky.clone_from(&args.sticky_header);
    Ok(champion)
}

/// The source with the largest share, and the others.
fn divide(mut sources: Vec<ServedSource>) -> (Option<Arc<dyn Catalog>>, Vec<ServedSource>) {
    let largest = sources.iter().map(|source| source.percent).max();
    let place = sources.iter().position(|source| Some(source.percent) == largest);
    let champion = place.map(|place| sources.remove(place).catalog);
    (champion, sources)
}

fn share(spec: &ChallengerSpec, args: &ChallengerArgs) -> Result<u8, CommandError> {
    match (spec.percent, &args.canary) {
        (Some(percent), _) => Ok(percent),
        (None, Some(_)) => Ok(0),
        (None, None) => Err(CommandError::user(format!("expected a share for the challenger `{}`, found none", spec.name))
            .hint(format!("write `--challenger {}={}=10`, or let `--canary` set it", spec.name, spec.model))),
    }
}

fn limits(args: &ChallengerArgs) -> ChallengerLimits {
    let defaults = ChallengerLimits::weighted();
    ChallengerLimits {
        time: args.challenger_timeout.0,
        concurrency: args.challenger_concurrency.map_or(defaults.concurrency, |count| count as usize),
        queue: defaults.queue,
        memory: args.challenger_memory.0,
    }
}

fn canary(path: &Path, args: &ChallengerArgs, project: Option<&Path>) -> Result<CanarySetup, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|error| CommandError::io("read", path, &error))?;
    let wrong = |message: String| CommandError::user(format!("the analysis in `{}`: {message}", path.display()));
    let canary = Canary::parse(&text).map_err(wrong)?;
    // Checked here so that the message names the file.
    sprag_core::canary::Analysis::new(canary.clone(), None).map_err(wrong)?;
    let state = match &args.canary_state {
        Some(path) => path.clone(),
        None => default_state(canary.challenger.as_deref().or(only_name(&args.challengers)), project)?,
    };
    Ok(CanarySetup { canary, state: Some(state) })
}

fn only_name(challengers: &[ChallengerSpec]) -> Option<&str> {
    challengers.first().map(|spec| spec.name.as_str())
}

/// Where the state is kept that nobody named a file for.
fn default_state(challenger: Option<&str>, project: Option<&Path>) -> Result<PathBuf, CommandError> {
    let folder = open_store(project)?.root().join("canary");
    std::fs::create_dir_all(&folder).map_err(|error| CommandError::io("make", &folder, &error))?;
    // A name that is no variant's is refused later, and makes no file.
    Ok(folder.join(format!("{}.json", challenger.unwrap_or("challenger").replace('/', "-"))))
}
