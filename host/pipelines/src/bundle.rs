//! What a run of a project needs, but the data, as named bytes.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use sprag_core::digest::{Digest, Hasher};
use sprag_core::entries::entries;
use sprag_core::lock::lockfile;
use sprag_core::plan::PluginRef;
use sprag_lifecycle::{Project, read_file, signatures_beside};
use sprag_schemas::manifest::Manifest;
use sprag_schemas::pipeline::{BUNDLE_FORMAT, Bundle, BundledFile};

use crate::PipelineError;

/// A bundle with the bytes of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// What is in it.
    pub bundle: Bundle,
    /// The bytes, by path.
    pub contents: BTreeMap<String, Vec<u8>>,
}

impl Bundled {
    /// The document, whose SHA-256 is the bundle's digest.
    pub fn document(&self) -> Vec<u8> {
        serde_json::to_vec(&self.bundle).expect("a bundle is made of maps with text keys")
    }

    /// The bundle's digest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.document())
    }
}

/// Makes the bundle of a project. Components that are built in or come from a registry are in it as files of its `vendor` folder, so that a later sprag runs the very same.
///
/// # Errors
/// A file lies outside the project's folder, or cannot be read.
pub fn bundle(project: &Project) -> Result<Bundled, PipelineError> {
    let lock = lockfile(&project.plan, &project.manifests);
    let mut files = Files { root: &project.root, contents: BTreeMap::new() };
    files.put("sprag.toml", read_file(&project.root)?.into_bytes());
    files.put("sprag.lock", lock.to_text().into_bytes());
    for (what, path) in named(&project.manifest) {
        files.read(&what, &path)?;
    }
    let mut components = BTreeMap::new();
    for stage in project.plan.all() {
        let component = &project.components[&stage.name];
        components.insert(stage.name.clone(), component.digest.to_string());
        let (path, signatures) = match &stage.plugin {
            PluginRef::Path(path) => {
                let plain = inside(path).ok_or_else(|| PipelineError::Outside {
                    what: format!("the plugin of the stage `{}`", stage.name),
                    path: path.clone(),
                })?;
                let signatures = signatures_beside(&project.root.join(&plain)).map_err(|message| PipelineError::Read {
                    path: project.root.join(&plain),
                    source: std::io::Error::other(message),
                })?;
                (plain, signatures)
            }
            PluginRef::BuiltIn(_) | PluginRef::Registry(_) => (format!("vendor/{}.wasm", component.digest.hex()), vec![]),
        };
        if !signatures.is_empty() {
            files.put(&format!("{path}.sig"), format!("{}\n", signatures.join("\n")).into_bytes());
        }
        files.put(&path, component.bytes.to_vec());
    }
    let mut policy = Hasher::new();
    policy.field(b"sprag-policies/1");
    project.policies.iter().for_each(|file| {
        policy.field(file.digest.to_string().as_bytes());
    });
    let described = |bytes: &Vec<u8>| BundledFile { digest: Digest::of(bytes).to_string(), size: bytes.len() as u64 };
    let bundle = Bundle {
        format: BUNDLE_FORMAT,
        name: project.manifest.project.name.clone(),
        files: files.contents.iter().map(|(path, bytes)| (path.clone(), described(bytes))).collect(),
        components,
        policy: policy.finish().to_string(),
    };
    Ok(Bundled { bundle, contents: files.contents })
}

/// The files that a project file names and a run reads, but for data, components and secrets. Approvers are asked in releases, which go by the project as it stands.
fn named(manifest: &Manifest) -> Vec<(String, String)> {
    let mut found = vec![];
    found.extend(manifest.project.policy.iter().map(|path| ("the project's policy".to_owned(), path.clone())));
    for (name, python) in &manifest.python {
        found.push((format!("the lock of the environment `{name}`"), python.lock.clone()));
    }
    for entry in entries(manifest) {
        for (input, path) in &entry.stage.inputs {
            found.push((format!("the input `{input}` of the stage `{}`", entry.name), path.clone()));
        }
    }
    found
}

struct Files<'a> {
    root: &'a Path,
    contents: BTreeMap<String, Vec<u8>>,
}

impl Files<'_> {
    fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.contents.insert(path.to_owned(), bytes);
    }

    fn read(&mut self, what: &str, path: &str) -> Result<(), PipelineError> {
        let plain = inside(path).ok_or_else(|| PipelineError::Outside { what: what.to_owned(), path: path.to_owned() })?;
        let full = self.root.join(&plain);
        let bytes = std::fs::read(&full).map_err(|source| PipelineError::Read { path: full, source })?;
        self.put(&plain, bytes);
        Ok(())
    }
}

/// The path without its `.` parts, where it stays below the folder that it begins in.
pub(crate) fn inside(path: &str) -> Option<String> {
    let mut parts = vec![];
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn only_what_lies_below_is_inside() {
        assert_eq!(inside("./a/./b.txt").as_deref(), Some("a/b.txt"));
        assert_eq!(inside("a").as_deref(), Some("a"));
        for outside in ["", ".", "..", "../a", "a/../../b", "/etc/passwd", "a/.."] {
            assert_eq!(inside(outside), None, "{outside}");
        }
    }
}
