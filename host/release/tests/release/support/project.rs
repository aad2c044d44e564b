//! A project with a staging and a production environment, and a store with two versions of its model.

use std::collections::BTreeMap;
use std::time::Duration;

use sprag_core::approval::Standing;
use sprag_core::component::{Component, PluginInfo};
use sprag_core::contract;
use sprag_core::digest::Digest;
use sprag_core::entries::entries;
use sprag_core::plan::Plan;
use sprag_lifecycle::Project;
use sprag_release::{Driver, Pending, ReleaseError, ReleaseRequest, cancel, start_release};
use sprag_schemas::approval::Verdict;
use sprag_schemas::manifest::{DataFormat, Kind, Manifest};
use sprag_schemas::record::{DataRecord, Lineage, ModelRecord, ModelVersion, Origin, Tier};
use sprag_schemas::release::ReleaseRecord;
use sprag_store::{AddVersion, NewVersion, Store, StoredRelease};

use super::{World, key, word};

/// Production takes one approval.
pub(crate) const APPROVED: &str = "
[environments.staging]
deploy = { plugin = \"./deploy.wasm\", params = { port = 8081 } }
smoke-test = { plugin = \"./smoke.wasm\" }

[environments.production]
alias = \"production\"
notify = { hook = { plugin = \"./notify.wasm\" } }
deploy = { plugin = \"./deploy.wasm\", params = { port = 8080 } }
smoke-test = { plugin = \"./smoke.wasm\" }

[environments.production.approval]
required = 1
approvers = \"approvers\"
expires = \"24h\"
";

/// Nobody is asked.
pub(crate) const OPEN: &str = "
[environments.staging]
deploy = { plugin = \"./deploy.wasm\" }
smoke-test = { plugin = \"./smoke.wasm\" }

[environments.production]
alias = \"production\"
deploy = { plugin = \"./deploy.wasm\" }
smoke-test = { plugin = \"./smoke.wasm\" }
";

/// A project in a folder that lasts as long as this.
pub(crate) struct Site {
    pub(crate) project: Project,
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

impl Site {
    /// A project with these environments, and versions 1 and 2 of its model.
    pub(crate) fn new(environments: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(".sprag")).unwrap();
        for number in 1..=2 {
            let added = store.add_version(new_version(number)).unwrap();
            assert_eq!(added, AddVersion::Added(number));
        }
        let approvers = [(1, "ada@example.com"), (2, "grace@example.com")];
        let lines: String = approvers.iter().map(|(seed, name)| key(*seed).signers_line(name) + "\n").collect();
        std::fs::write(folder.path().join("approvers"), lines).unwrap();
        let mut site = Self { project: plan(environments), store, _folder: folder };
        site.project.root = site._folder.path().to_owned();
        site
    }

    /// The project file changes.
    pub(crate) fn change(&mut self, environments: &str) {
        let root = self.project.root.clone();
        self.project = Project { root, ..plan(environments) };
    }

    pub(crate) fn version(&self, number: u64) -> ModelVersion {
        self.store.version("diabetes", number).unwrap().unwrap()
    }

    /// Begins or finds the release of a version.
    pub(crate) fn start(&self, number: u64, request: &ReleaseRequest<'_>) -> Result<StoredRelease, ReleaseError> {
        start_release(&self.project, &self.store, &self.version(number), request)
    }

    /// Begins or finds the release of a version to production, and drives it until it ends or waits.
    pub(crate) async fn release(&self, world: &World, number: u64) -> ReleaseRecord {
        let release = self.start(number, &ReleaseRequest::default()).unwrap();
        self.resume(world, &release.record.id).await.unwrap()
    }

    /// Takes a release over.
    pub(crate) async fn driver<'a>(&'a self, world: &'a World, id: &str) -> Result<Driver<'a, World>, ReleaseError> {
        undisturbed(|| Driver::new(&self.project, &self.store, world, id)).await
    }

    /// Ends a release for good.
    pub(crate) async fn cancel(&self, id: &str) -> Result<ReleaseRecord, ReleaseError> {
        undisturbed(|| cancel(&self.store, id, ("ada", "not needed any more", "2026-11-26T10:00:00.000Z"))).await
    }

    /// Goes on with a release.
    pub(crate) async fn resume(&self, world: &World, id: &str) -> Result<ReleaseRecord, ReleaseError> {
        self.driver(world, id).await?.drive().await
    }

    /// Goes on with a release at another time than now.
    pub(crate) async fn resume_at(&self, world: &World, id: &str, clock: fn() -> String) -> Result<ReleaseRecord, ReleaseError> {
        self.driver(world, id).await?.timed_by(clock).drive().await
    }

    /// A word on what the release waits for is taken, whether or not it helps.
    pub(crate) fn say(&self, record: &ReleaseRecord, seed: u8, verdict: Verdict) -> Standing {
        let mut pending = self.pending(record);
        let word = word(&pending, seed, verdict);
        pending.give(&self.store, word, &sprag_lifecycle::now()).unwrap()
    }

    /// What the release waits for.
    pub(crate) fn pending(&self, record: &ReleaseRecord) -> Pending {
        let record = self.store.find_release(&record.id).unwrap().record;
        Pending::of(&self.project, &self.store, record, &sprag_lifecycle::now()).unwrap()
    }
}

/// Asks again for a moment where a release is driven already. The other tests of this process start `git`, which has copies of all open locks while it begins.
async fn undisturbed<T>(ask: impl Fn() -> Result<T, ReleaseError>) -> Result<T, ReleaseError> {
    for _ in 0..50 {
        match ask() {
            Err(ReleaseError::Driven { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            asked => return asked,
        }
    }
    ask()
}

fn plan(environments: &str) -> Project {
    let text = format!(
        "[project]\nname = \"diabetes\"\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n[stages.package]\nplugin = \"./package.wasm\"\n{environments}"
    );
    let manifest = Manifest::parse(&text).unwrap();
    let components: BTreeMap<_, _> =
        entries(&manifest).into_iter().map(|entry| (entry.name, component(entry.kind.unwrap()))).collect();
    let plan = Plan::build(&manifest, &components).unwrap();
    Project {
        root: ".".into(),
        home: ".".into(),
        manifest,
        plan,
        components: BTreeMap::new(),
        manifests: BTreeMap::new(),
        locks: BTreeMap::new(),
        policies: vec![],
        decisions: vec![],
    }
}

fn component(kind: Kind) -> Component {
    let info = PluginInfo {
        name: format!("a-{kind}"),
        version: "1.0.0".into(),
        summary: String::new(),
        params_schema: serde_json::json!({ "type": "object" }),
        kind: None,
    };
    Component {
        digest: Digest::of(kind.name().as_bytes()),
        bytes: 0,
        imports: vec![],
        exports: contract::exports(kind).iter().map(|name| format!("{name}@0.1.0")).collect(),
        plugin: Some(info),
    }
}

/// A version with a mean squared error of its own.
pub(crate) fn new_version(number: u64) -> NewVersion {
    let digest = |what: &str| Digest::of(format!("{what} {number}").as_bytes()).to_string();
    let data = DataRecord {
        path: "d.csv".into(),
        file_digest: Digest::of(b"file").to_string(),
        table_digest: Digest::of(b"table").to_string(),
        format: DataFormat::Csv,
        target: "y".into(),
        training_digest: Digest::of(b"training").to_string(),
        holdout_digest: Digest::of(b"holdout").to_string(),
        rows: Some(442),
    };
    let params = serde_json::Map::from_iter([("alpha".to_owned(), serde_json::json!(number))]);
    NewVersion {
        name: "diabetes".into(),
        model: ModelRecord {
            digest: digest("model"),
            scorer: digest("scorer"),
            state: digest("state"),
            state_bytes: 1,
            media_type: "application/onnx".into(),
            inputs: vec![],
            outputs: vec![],
        },
        created_at: "2026-11-24T10:00:00.000Z".into(),
        lineage: Lineage {
            run_id: format!("run-{number}"),
            trained_in: format!("run-{number}"),
            origin: Origin { by: "eve".into(), ..Origin::default() },
            data,
            components: BTreeMap::new(),
            params: BTreeMap::from([("train".to_owned(), params)]),
            tier: Tier::Hermetic,
            decision: None,
            processes: vec![],
        },
        tags: BTreeMap::new(),
        metrics: BTreeMap::from([("candidate.mse".to_owned(), 3300.0 - number as f64)]),
    }
}
