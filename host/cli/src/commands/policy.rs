//! `sprag policy`

use std::path::Path;

use serde::Serialize;
use sprag_core::policy::Decision;
use sprag_lifecycle::Project;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::PolicyRecord;

use crate::args::{PolicyArgs, PolicyCommand};
use crate::console::{BAD, BOLD, Console, DIM, GOOD};
use crate::error::CommandError;

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Explained<'a> {
    policies: Vec<PolicyRecord>,
    decisions: Vec<&'a Decision>,
}

/// Says what the policies decide.
///
/// # Errors
/// The project or a policy is wrong, or there is no such stage.
pub fn run(args: &PolicyArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let PolicyCommand::Explain { stage, json } = &args.command;
    let project = super::load_unjudged(project)?;
    if let Some(stage) = stage
        && !project.plan.all().any(|planned| planned.name == *stage)
    {
        let known = project.plan.all().map(|stage| format!("`{}`", stage.name)).collect::<Vec<_>>().join(", ");
        return Err(CommandError::user(format!("expected a stage of the project ({known}), found `{stage}`")));
    }
    let is_asked = |decision: &&Decision| stage.as_ref().is_none_or(|stage| decision.stage == *stage);
    let decisions: Vec<_> = project.decisions.iter().filter(is_asked).collect();
    let is_refused = decisions.iter().any(|decision| !decision.is_allowed);
    if *json {
        console.json(&Explained { policies: project.policy_records(), decisions });
    } else {
        lines(&project, &decisions).iter().for_each(|line| console.line(line));
    }
    Ok(if is_refused { exit_code::REFUSED } else { exit_code::SUCCESS })
}

fn lines(project: &Project, decisions: &[&Decision]) -> Vec<String> {
    if project.policies.is_empty() {
        return vec!["no policy is in force: sprag.lock alone says what was accepted".to_owned()];
    }
    let mut lines: Vec<_> = project
        .policies
        .iter()
        .map(|policy| format!("{DIM}policy{DIM:#} {} {DIM}{}{DIM:#}", policy.path, policy.digest))
        .collect();
    let mut last = "";
    for decision in decisions {
        let Decision { stage, kind, plugin, asked, is_allowed, policy, line, rule, remedy, .. } = decision;
        if stage != last {
            lines.push(format!("{BOLD}{stage}{BOLD:#} {DIM}{kind}{DIM:#} {plugin}"));
            last = stage;
        }
        let word = if *is_allowed { format!("{GOOD}allowed{GOOD:#}") } else { format!("{BAD}refused{BAD:#}") };
        let place = line.map_or_else(|| policy.clone(), |line| format!("{policy}:{line}"));
        lines.push(format!("  {word} {asked:<14} {DIM}{place}{DIM:#} {rule}"));
        if let Some(remedy) = remedy {
            lines.push("    what would allow it:".to_owned());
            lines.extend(remedy.trim_end().lines().map(|line| format!("      {line}")));
        }
    }
    lines
}
