//! `sprag profile`

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::ProfileArgs;
use crate::console::Console;
use crate::error::CommandError;

/// Profiles the project's data.
///
/// # Errors
/// The data cannot be read, or the file is there already.
pub fn run(args: &ProfileArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let project = super::load(project, &[])?;
    let table = sprag_lifecycle::table_of(&project.root, &project.manifest)?;
    let profile = sprag_data::profile(&table).map_err(sprag_lifecycle::SourceError)?;
    let Some(path) = &args.output else {
        console.json(&profile);
        return Ok(exit_code::SUCCESS);
    };
    let mut text = serde_json::to_string_pretty(&profile).expect("a profile is made of maps with text keys");
    text.push('\n');
    write(path, text.as_bytes(), args.force)?;
    console.line(&format!("wrote `{}`: {} rows, {} columns", path.display(), profile.rows, profile.columns.len()));
    Ok(exit_code::SUCCESS)
}

fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), CommandError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if !force {
        options.create_new(true);
    }
    match options.open(path).and_then(|mut file| file.write_all(bytes)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("`{}` is there already", path.display());
            Err(CommandError::user(message)
                .hint("replace it with `--force`; later checks then hold new data against the new profile"))
        }
        Err(error) => Err(CommandError::io("write", path, &error)),
    }
}
