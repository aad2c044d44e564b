//! `sprag plugin new`

use serde::Serialize;
use sprag_authoring::{Language, start};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Kind;

use crate::args::{Lang, PluginNewArgs};
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    name: &'a str,
    kind: &'static str,
    language: &'static str,
    folder: String,
    source: String,
    files: usize,
    next: [String; 3],
}

/// Starts the project of a plugin.
///
/// # Errors
/// The language has no template for the kind, the name is none, or something is there already.
pub(super) fn run(args: &PluginNewArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let kind = Kind::from_name(&args.stage)
        .ok_or_else(|| CommandError::user(format!("expected a kind of stage, found `{}`", args.stage)))?;
    let language = match args.lang {
        Lang::Rust => Language::Rust,
        Lang::Python => Language::Python,
        Lang::Js => Language::JavaScript,
    };
    let started = start(&args.dir, kind, language)?;
    let folder = args.dir.display().to_string();
    let next = [
        format!("cd {folder} && {}", language.test_command()),
        format!("sprag plugin build {folder}"),
        format!("sprag plugin check {folder}"),
    ];
    let source = started.source.display().to_string();
    if args.json {
        let (name, kind, language) = (started.name.as_str(), kind.name(), language.name());
        console.json(&Report { name, kind, language, folder, source, files: started.files, next });
        return Ok(exit_code::SUCCESS);
    }
    console.line(&format!("made `{folder}`: a plugin for `{kind}` in {}", language.title()));
    console.line(&format!("  {DIM}stage{DIM:#}  {source}"));
    for (what, command) in ["test", "build", "check"].into_iter().zip(next) {
        console.line(&format!("  {DIM}{what:<6}{DIM:#} {BOLD}{command}{BOLD:#}"));
    }
    console.line(&format!("its README.md says how a project takes it: {}", args.dir.join("README.md").display()));
    Ok(exit_code::SUCCESS)
}
