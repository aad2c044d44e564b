//! A component into a registry.

use sprag_core::approval::SigningKey;
use sprag_core::component::Component;
use sprag_core::digest::Digest;
use sprag_core::policy::{PluginStatement, sign_plugin};
use sprag_package::registry::{Reference, Registry, push_artefact};

use crate::artefact;
use crate::{Cache, PluginError};

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The artefact by its digest.
    pub reference: String,
    /// The artefact by its tag.
    pub tagged: String,
    /// The digest of the component.
    pub component: Digest,
    /// The plugin's name, version and kinds.
    pub statement: PluginStatement,
    /// The fingerprint of the key that signed it; none where none did.
    pub signed_by: Option<String>,
}

/// Publishes a component under the tag of a reference, or under the plugin's version where it has none. A tag that stands for another component is not moved
/// unless `may_move`.
///
/// # Errors
/// It is no plugin, the tag is taken, or the registry does not take it.
pub async fn publish(
    cache: &Cache,
    registry: &Registry,
    reference: &Reference,
    bytes: &[u8],
    key: Option<&SigningKey>,
    may_move: bool,
) -> Result<Published, PluginError> {
    let component = Component::read(bytes)?;
    Component::validate(bytes)?;
    let (manifest, descriptor) = artefact::plugin(&cache.store, &component, bytes)?;
    let statement =
        PluginStatement::of(&component).ok_or_else(|| PluginError::NotAPlugin { found: "a component without one".to_owned() })?;
    let reference = match &reference.tag {
        Some(_) => reference.clone(),
        None => format!("{}:{}", reference.name(), statement.version.replace('+', "_")).parse()?,
    };
    let tag = reference.which();
    if !may_move
        && let Some(found) = registry.manifest(&tag).await?
        && Digest::of(&found) != manifest
    {
        let found = artefact::component_of(&reference.to_string(), &found)
            .map_or_else(|_| "something else".to_owned(), |d| d.to_string());
        let own = component.digest.to_string();
        return Err(PluginError::Taken { reference: reference.to_string(), found, own });
    }
    push_artefact(&cache.store, registry, &manifest.to_string(), &[]).await?;
    if let Some(key) = key {
        let signature = sign_plugin(key, &statement).map_err(|error| PluginError::Signature(error.to_string()))?;
        let signed = artefact::signature(&cache.store, &descriptor, &signature)?;
        push_artefact(&cache.store, registry, &signed.to_string(), &[]).await?;
        cache.add_signatures(&component.digest, &[signature])?;
    }
    // The tag comes last: whoever pulls by it finds the signature too.
    push_artefact(&cache.store, registry, &manifest.to_string(), &[&tag]).await?;
    cache.came_from(&reference.name(), &manifest)?;
    Ok(Published {
        reference: format!("{}@{manifest}", reference.name()),
        tagged: reference.to_string(),
        component: component.digest,
        statement,
        signed_by: key.map(SigningKey::fingerprint),
    })
}
