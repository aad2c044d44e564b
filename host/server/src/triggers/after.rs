//! The success of another pipeline.

use std::collections::{BTreeMap, BTreeSet};

use sprag_schemas::manifest::Manifest;
use sprag_schemas::pipeline::Cause;
use sprag_schemas::triggers::TriggerKind;

use super::Look;
use crate::site::Site;

/// Looks for runs of `other` that succeeded since the last look.
pub(super) fn look(
    site: &Site,
    pipeline: &str,
    other: &str,
    state: Option<&str>,
    manifests: &BTreeMap<String, Manifest>,
) -> Result<Look, String> {
    let edges: BTreeMap<&str, Vec<&str>> =
        manifests.values().map(|manifest| (manifest.project.name.as_str(), afters(manifest))).collect();
    if leads_to(&edges, other, pipeline) {
        return Err(format!(
            "expected pipelines that follow one another without an end in sight not to, found that `{other}` follows `{pipeline}`"
        ));
    }
    let Ok((hosted, _)) = site.find(other, None) else {
        return Err(format!("expected a pipeline of this server, found `{other}`, which none is called"));
    };
    let newest = hosted.store.newest_success(other).map_err(|error| error.to_string())?;
    let Some(run) = newest else {
        return Ok(if state.is_none() { Look::Remember(String::new()) } else { Look::Nothing });
    };
    Ok(match state {
        // What succeeded before the trigger was there is not what it waits for.
        None => Look::Remember(run),
        Some(known) if known == run => Look::Nothing,
        Some(_) => Look::Start(Cause::After, format!("run {run} of `{other}` succeeded"), run),
    })
}

fn afters(manifest: &Manifest) -> Vec<&str> {
    let kinds = manifest.triggers.values().filter_map(|trigger| trigger.kind().ok());
    kinds
        .filter_map(|kind| match kind {
            TriggerKind::After(other) => Some(other),
            _ => None,
        })
        .collect()
}

/// Whether a pipeline follows another, over however many.
fn leads_to<'a>(edges: &BTreeMap<&'a str, Vec<&'a str>>, from: &'a str, to: &str) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(edges.get(at).into_iter().flatten());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_however_long() {
        let edges: BTreeMap<_, _> = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["a"]), ("d", vec!["a"])].into();
        assert!(leads_to(&edges, "b", "a"));
        assert!(!leads_to(&edges, "a", "d"), "to follow a circle is not to be in it");
    }
}
