//! Enters a project into its store as the next version of its pipeline.

use sprag_lifecycle::{Project, accept_lock, now, origin};
use sprag_schemas::pipeline::{Bundle, Publication};
use sprag_store::Store;

use crate::{PipelineError, bundle};

/// What became of a project that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its version.
    pub publication: Publication,
    /// Whether there is that version only now.
    pub is_new: bool,
    /// What is in its bundle.
    pub bundle: Bundle,
}

/// Publishes a project as it stands. Its lockfile must say what it is, or is written where it only has to be.
///
/// # Errors
/// The project has more rights than its lockfile accepts, a file of it cannot be in a bundle, or the store cannot be written.
pub fn publish(project: &Project, store: &Store, locked: bool) -> Result<Published, PipelineError> {
    accept_lock(project, locked)?;
    let bundled = bundle(project)?;
    for bytes in bundled.contents.values() {
        store.put_bytes(bytes)?;
    }
    let digest = store.put_bytes(&bundled.document())?;
    let from = origin(&project.root);
    let publication = Publication {
        pipeline: bundled.bundle.name.clone(),
        version: 0,
        digest: digest.to_string(),
        published_at: now(),
        by: from.by,
        git_commit: from.git_commit,
    };
    let (publication, is_new) = store.publish(&publication)?;
    Ok(Published { publication, is_new, bundle: bundled.bundle })
}
