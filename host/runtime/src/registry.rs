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
}

/// What a `register` stage wants entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisterEffects {
    /// The number of the new version, where the stage made one.
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
        let version = self.view.newest + 1;
        self.effects.version = Some(version);
        self.effects.tags = tags.into_iter().collect();
        Ok(version)
    }

    pub(crate) fn set_alias(&mut self, alias: String, version: u64, reason: String) -> Result<(), RegistryError> {
        if !sprag_core::plan::is_name(&alias) {
            return Err(RegistryError::BadAlias(alias));
        }
        if version == 0 || version > self.effects.version.unwrap_or(self.view.newest) {
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
        let mut registry = RegistrySession::new(RegistryView { newest: 2, aliases: BTreeMap::new() });
        assert!(matches!(registry.add_version(vec![("area".into(), "diabetes".into())]), Ok(3)));
        assert!(matches!(registry.add_version(vec![]), Err(RegistryError::AlreadyRegistered(3))));
        assert_eq!(registry.effects.tags["area"], "diabetes");
    }

    #[test]
    fn aliases_point_at_versions_that_exist() {
        let mut registry = RegistrySession::new(RegistryView { newest: 2, aliases: BTreeMap::from([("production".into(), 1)]) });
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
