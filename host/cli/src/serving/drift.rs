//! Where a service's sketches come from and go to: the project's store, or the profile in a bundle.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sprag_core::drift::Sketch;
use sprag_data::Profile;
use sprag_lifecycle::{now, with_causes};
use sprag_schemas::package::{ModelCard, bundle};
use sprag_serve::ReleaseKey;
use sprag_serve::drift::{Drift, Sketches};
use sprag_store::{DriftFolder, SEEN_FORMAT, Seen};

use crate::args::WhatArgs;
use crate::commands::project_dir;
use crate::console::{Console, WARN};
use crate::error::CommandError;

/// How often what was counted is written.
const EVERY: Duration = Duration::from_secs(10);

/// The environment variable in which a supervisor says what the service is called.
const SERVICE: &str = "SPRAG_SERVICE";

/// Begins to count what a service sees. Without a store, which a bundle does not need, nothing is kept, and `/metrics` tells all that there is.
///
/// # Errors
/// There is no project, or the profile in the bundle cannot be read.
pub(crate) fn drift(what: &WhatArgs, project: Option<&Path>, console: &Console) -> Result<Drift, CommandError> {
    let (folder, bundled) = match &what.bundle {
        Some(bundle) => (None, bundled(bundle)?),
        None => (Some(DriftFolder::of(&project_dir(project)?.join(".sprag"))), BTreeMap::new()),
    };
    let named = std::env::var(SERVICE).ok();
    let is_name = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let service = named.filter(is_name).unwrap_or_else(|| "serve".to_owned());
    // Drawn from the process, so that two services of one name never write one file.
    let writer = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
    Ok(Drift::new(StoreSketches { folder, bundled, service, writer, console: *console, told: Mutex::default() }, EVERY))
}

/// The sketch in a bundle's profile, whose digest was checked when the bundle was opened; nothing where it has none.
fn bundled(folder: &Path) -> Result<BTreeMap<String, Sketch>, CommandError> {
    let read = |name: &str| {
        let path = folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some((path, text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CommandError::io("read", &path, &error)),
        }
    };
    let (Some((path, card)), Some((profile_path, profile))) = (read(bundle::CARD)?, read(bundle::PROFILE)?) else {
        return Ok(BTreeMap::new());
    };
    let wrong = |path: &Path, message: String| CommandError::user(format!("`{}`: {message}", path.display()));
    let card = ModelCard::parse(&card).map_err(|message| wrong(&path, message))?;
    let profile: Profile = serde_json::from_str(&profile).map_err(|error| wrong(&profile_path, error.to_string()))?;
    Ok(profile.sketch.map(|sketch| (card.digest, sketch)).into_iter().collect())
}

struct StoreSketches {
    folder: Option<DriftFolder>,
    /// By the model's digest.
    bundled: BTreeMap<String, Sketch>,
    service: String,
    writer: String,
    console: Console,
    /// The last trouble, so that each is told once.
    told: Mutex<String>,
}

impl Sketches for StoreSketches {
    fn training(&self, release: &ReleaseKey) -> Option<Sketch> {
        let kept = match (&self.folder, release.digest.parse()) {
            (Some(folder), Ok(digest)) => folder.training(&digest),
            _ => Ok(None),
        };
        let kept = kept.unwrap_or_else(|error| {
            self.failed(&with_causes(&error));
            None
        });
        kept.or_else(|| self.bundled.get(&release.digest).cloned())
    }

    fn keep(&self, release: &ReleaseKey, day: &str, seen: &Sketch) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let seen = Seen {
            format: SEEN_FORMAT.to_owned(),
            version: release.to_string(),
            model: release.digest.clone(),
            service: self.service.clone(),
            writer: self.writer.clone(),
            day: day.to_owned(),
            written_at: now(),
            sketch: seen.clone(),
        };
        folder.keep_seen(&seen).map_err(|error| with_causes(&error))
    }

    fn failed(&self, message: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != message {
            self.console.note(&format!("{WARN}warning:{WARN:#} drift: {message}"));
            message.clone_into(&mut told);
        }
    }
}
