//! `sprag ci`

use std::path::{Path, PathBuf};

use sprag_ci::{Facts, Pipeline, pipeline};
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::{CiArgs, CiCommand, CiInitArgs};
use crate::console::{Console, GOOD};
use crate::error::CommandError;

/// Does what a command of the group says.
///
/// # Errors
/// There is no project, or the file is there already or cannot be written.
pub fn run(args: &CiArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    match &args.command {
        CiCommand::Init(args) => init(args, project, console),
    }
}

fn init(args: &CiInitArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let is_plain =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    if !is_plain(&args.branch) {
        return Err(CommandError::user(format!("`--branch {}`: expected the name of a branch", args.branch.escape_debug())));
    }
    let home = super::project_dir(project)?;
    let home = home.canonicalize().map_err(|error| CommandError::io("find", &home, &error))?;
    let manifest = super::manifest(Some(&home))?;
    let repository = repository(&home);
    let below = home.strip_prefix(&repository).unwrap_or(Path::new(""));
    let folder = below.to_str().filter(|folder| folder.is_empty() || is_plain(folder)).ok_or_else(|| {
        CommandError::user(format!("expected a folder whose name a pipeline can hold as it is, found `{}`", below.display()))
    })?;
    let facts = Facts {
        project: if folder.is_empty() { "." } else { folder },
        branch: &args.branch,
        has_environments: !manifest.environments.is_empty(),
    };
    let Pipeline { path, text } = pipeline(args.system.into(), &facts);
    if args.print {
        console.line(text.trim_end());
        return Ok(exit_code::SUCCESS);
    }
    let to = repository.join(path);
    if to.exists() && !args.force {
        return Err(CommandError::user(format!("expected no `{}`, found one", to.display()))
            .hint("look at what it would be with `--print`, or write over it with `--force`"));
    }
    let folder = to.parent().unwrap_or(&repository);
    std::fs::create_dir_all(folder).map_err(|error| CommandError::io("make", folder, &error))?;
    super::serve::write_whole(&to, &text)?;
    console.line(&format!("{GOOD}wrote:{GOOD:#} {path}"));
    console.note("set SPRAG_URL and SPRAG_SHA256 as variables there: where the program is had, and its digest");
    Ok(exit_code::SUCCESS)
}

/// The repository that a project is in: the nearest folder upwards with a `.git`, else its own.
fn repository(home: &Path) -> PathBuf {
    home.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(home).to_owned()
}
