//! Finds what `sprag serve` is asked to serve, so that a mistake is told before anything starts.

use std::path::Path;
use std::sync::Arc;

use sprag_lifecycle::with_causes;
use sprag_package::open_bundle;
use sprag_runtime::Runtime;
use sprag_serve::Catalog;
use sprag_store::Store;

use super::bundle::{self, BundleCatalog};
use super::version::{VersionCatalog, Which};
use crate::args::{PackageShare, WhatArgs};
use crate::commands::{full_name, open_store, refuse_revoked};
use crate::error::CommandError;

/// One of the models that a service answers with.
pub(crate) struct ServedSource {
    /// Says which model it is.
    pub(crate) catalog: Arc<dyn Catalog>,
    /// Its share of the requests in percent; all shares add up to 100.
    pub(crate) percent: u8,
}

/// Finds all that is served.
///
/// # Errors
/// There is no such version, package or bundle, or the shares do not add up to 100.
pub(crate) fn sources(what: &WhatArgs, project: Option<&Path>, runtime: &Runtime) -> Result<Vec<ServedSource>, CommandError> {
    let whole = |catalog: Arc<dyn Catalog>| vec![ServedSource { catalog, percent: 100 }];
    if let Some(folder) = &what.bundle {
        let bundle = bundle::read(folder)?;
        refuse_revoked(project, &bundle.card.scorer)?;
        return Ok(whole(Arc::new(BundleCatalog::new(runtime, bundle)?)));
    }
    let store = Arc::new(open_store(project)?);
    match &what.model {
        Some(model) => Ok(whole(Arc::new(version(model, project, store, runtime)?))),
        None => packages(&what.packages, project, &store, runtime),
    }
}

/// The catalog of a version, or of a package by its digest.
///
/// # Errors
/// There is no such version or package.
pub(super) fn catalog(text: &str, project: Option<&Path>, runtime: &Runtime) -> Result<Arc<dyn Catalog>, CommandError> {
    let store = open_store(project)?;
    if text.starts_with("sha256:") {
        return Ok(Arc::new(package(text, project, &store, runtime)?));
    }
    Ok(Arc::new(version(text, project, Arc::new(store), runtime)?))
}

/// The catalog of a version. Its alias or number is looked up here for the error that lists those that there are.
fn version(text: &str, project: Option<&Path>, store: Arc<Store>, runtime: &Runtime) -> Result<VersionCatalog, CommandError> {
    let text = full_name(text, project)?;
    let found = store.find_version(&text)?;
    refuse_revoked(project, &found.model.scorer)?;
    let version = found.version;
    let which = match text.split_once('@') {
        Some((_, which)) if which != "latest" && which.parse::<u64>().is_err() => Which::Alias(which.to_owned()),
        _ => Which::Number(version.version),
    };
    Ok(VersionCatalog { store, runtime: runtime.clone(), model: version.name, which })
}

fn packages(
    packages: &[PackageShare],
    project: Option<&Path>,
    store: &Store,
    runtime: &Runtime,
) -> Result<Vec<ServedSource>, CommandError> {
    shares(packages)?
        .into_iter()
        .map(|(digest, percent)| Ok(ServedSource { catalog: Arc::new(package(digest, project, store, runtime)?), percent }))
        .collect()
}

fn package(digest: &str, project: Option<&Path>, store: &Store, runtime: &Runtime) -> Result<BundleCatalog, CommandError> {
    let bundle = open_bundle(store, digest).map_err(|error| {
        CommandError::user(with_causes(&error)).hint("`sprag package` makes a package of a registered version")
    })?;
    refuse_revoked(project, &bundle.card.scorer)?;
    BundleCatalog::new(runtime, bundle)
}

/// The packages with their shares: a single one has all.
fn shares(packages: &[PackageShare]) -> Result<Vec<(&str, u8)>, CommandError> {
    if let [PackageShare { digest, percent: None }] = packages {
        return Ok(vec![(digest, 100)]);
    }
    let share = |share: &PackageShare| share.percent.map(u32::from);
    let Some(sum) = packages.iter().map(share).sum::<Option<u32>>() else {
        return Err(CommandError::user("expected a share for each of several packages, found one without")
            .hint("write `--package sha256:...=90 --package sha256:...=10`"));
    };
    if sum != 100 {
        return Err(CommandError::user(format!("expected shares that add up to 100, found {sum}")));
    }
    Ok(packages.iter().map(|share| (share.digest.as_str(), share.percent.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let of = |texts: &[&str]| {
            let packages: Vec<_> = texts.iter().map(|text| text.parse().unwrap()).collect();
            shares(&packages).map(|shares| shares.iter().map(|(_, percent)| *percent).collect::<Vec<_>>()).map_err(|e| e.message)
        };
        assert_eq!(of(&["a"]), Ok(vec![100]));
        assert_eq!(of(&["a=90", "b=10"]), Ok(vec![90, 10]));
        assert_eq!(of(&["a=90"]), Err("expected shares that add up to 100, found 90".to_owned()));
        assert_eq!(of(&["a=90", "b"]), Err("expected a share for each of several packages, found one without".to_owned()));
    }
}
