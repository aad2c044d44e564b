//! A registered version in a store of its own, and the packager's call.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde_json::json;
use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_core::model::model_digest;
use sprag_package::{MakeError, Making, Server, ServerError, make};
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_runtime::{Cancel, Runtime, StageCall};
use sprag_schemas::manifest::Clock;
use sprag_schemas::package::Package;
use sprag_schemas::record::ModelVersion;
use sprag_store::{BlobWriter, Store};
use tempfile::TempDir;

/// A store with one version of a model that predicts 2.5.
pub(crate) struct Registered {
    pub(crate) folder: TempDir,
    pub(crate) store: Arc<Store>,
    pub(crate) version: ModelVersion,
    pub(crate) profile: Option<Digest>,
}

/// The profile of its data.
pub(crate) const PROFILE: &[u8] = b"{\"rows\":3}";

pub(crate) fn registered() -> Registered {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(Store::open(&folder.path().join("store")).unwrap());
    let scorer = store.put_bytes(&std::fs::read(sprag_test_programs::MEAN_TRAINER).unwrap()).unwrap();
    let state = store.put_bytes(b"2.5").unwrap();
    let profile = Some(store.put_bytes(PROFILE).unwrap());
    let version = json!({
        "name": "mean", "version": 3, "created-at": "2026-11-25T04:45:25.123Z", "tags": {}, "metrics": {},
        "model": {
            "digest": model_digest(&scorer, &state), "scorer": scorer, "state": state, "state-bytes": 3, "media-type": "text/plain",
            "inputs": [], "outputs": [{ "name": "prediction", "dtype": "float" }],
        },
        "lineage": {
            "run-id": "20261125-044500-abcd", "trained-in": "20261125-044500-abcd", "components": {}, "params": {},
            "tier": "hermetic", "decision": null,
            "origin": {
                "by": "ada", "sprag-version": "0.1.0", "git-commit": "c0ffee", "git-dirty": false, "build-id": null, "build-uri": null,
            },
            "data": {
                "path": "data.csv", "file-digest": "sha256:aa", "table-digest": "sha256:bb", "format": "csv", "target": "y",
                "training-digest": "sha256:cc", "holdout-digest": "sha256:dd", "rows": 3,
            },
        },
    });
    Registered { folder, store, version: serde_json::from_value(version).unwrap(), profile }
}

impl Registered {
    /// Packages the version with the standard packager.
    pub(crate) fn make(&self, params: &str, server: Result<Server, ServerError>) -> Result<Package, MakeError> {
        self.make_into(params, server, Arc::new(StoreBlobs(self.store.clone())))
    }

    /// The same, where what the packager makes goes elsewhere.
    pub(crate) fn make_into(
        &self,
        params: &str,
        server: Result<Server, ServerError>,
        blobs: Arc<dyn Blobs>,
    ) -> Result<Package, MakeError> {
        let runtime = runtime();
        let (_, binary, digest) = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "package-oci").unwrap();
        let call = StageCall {
            component: runtime.load(*digest, binary).unwrap(),
            params_json: params.to_owned(),
            seed: 7,
            inputs: BTreeMap::new(),
            env: vec![],
            clock: Clock::Frozen,
            limits: Limits::default(),
            blobs,
            observer: Arc::new(|_| {}),
            cancel: Cancel::default(),
            outbound: None,
            folders: None,
            services: None,
            processes: None,
        };
        let (store, version, profile) = (&*self.store, &self.version, self.profile);
        let making = Making { store, runtime, version, profile, server, call };
        block_on(make(making)).map(|(package, _)| package)
    }

    /// A program for the image, opened.
    pub(crate) fn server(&self) -> Result<Server, ServerError> {
        let path = self.folder.path().join("server");
        std::fs::write(&path, program()).unwrap();
        Server::open(&path)
    }
}

/// A static executable for x86-64 of 200 bytes that are loaded, and 100 that are not.
fn program() -> Vec<u8> {
    let mut bytes = vec![7; 300];
    bytes[..176].fill(0);
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    // The machine, where the program headers begin, their size and count.
    (bytes[18], bytes[32], bytes[54], bytes[56]) = (0x3e, 64, 56, 2);
    // One segment is loaded, of 200 bytes.
    (bytes[64], bytes[96]) = (1, 200);
    bytes
}

/// The engine of all tests: compiling the packager takes longest.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(None).unwrap())
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The files below a folder, with their bytes.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

struct StoreBlobs(Arc<Store>);

impl Blobs for StoreBlobs {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Ok(Box::new(Sink(self.0.writer().map_err(io::Error::other)?)))
    }

    fn open(&self, digest: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(Stored(self.0.open_blob(digest).map_err(io::Error::other)?)))
    }
}

struct Sink(BlobWriter);

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes).map_err(io::Error::other)
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        self.0.finish().map_err(io::Error::other)
    }
}

struct Stored(std::fs::File);

impl ReadAt for Stored {
    fn len(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

/// A disk on which a file finds room for so many bytes.
pub(crate) struct Full(pub(crate) u64);

impl Blobs for Full {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Ok(Box::new(Filling { room: self.0 }))
    }

    fn open(&self, _digest: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

struct Filling {
    room: u64,
}

impl BlobSink for Filling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.room = self.room.checked_sub(bytes.len() as u64).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        Err(io::ErrorKind::StorageFull.into())
    }
}
