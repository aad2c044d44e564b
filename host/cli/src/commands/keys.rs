//! The key to approve with: where it is looked for, and how it is opened.

use std::path::{Path, PathBuf};

use sprag_core::approval::{KeyError, SigningKey};

use crate::error::CommandError;

/// The variable with the passphrase of an encrypted key.
const PASSPHRASE: &str = "SPRAG_KEY_PASSPHRASE";

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where `sprag key new` puts the key: the user's folder for settings.
pub(super) fn own() -> Option<PathBuf> {
    let settings = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?;
    Some(settings.join("sprag").join("key"))
}

/// The key that was named, else the first of the usual ones that is there, with its file.
pub(super) fn find(named: Option<&PathBuf>) -> Result<(SigningKey, PathBuf), CommandError> {
    let path = match named.cloned().or_else(|| variable("SPRAG_KEY")) {
        Some(path) => path,
        None => {
            let ssh = variable("HOME").map(|home| home.join(".ssh").join("id_ed25519"));
            let usual: Vec<_> = own().into_iter().chain(ssh).collect();
            usual.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
                let tried = usual.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ");
                CommandError::user(format!("expected a key to sign with ({tried}), found none"))
                    .hint("make one with `sprag key new`, or name one with `--key` or `SPRAG_KEY`")
            })?
        }
    };
    let text = std::fs::read_to_string(&path).map_err(|error| CommandError::io("read", &path, &error))?;
    let key = open(&path, &text)?;
    Ok((key, path))
}

fn open(path: &Path, text: &str) -> Result<SigningKey, CommandError> {
    let passphrase = std::env::var(PASSPHRASE).ok();
    SigningKey::parse(text, passphrase.as_deref()).map_err(|error| {
        let hint = match &error {
            KeyError::Encrypted => {
                format!("set `{PASSPHRASE}`, or sign with a key that has no passphrase: `sprag key new` makes one")
            }
            KeyError::WrongPassphrase => format!("look at `{PASSPHRASE}`"),
            _ => "make a key with `sprag key new` or `ssh-keygen -t ed25519`".to_owned(),
        };
        CommandError::user(format!("`{}`: {error}", path.display())).hint(hint)
    })
}
