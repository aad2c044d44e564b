//! A registered version, or the one that an alias points at, as a service asks for it.

use std::sync::Arc;

use sprag_lifecycle::{open_version, with_causes};
use sprag_runtime::Runtime;
use sprag_serve::{Catalog, CatalogError, Release, ReleaseKey};
use sprag_store::{Store, StoreError};

/// Which version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// The one of this number, for good.
    Number(u64),
    /// The one that this alias points at, whenever it is asked for.
    Alias(String),
}

/// The version of a model in a project's store.
pub(super) struct VersionCatalog {
    pub(super) store: Arc<Store>,
    pub(super) runtime: Runtime,
    pub(super) model: String,
    pub(super) which: Which,
}

impl Catalog for VersionCatalog {
    fn poll(&self, known: Option<&ReleaseKey>) -> Result<Option<Release>, CatalogError> {
        let failed = |error: StoreError| CatalogError(with_causes(&error));
        let number = match &self.which {
            Which::Number(number) => *number,
            Which::Alias(alias) => {
                let pointed = self.store.alias(&self.model, alias).map_err(failed)?;
                pointed.ok_or_else(|| CatalogError(format!("the model `{}` has no alias `{alias}`", self.model)))?
            }
        };
        let text = number.to_string();
        if known.is_some_and(|known| known.name == self.model && known.version == text) {
            return Ok(None);
        }
        let version = self.store.version(&self.model, number).map_err(failed)?;
        let version = version.ok_or_else(|| CatalogError(format!("the model `{}` has no version {number}", self.model)))?;
        let source = open_version(&self.runtime, &self.store, &version).map_err(|error| CatalogError(with_causes(&error)))?;
        let key = ReleaseKey { name: self.model.clone(), version: text, digest: version.model.digest.clone() };
        Ok(Some(Release { key, source, expected: Some(super::signature(&version.model)?) }))
    }

    fn can_change(&self) -> bool {
        matches!(self.which, Which::Alias(_))
    }
}
