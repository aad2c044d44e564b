//! The plugin that a command is about: a component file, the folder of a plugin that was built, or a built-in plugin.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sprag_core::component::Component;
use sprag_lifecycle::{PluginSource, SourcedPlugin, signatures_beside};

use crate::error::CommandError;

/// Where `sprag plugin build` puts the component, from the plugin's folder.
pub(crate) const BUILT: &str = "build/plugin.wasm";

/// A plugin, found and read.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Where it is.
    pub(crate) place: Place,
    /// Its binary.
    pub(crate) bytes: Cow<'static, [u8]>,
    /// What the binary says.
    pub(crate) component: Component,
    /// The signatures that came with it, beside the file or from the registry. Nothing is said of whether they count.
    pub(crate) signatures: Vec<String>,
}

/// Where a plugin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the program, under this name.
    BuiltIn(&'static str),
    /// In a file.
    File(PathBuf),
    /// In an OCI registry, by this reference.
    Registry(String),
}

impl Subject {
    /// Finds a plugin by what a person typed: a name without a slash is a built-in plugin where there is one of that name, else a file.
    pub(crate) fn find(text: &str) -> Result<Self, CommandError> {
        if let Some((name, bytes, digest)) = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == text) {
            let component = Component::read_as(bytes, *digest).expect("a test reads every built-in plugin");
            return Ok(Self { place: Place::BuiltIn(name), bytes: Cow::Borrowed(bytes), component, signatures: vec![] });
        }
        if let Some(reference) = text.strip_prefix("oci://") {
            return Self::pull(reference);
        }
        let path = Path::new(text);
        if path.is_dir() {
            let built = path.join(BUILT);
            if !built.is_file() {
                return Err(CommandError::user(format!(
                    "expected the component of a plugin at `{}`, found none",
                    built.display()
                ))
                .hint(format!("make it with `sprag plugin build {text}`")));
            }
            return Self::read(&built);
        }
        if !path.is_file() && !text.contains(['/', '.']) {
            let known: Vec<_> = sprag_builtin::PLUGINS.iter().map(|(name, ..)| format!("`{name}`")).collect();
            return Err(CommandError::user(format!(
                "expected a component file, the folder of a plugin or a built-in plugin ({}), found `{text}`",
                known.join(", ")
            )));
        }
        Self::read(path)
    }

    /// Reads a component file.
    pub(crate) fn read(path: &Path) -> Result<Self, CommandError> {
        let bytes = std::fs::read(path).map_err(|error| CommandError::io("read", path, &error))?;
        let component = Component::read(&bytes).map_err(|error| {
            let hints = error.hint().map(str::to_owned).into_iter().collect();
            CommandError { hints, ..CommandError::user(format!("`{}`: {error}", path.display())) }
        })?;
        let signatures = signatures_beside(path).map_err(CommandError::user)?;
        Ok(Self { place: Place::File(path.to_owned()), bytes: Cow::Owned(bytes), component, signatures })
    }

    /// Fetches a plugin, unless the user's cache has it.
    fn pull(text: &str) -> Result<Self, CommandError> {
        let reference = super::registry::reference(text)?;
        let fresh = crate::commands::surroundings::plugins().resolving(|_| true);
        let at = std::env::current_dir().map_err(|error| CommandError::io("find", Path::new("."), &error))?;
        let wrong = |(message, hint): (String, Option<String>)| CommandError {
            hints: hint.into_iter().collect(),
            ..CommandError::user(format!("`oci://{reference}`: {message}"))
        };
        let SourcedPlugin { bytes, provenance, .. } = fresh.find(&at, &reference.to_string(), None).map_err(wrong)?;
        let component = Component::read(&bytes).map_err(|error| wrong((error.to_string(), error.hint().map(str::to_owned))))?;
        let place = Place::Registry(reference.to_string());
        Ok(Self { place, bytes: Cow::Owned(bytes), component, signatures: provenance.signatures })
    }

    /// The plugin's name and version, or the file's name where it does not say.
    pub(crate) fn title(&self) -> String {
        match (&self.component.plugin, &self.place) {
            (Some(info), _) => format!("{} {}", info.name, info.version),
            (None, Place::BuiltIn(name)) => (*name).to_owned(),
            (None, Place::File(path)) => path.display().to_string(),
            (None, Place::Registry(reference)) => format!("oci://{reference}"),
        }
    }
}
