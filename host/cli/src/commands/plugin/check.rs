//! `sprag plugin check`

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use sprag_core::contract::shape::mismatches;
use sprag_core::contract::{self, ContractError};
use sprag_core::entries::entries;
use sprag_core::params;
use sprag_core::portrait::{Portrait, section_problems};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::{Kind, Manifest};

use super::subject::Subject;
use crate::args::PluginCheckArgs;
use crate::console::{Console, GOOD};
use crate::error::CommandError;

/// Holds a component against a stage of the project, or against the contract of its kind. Nothing of it is run or compiled.
///
/// # Errors
/// It does not fit: every reason.
pub(super) fn run(args: &PluginCheckArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let subject = Subject::find(&args.plugin)?;
    let target = match &args.stage {
        Some(stage) => Target::of_stage(&crate::commands::manifest(project)?, stage)?,
        None => Target::of_kind(&subject)?,
    };
    let fit = fit(&subject, &target);
    if args.json {
        console.json(&Told {
            plugin: subject.title(),
            stage: target.stage.as_deref(),
            kind: target.kind.name(),
            fits: fit.problems.is_empty(),
            problems: &fit.problems,
        });
        return Ok(fit.code());
    }
    if fit.problems.is_empty() {
        console.line(&format!("{GOOD}ok{GOOD:#}: {} fits {}", subject.title(), target.words()));
        return Ok(exit_code::SUCCESS);
    }
    Err(fit.error(&subject, &target))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told<'a> {
    plugin: String,
    stage: Option<&'a str>,
    kind: &'static str,
    fits: bool,
    problems: &'a [String],
}

/// What a component must fit.
pub(crate) struct Target {
    /// The stage's name in the project; none where the contract alone is meant.
    pub(crate) stage: Option<String>,
    /// Its kind.
    pub(crate) kind: Kind,
    /// Its parameters, to be held against the component's schema.
    pub(crate) params: Option<Map<String, Value>>,
}

impl Target {
    /// A stage of a project, by its name.
    pub(crate) fn of_stage(manifest: &Manifest, name: &str) -> Result<Self, CommandError> {
        let all = entries(manifest);
        let Some(entry) = all.iter().find(|entry| entry.name == name) else {
            let known: Vec<_> = all.iter().map(|entry| format!("`{}`", entry.name)).collect();
            return Err(CommandError::user(format!("expected a stage of the project ({}), found `{name}`", known.join(", "))));
        };
        let kind = entry.kind.ok_or_else(|| {
            CommandError::user(format!("stage `{name}`: expected `kind`, because `{name}` is not itself a kind"))
        })?;
        Ok(Self { stage: Some(name.to_owned()), kind, params: Some(entry.stage.params.clone()) })
    }

    /// The contract of the kind that a component is made for.
    fn of_kind(subject: &Subject) -> Result<Self, CommandError> {
        let portrait = Portrait::of(&subject.component);
        let [kind] = portrait.kinds.as_slice() else {
            return Err(CommandError::user(format!("{}: {}", subject.title(), portrait.problems.join("\n"))));
        };
        Ok(Self { stage: None, kind: *kind, params: None })
    }

    fn words(&self) -> String {
        match &self.stage {
            Some(stage) => format!("the stage `{stage}`"),
            None => format!("the contract of the kind `{}`", self.kind),
        }
    }
}

/// Whether a component fits.
pub(crate) struct Fit {
    /// Why it does not, each reason once.
    pub(crate) problems: Vec<String>,
    hints: Vec<String>,
    is_refusal: bool,
}

impl Fit {
    fn code(&self) -> ExitCode {
        match (self.problems.is_empty(), self.is_refusal) {
            (true, _) => exit_code::SUCCESS,
            (false, true) => exit_code::REFUSED,
            (false, false) => exit_code::BAD_PROJECT,
        }
    }

    /// The error of a component that does not fit.
    pub(crate) fn error(&self, subject: &Subject, target: &Target) -> CommandError {
        let list: String = self.problems.iter().map(|problem| format!("\n  {problem}")).collect();
        let message = format!("{} does not fit {}:{list}", subject.title(), target.words());
        CommandError { code: self.code(), message, hints: self.hints.clone() }
    }
}

/// Holds a component against what it must fit: its interfaces first, then its types, its account of itself, and the stage's parameters.
pub(crate) fn fit(subject: &Subject, target: &Target) -> Fit {
    let errors = contract::check(&subject.component, target.kind).err().unwrap_or_default();
    let is_refusal = !errors.is_empty() && errors.iter().all(ContractError::is_refusal);
    let mut hints: Vec<_> = errors.iter().map(ContractError::hint).collect();
    hints.dedup();
    let mut problems: Vec<_> = errors.iter().map(ToString::to_string).collect();
    // What is of another kind or track has other types, and to list them helps nobody.
    if problems.is_empty() || is_refusal {
        match mismatches(&subject.bytes, target.kind) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                problems.extend(found.iter().map(ToString::to_string));
                hints.push("build it again with the SDK of this sprag: `sprag plugin build DIR`".to_owned());
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    let info = subject.component.plugin.as_ref();
    problems.extend(info.map(section_problems).unwrap_or_default());
    if problems.is_empty()
        && let (Some(info), Some(given)) = (info, &target.params)
    {
        let wrong = params::check(&info.params_schema, given).err().unwrap_or_default();
        problems.extend(wrong.iter().map(|error| match error.path.is_empty() {
            true => format!("`params`: {}", error.message),
            false => format!("`params.{}`: {}", error.path.join("."), error.message),
        }));
    }
    Fit { problems, hints, is_refusal }
}
