//! `sprag key new` and `sprag key show`

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sprag_core::approval::SigningKey;
use sprag_schemas::exit_code::{self, ExitCode};

use super::keys;
use crate::args::{KeyArgs, KeyCommand};
use crate::console::Console;
use crate::error::CommandError;

/// Makes a key, or prints the line for a file of approvers.
///
/// # Errors
/// There is a key already, none to show, or a file cannot be written.
pub fn run(args: &KeyArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    match &args.command {
        KeyCommand::New { name, output, add } => {
            let name = named(name.as_deref(), "")?;
            let path = output.clone().or_else(keys::own).ok_or_else(|| {
                CommandError::user("expected `HOME` or `XDG_CONFIG_HOME` to be set, found neither")
                    .hint("name a file with `--output`")
            })?;
            // Looked for before the key is made, so that a wrong project leaves none behind.
            let approvers = add.then(|| approvers(project)).transpose()?;
            let key = SigningKey::from_seed(&seed()?, &name);
            write(&path, &key.to_openssh())?;
            let line = key.signers_line(&name);
            console.note(&format!("wrote `{}`: keep it to yourself", path.display()));
            for path in approvers.iter().flatten() {
                append(path, &line)?;
                console.note(&format!("added a line to `{}`: have others review it", path.display()));
            }
            console.line(&line);
        }
        KeyCommand::Show { name, key } => {
            let (key, _) = keys::find(key.as_ref())?;
            let name = named(name.as_deref(), key.comment())?;
            console.line(&key.signers_line(&name));
        }
    }
    Ok(exit_code::SUCCESS)
}

/// Whose key it is: as given, else as the key says, else the user.
fn named(given: Option<&str>, comment: &str) -> Result<String, CommandError> {
    let user = || ["SPRAG_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let own = Some(comment.to_owned()).filter(|comment| is_name(comment));
    let name = given.map(str::to_owned).or(own).or_else(user).unwrap_or_default();
    if is_name(&name) {
        return Ok(name);
    }
    let message = format!("expected a name without spaces, commas, quotation marks, `*`, `?` and `!`, found `{name}`");
    Err(CommandError::user(message).hint("write `--name ada@example.com`"))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('#') && !text.contains(|c: char| c.is_whitespace() || "*?!,\"'".contains(c))
}

/// 32 bytes that nobody can guess.
fn seed() -> Result<[u8; 32], CommandError> {
    let mut seed = [0; 32];
    let source = Path::new("/dev/urandom");
    let read = fs::File::open(source).and_then(|mut file| file.read_exact(&mut seed));
    read.map_err(|error| CommandError::io("read", source, &error))?;
    Ok(seed)
}

/// Writes a file that only its owner can read, where there was none.
fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::user(format!("`{}` is there already", path.display()))
            .hint("`sprag key show` prints its line; `--output` makes another beside it"),
        _ => CommandError::io("write", path, &error),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| CommandError::io("make", folder, &error))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}

/// The project's files of approvers, each once.
fn approvers(project: Option<&Path>) -> Result<Vec<PathBuf>, CommandError> {
    let project = super::load(project, &[])?;
    let rules = project.manifest.environments.values().filter_map(|environment| environment.approval.as_ref());
    let mut paths: Vec<_> = rules.map(|rule| project.root.join(&rule.approvers)).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return Err(CommandError::user("expected an environment with `approval` in the project file, found none")
            .hint("add `[environments.production.approval]` with `approvers = \"approvers\"`"));
    }
    Ok(paths)
}

/// Adds a line to a file, which may lack a line feed at its end.
fn append(path: &Path, line: &str) -> Result<(), CommandError> {
    let before = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(CommandError::io("read", path, &error)),
    };
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let file = OpenOptions::new().append(true).create(true).open(path);
    let written = file.and_then(|mut file| file.write_all(format!("{gap}{line}\n").as_bytes()));
    written.map_err(|error| CommandError::io("write", path, &error))
}
