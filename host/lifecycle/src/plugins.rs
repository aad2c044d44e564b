//! The components of a project's stages, wherever they come from.

use std::borrow::Cow;
use std::path::Path;

use sprag_core::component;
use sprag_core::digest::Digest;
use sprag_core::plan::PluginRef;
use sprag_core::policy::Provenance;
use sprag_schemas::lockfile::LockedStage;

use crate::project::{Component, Surroundings};

/// Where the plugins of registries are found. It is behind a trait so that this crate knows no registry.
pub trait PluginSource {
    /// Finds the plugin that a reference (what follows `oci://`) names, in a project's folder. A pin says which content it must be; without one the reference
    /// is resolved.
    ///
    /// # Errors
    /// What was expected and what was found, and what to do about it.
    fn find(&self, root: &Path, reference: &str, pin: Option<&Pin>) -> Result<SourcedPlugin, (String, Option<String>)>;

    /// The component of this digest in the project's own folder; none where it is not there.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    fn vendored(&self, root: &Path, component: &Digest) -> Result<Option<Vec<u8>>, (String, Option<String>)>;
}

/// What a lockfile says of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The digest of the component.
    pub component: Digest,
}

/// A plugin of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcedPlugin {
    /// The component's bytes.
    pub bytes: Vec<u8>,
    /// The digest of the manifest that names it.
    pub manifest: Digest,
    /// What is known of where it came from and who signed it.
    pub provenance: Provenance,
}

/// A component with what is known of it.
pub(crate) struct Found {
    pub(crate) component: Component,
    pub(crate) info: component::Component,
    pub(crate) manifest: Option<Digest>,
    pub(crate) provenance: Provenance,
}

/// Finds the component of a stage.
pub(crate) fn find_component(
    root: &Path,
    surroundings: Surroundings<'_>,
    plugin: &str,
    locked: Option<&LockedStage>,
) -> Result<Found, (String, Option<String>)> {
    match PluginRef::parse(plugin) {
        PluginRef::BuiltIn(name) => {
            let built_ins = surroundings.built_ins;
            let Some((_, bytes, digest)) = built_ins.iter().find(|(known, ..)| *known == name) else {
                let known: Vec<_> = built_ins.iter().map(|(known, ..)| format!("`{known}`")).collect();
                let hint = format!("a component file is named by a path: `./{name}.wasm`");
                return Err((format!("expected a built-in plugin ({}), found `{name}`", known.join(", ")), Some(hint)));
            };
            // A published pipeline carries those that it was published with, which another sprag may have otherwise.
            let pinned = locked.filter(|locked| locked.plugin == plugin).and_then(|locked| locked.digest.parse().ok());
            if let Some(pinned) = pinned.filter(|pinned| pinned != digest)
                && let Some(bytes) = surroundings.plugins.vendored(root, &pinned)?
            {
                let (component, info) = read(bytes)?;
                return Ok(Found { component, info, manifest: None, provenance: Provenance::default() });
            }
            let info = component::Component::read_as(bytes, *digest).map_err(with_hint)?;
            let component = Component { bytes: Cow::Borrowed(bytes), digest: *digest };
            Ok(Found { component, info, manifest: None, provenance: Provenance::default() })
        }
        PluginRef::Path(relative) => {
            let path = root.join(relative.strip_prefix("./").unwrap_or(&relative));
            let bytes = std::fs::read(&path).map_err(|error| (format!("failed to read `{}`: {error}", path.display()), None))?;
            let signatures = signatures_beside(&path).map_err(|error| (error, None))?;
            let provenance = Provenance { repository: None, signatures };
            let (component, info) = read(bytes)?;
            Ok(Found { component, info, manifest: None, provenance })
        }
        PluginRef::Registry(reference) => {
            // A pin counts for the reference that it was made for: another one is another wish.
            let locked = locked.filter(|locked| locked.plugin == plugin);
            let pin = locked.and_then(|locked| {
                Some(Pin { manifest: locked.manifest.as_ref()?.parse().ok()?, component: locked.digest.parse().ok()? })
            });
            let SourcedPlugin { bytes, manifest, provenance } = surroundings.plugins.find(root, &reference, pin.as_ref())?;
            let (component, info) = read(bytes)?;
            Ok(Found { component, info, manifest: Some(manifest), provenance })
        }
    }
}

fn read(bytes: Vec<u8>) -> Result<(Component, component::Component), (String, Option<String>)> {
    let info = component::Component::read(&bytes).map_err(with_hint)?;
    component::Component::validate(&bytes).map_err(with_hint)?;
    Ok((Component { bytes: Cow::Owned(bytes), digest: info.digest }, info))
}

fn with_hint(error: component::ComponentError) -> (String, Option<String>) {
    let hint = error.hint().map(str::to_owned);
    (error.to_string(), hint)
}

/// The signatures in the file that has the component's name and `.sig` at its end; none where there is no such file.
///
/// # Errors
/// The file cannot be read.
pub fn signatures_beside(component: &Path) -> Result<Vec<String>, String> {
    let mut path = component.as_os_str().to_owned();
    path.push(".sig");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(format!("failed to read `{}`: {error}", Path::new(&path).display())),
    };
    const END: &str = "-----END SSH SIGNATURE-----";
    Ok(text.split_inclusive(END).filter(|block| block.contains("BEGIN")).map(|block| block.trim().to_owned()).collect())
}
