//! The registry as a `register` stage sees it: reads answer from a snapshot, writes are collected.
//!
//! The caller enters what was collected in one transaction after the stage succeeded, so that a stage which fails or is killed halfway
//! leaves no version without its alias, and no alias without its version.

use std::collections::BTreeMap;

use crate::bindings::sprag::stage::registry::RegistryError;

/// The registry when the stage began. The caller holds the project's lock, so nobody else moves it meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryView {
    /// The newest version of the model; 0 where there is none.
    pub newest: u64,
    /// The model's aliases.
    pub aliases: BTreeMap<String, u64>,
    /// The version that is the candidate already, where there is one: it is given in place of a new one.
    pub same: Option<u64>,
}

/// What a `register` stage wants entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisterEffects {
    /// The number of the version, where the stage asked for one: the next, or the one that is the candidate already.
    pub version: Option<u64>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Aliases to set, in order: alias, version, reason.
    pub aliases: Vec<(String, u64, String)>,
}

/// The registry during one stage.
#[derive(Debug, Default)]
pub(crate) struct RegistrySession {
    view: RegistryView,
    pub(crate) effects: RegisterEffects,
}

impl RegistrySession {
    pub(crate) fn new(view: RegistryView) -> Self {
        Self { view, effects: RegisterEffects::default() }
    }

    pub(crate) fn add_version(&mut self, tags: Vec<(String, String)>) -> Result<u64, RegistryError> {
        if let Some(version) = self.effects.version {
            return Err(RegistryError::AlreadyRegistered(version));
        }
        let version = self.view.same.unwrap_or(self.view.newest + 1);
        self.effects.version = Some(version);
        self.effects.tags = tags.into_iter().collect();
        Ok(version)
    }

    pub(crate) fn set_alias(&mut self, alias: String, version: u64, reason: String) -> Result<(), RegistryError> {
        if !sprag_core::plan::is_name(&alias) {
            return Err(RegistryError::BadAlias(alias));
        }
        if version == 0 || version > self.effects.version.unwrap_or(0).max(self.view.newest) {
            return Err(RegistryError::NoSuchVersion(version));
        }
        self.view.aliases.insert(alias.clone(), version);
        self.effects.aliases.push((alias, version, reason));
        Ok(())
    }

    pub(crate) fn alias(&self, alias: &str) -> Option<u64> {
        self.view.aliases.get(alias).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_registers_one_version() {
        let mut registry = RegistrySession::new(RegistryView { newest: 2, ..RegistryView::default() });
        assert!(matches!(registry.add_version(vec![("area".into(), "diabetes".into())]), Ok(3)));
        assert!(matches!(registry.add_version(vec![]), Err(RegistryError::AlreadyRegistered(3))));
        assert_eq!(registry.effects.tags["area"], "diabetes");
    }

    #[test]
    fn the_same_model_is_the_same_version() {
        let mut registry = RegistrySession::new(RegistryView { newest: 3, same: Some(2), ..RegistryView::default() });
        assert!(matches!(registry.add_version(vec![]), Ok(2)));
        assert!(registry.set_alias("candidate".into(), 2, "again".into()).is_ok());
        assert!(registry.set_alias("older".into(), 3, "it is there".into()).is_ok());
    }

    #[test]
    fn aliases_point_at_versions_that_exist() {
        let mut registry =
            RegistrySession::new(RegistryView { newest: 2, aliases: BTreeMap::from([("production".into(), 1)]), same: None });
        assert_eq!(registry.alias("production"), Some(1));
        for version in [0, 3] {
            assert!(matches!(
                registry.set_alias("production".into(), version, String::new()),
                Err(RegistryError::NoSuchVersion(_))
            ));
        }
        assert!(matches!(registry.set_alias("Not a name".into(), 1, String::new()), Err(RegistryError::BadAlias(_))));
        assert!(registry.set_alias("production".into(), 2, "better".into()).is_ok());
        assert_eq!((registry.alias("production"), registry.effects.aliases.len()), (Some(2), 1));
    }
}
