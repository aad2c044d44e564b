//! What a model was trained on and what services saw of it, as sketches: files in a folder of their own, since services write them while a run writes the
//! database, and since they are worth no transaction.
//!
//! | Path below `drift/` | What it is |
//! | --- | --- |
//! | `ab12.../training.json` | the sketch of the rows that the model of this digest was trained on |
//! | `ab12.../2026-11-25-SERVICE-WRITER.json` | what one process of a service saw on one day |
//!
//! A file has one writer, which writes it under another name and renames it: who reads finds a whole file, a little old at worst.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sprag_core::digest::Digest;
use sprag_core::drift::{SKETCH_FORMAT, Sketch};

use crate::layout::Layout;
use crate::{Store, StoreError};

/// The value of [`Seen::format`].
pub const SEEN_FORMAT: &str = "sprag-seen/1";

/// The file of the training rows.
const TRAINING: &str = "training.json";

/// The most files of one model that are kept.
const MOST: usize = 2000;

/// What one process of a service saw of a model on one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// The format of this document: [`SEEN_FORMAT`].
    pub format: String,
    /// The version that answered, such as `diabetes@3`.
    pub version: String,
    /// The model's digest.
    pub model: String,
    /// The service, in letters, digits and hyphens.
    pub service: String,
    /// What tells this process from all others of the service, in letters and digits.
    pub writer: String,
    /// The day (UTC), such as `2026-11-25`.
    pub day: String,
    /// When it was written (RFC 3339, UTC).
    pub written_at: String,
    /// What was counted.
    pub sketch: Sketch,
}

/// The sketches of a store.
#[derive(Debug, Clone)]
pub struct DriftFolder(PathBuf);

impl Store {
    /// The sketches of this store.
    pub fn drift(&self) -> DriftFolder {
        DriftFolder(self.layout.drift())
    }
}

impl DriftFolder {
    /// The sketches of the store in a folder, without opening the store: a service needs nothing else of it.
    pub fn of(root: &Path) -> Self {
        Self(Layout { root: root.to_owned() }.drift())
    }

    /// The sketch of the rows that a model was trained on; none where none was kept.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no sketch.
    pub fn training(&self, model: &Digest) -> Result<Option<Sketch>, StoreError> {
        let path = self.model(model).join(TRAINING);
        let sketch: Option<Sketch> = read(&path)?;
        match sketch {
            Some(sketch) if sketch.format != SKETCH_FORMAT => Err(StoreError::DamagedSketch {
                path,
                detail: format!("expected the format `{SKETCH_FORMAT}`, found `{}`", sketch.format),
            }),
            other => Ok(other),
        }
    }

    /// Keeps the sketch of the rows that a model was trained on.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn keep_training(&self, model: &Digest, sketch: &Sketch) -> Result<(), StoreError> {
        write(&self.model(model), TRAINING, sketch)
    }

    /// Writes what a process saw on a day, in place of what it wrote of that day before, and removes the oldest files where there are too many.
    ///
    /// # Errors
    ///
    /// The model has no digest, a part of the name has other characters, or the file cannot be written.
    pub fn keep_seen(&self, seen: &Seen) -> Result<(), StoreError> {
        let Seen { service, writer, day, .. } = seen;
        let folder = self.model(&digest(&seen.model)?);
        let name = format!("{day}-{service}-{writer}.json");
        let is_name = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if ![service, writer, day].into_iter().all(is_name) {
            let detail = "expected letters, digits and hyphens in its name".to_owned();
            return Err(StoreError::DamagedSketch { path: folder.join(name), detail });
        }
        write(&folder, &name, seen)?;
        let mut names = names(&folder)?;
        let surplus = names.len().saturating_sub(MOST);
        for name in names.drain(..surplus) {
            // Another process may remove it at the same moment.
            let _gone = fs::remove_file(folder.join(name));
        }
        Ok(())
    }

    /// What was seen of a model from a day on (`2026-11-25`, UTC): oldest first.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or is none that a service wrote.
    pub fn seen(&self, model: &Digest, from: &str) -> Result<Vec<Seen>, StoreError> {
        let folder = self.model(model);
        let mut all = vec![];
        for name in names(&folder)?.into_iter().filter(|name| name.as_str() >= from) {
            let path = folder.join(name);
            let Some(seen) = read::<Seen>(&path)? else { continue };
            if seen.format != SEEN_FORMAT || seen.model != model.to_string() {
                let detail = format!("expected `{SEEN_FORMAT}` of `{model}`, found `{}` of `{}`", seen.format, seen.model);
                return Err(StoreError::DamagedSketch { path, detail });
            }
            all.push(seen);
        }
        Ok(all)
    }

    fn model(&self, model: &Digest) -> PathBuf {
        self.0.join(model.hex())
    }
}

fn digest(text: &str) -> Result<Digest, StoreError> {
    text.parse().map_err(|error: sprag_core::digest::ParseDigestError| StoreError::DamagedSketch {
        path: PathBuf::new(),
        detail: error.to_string(),
    })
}

/// The files of services, by day.
fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(source) => return Err(StoreError::io("list", folder, source)),
    };
    let mut names = vec![];
    for entry in entries {
        let entry = entry.map_err(|source| StoreError::io("list", folder, source))?;
        let name = entry.file_name().into_string().unwrap_or_default();
        // What is being written has another name, and what is not a day's is not ours to read or remove.
        if name.ends_with(".json") && name.starts_with(|first: char| first.is_ascii_digit()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::io("read", path, source)),
    };
    let read = serde_json::from_slice(&text);
    read.map(Some).map_err(|error| StoreError::DamagedSketch { path: path.to_owned(), detail: error.to_string() })
}

fn write<T: Serialize>(folder: &Path, name: &str, document: &T) -> Result<(), StoreError> {
    let path = folder.join(name);
    let failed = |source| StoreError::io("write", &path, source);
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::with_prefix_in(".", folder).map_err(failed)?;
    let text = serde_json::to_vec(document).expect("sketches are made of numbers, lists and maps with text keys");
    file.write_all(&text).map_err(failed)?;
    File::sync_data(file.as_file()).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sprag_core::drift::{Bins, ColumnSketch};

    use super::*;

    fn sketch(values: &[f64]) -> Sketch {
        let mut column = ColumnSketch::new(Bins::Edges(vec![0.1, 0.2 + 0.1, 1.0 / 3.0]));
        values.iter().for_each(|value| column.number(*value));
        Sketch::new(BTreeMap::from([("x".to_owned(), column)]), BTreeMap::new())
    }

    fn seen(model: &Digest, day: &str, writer: &str, values: &[f64]) -> Seen {
        Seen {
            format: SEEN_FORMAT.to_owned(),
            version: "m@1".to_owned(),
            model: model.to_string(),
            service: "m-staging".to_owned(),
            writer: writer.to_owned(),
            day: day.to_owned(),
            written_at: format!("{day}T00:00:00Z"),
            sketch: sketch(values),
        }
    }

    #[test]
    fn what_was_kept_reads_back_to_the_bit() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DriftFolder::of(dir.path());
        let model = Digest::of(b"model");
        assert_eq!((folder.training(&model).unwrap(), folder.seen(&model, "").unwrap()), (None, vec![]));
        folder.keep_training(&model, &sketch(&[0.2])).unwrap();
        assert_eq!(folder.training(&model).unwrap(), Some(sketch(&[0.2])));
        folder.keep_seen(&seen(&model, "2026-11-24", "a1", &[0.5])).unwrap();
        folder.keep_seen(&seen(&model, "2026-11-25", "a1", &[0.5])).unwrap();
        // A later writing of the same process takes the place of the earlier.
        folder.keep_seen(&seen(&model, "2026-11-25", "a1", &[0.5, 0.6])).unwrap();
        folder.keep_seen(&seen(&model, "2026-11-25", "b2", &[0.0])).unwrap();
        let rows =
            |from: &str| folder.seen(&model, from).unwrap().iter().map(|seen| seen.sketch.inputs["x"].rows()).collect::<Vec<_>>();
        assert_eq!((rows(""), rows("2026-11-25"), rows("2026-11-26")), (vec![1, 2, 1], vec![2, 1], vec![]));
        assert_eq!(folder.seen(&Digest::of(b"other"), "").unwrap(), []);
    }

    #[test]
    fn what_is_no_sketch_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DriftFolder::of(dir.path());
        let model = Digest::of(b"model");
        folder.keep_training(&model, &sketch(&[])).unwrap();
        let path = dir.path().join("drift").join(model.hex()).join(TRAINING);
        fs::write(&path, "{").unwrap();
        let told = folder.training(&model).unwrap_err().to_string();
        assert!(told.starts_with(&format!("expected a sketch in `{}`, found something else: EOF", path.display())), "{told}");
        let wrong = Seen { service: "../x".to_owned(), ..seen(&model, "2026-11-25", "a", &[]) };
        assert!(matches!(folder.keep_seen(&wrong), Err(StoreError::DamagedSketch { .. })));
        let other = Seen { model: Digest::of(b"other").to_string(), ..seen(&model, "2026-11-25", "a", &[]) };
        let text = serde_json::to_string(&other).unwrap();
        fs::write(path.with_file_name("2026-11-25-a-a.json"), text).unwrap();
        assert!(folder.seen(&model, "").unwrap_err().to_string().contains("expected `sprag-seen/1` of"));
    }
}
