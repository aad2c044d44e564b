//! What a server stands on, and does not know itself: how projects are opened, and where secrets come from.

use std::path::Path;
use std::sync::Arc;

use sprag_core::approval::SigningKey;
use sprag_core::digest::Digest;
use sprag_lifecycle::{Project, RunOptions};
use sprag_pipelines::PipelineError;
use sprag_schemas::manifest::Manifest;
use sprag_store::Store;

/// What a server is given by the program that it is part of.
pub trait Ground: Send + Sync {
    /// Opens a published pipeline with parameters in place of its own.
    ///
    /// # Errors
    /// It cannot be opened, or the parameters are none of it.
    fn open(&self, home: &Path, store: &Store, digest: &Digest, overrides: &[String]) -> Result<Project, PipelineError>;

    /// Reads a project as it stands, for its releases.
    ///
    /// # Errors
    /// It cannot be read, or a policy refuses it.
    fn project(&self, home: &Path) -> Result<Project, PipelineError>;

    /// The key that the server signs with for a user, where it was given one.
    fn key_of(&self, user: &str) -> Option<Arc<SigningKey>>;

    /// Takes a release onwards that people have said their word on, beside what the server does.
    fn resume(&self, home: &Path, release: &str);

    /// The value of a secret of a project.
    ///
    /// # Errors
    /// There is none: says what was looked for, and never a value.
    fn secret(&self, home: &Path, manifest: &Manifest, name: &str) -> Result<String, String>;

    /// What objects there are at an address, as one digest: a list of an object store, or one object. A secret is the end of its query.
    ///
    /// # Errors
    /// It cannot be told: says why, and never more of the address than its host.
    fn listed(&self, address: &str, secret: Option<&str>) -> Result<String, String>;

    /// Whether the traffic of an environment has drifted from what its model was trained on: what to remember that by, and a sentence that says so.
    ///
    /// # Errors
    /// It cannot be told: says why.
    fn drifted(
        &self,
        home: &Path,
        store: &Arc<Store>,
        manifest: &Manifest,
        environment: &str,
    ) -> Result<Option<(String, String)>, String>;

    /// Tells the server's own log what is wrong.
    fn tell(&self, fault: &str);

    /// How runs run on this machine.
    fn options(&self) -> RunOptions;
}
