//! Pushing to and pulling from a registry that fails where it can.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::{Value, json};
use sprag_core::digest::Digest;
use sprag_package::open_bundle;
use sprag_package::registry::{Patience, Progress, Pulled, Pushed, Reference, Registry, RegistryError, Transport, push};
use sprag_schemas::package::Package;
use sprag_store::Store;

use crate::stand_in::{Access, FLOOD, Fault, StandIn};
use crate::support::{Registered, block_on, registered};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

struct Scene {
    registry: StandIn,
    made: Registered,
    package: Package,
}

fn scene(access: Access) -> Scene {
    let (registry, made) = (StandIn::start(access), registered());
    let package = made.make("{}", made.server()).unwrap();
    Scene { registry, made, package }
}

impl Scene {
    fn reference(&self, tag: &str) -> Reference {
        format!("127.0.0.1:{}/team/mean{tag}", self.registry.port).parse().unwrap()
    }

    fn open(&self) -> Registry {
        Registry::new(&self.reference(""), Transport::Plain).unwrap()
    }

    fn push(&self, tag: &str) -> Result<Pushed, RegistryError> {
        block_on(push(&self.made.store, &self.package, &self.open(), &self.reference(tag), |_| {}))
    }

    /// Pushes one layer of 32 MiB in place of the package.
    fn push_large(&self, patience: Patience) -> Result<Pushed, RegistryError> {
        let put = |bytes: &[u8]| (self.made.store.put_bytes(bytes).unwrap(), bytes.len());
        let described =
            |(digest, size): (Digest, usize), kind: &str| json!({ "mediaType": kind, "digest": digest, "size": size });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": described(put(b"{}"), "application/vnd.oci.empty.v1+json"),
            "layers": [described(put(&vec![7; 32 << 20]), "application/octet-stream")],
        });
        let package = Package { digest: put(manifest.to_string().as_bytes()).0.to_string(), ..self.package.clone() };
        let registry = self.open().with_patience(patience);
        block_on(push(&self.made.store, &package, &registry, &self.reference(":large"), |_| {}))
    }

    /// Puts a manifest into the registry, under its digest and `tag`, and gives what an index says of it.
    fn serve(&self, tag: &str, document: &Value) -> Value {
        let bytes = document.to_string().into_bytes();
        let (digest, size) = (Digest::of(&bytes).to_string(), bytes.len());
        let mut state = self.registry.state();
        state.manifests.insert(tag.to_owned(), bytes.clone());
        state.manifests.insert(digest.clone(), bytes);
        json!({ "mediaType": document["mediaType"], "digest": digest, "size": size })
    }

    /// Pulls into a store that has nothing.
    fn pull(&self, which: &str, patience: Patience) -> Result<Pulled, RegistryError> {
        let folder = tempfile::TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("empty")).unwrap();
        block_on(self.open().with_patience(patience).pull(&store, which))
    }

    /// How many requests of this kind were answered so.
    fn count(&self, begin: &str, status: &str) -> usize {
        self.registry.state().log.iter().filter(|line| line.starts_with(begin) && line.ends_with(status)).count()
    }
}

#[test]
fn a_push_names_nothing_that_is_not_there_and_tags_last() {
    let scene = scene(Access::Open);
    let progress = RefCell::new(vec![]);
    let reference = scene.reference("");
    let told = |now: Progress| progress.borrow_mut().push((now.done, now.all));
    let pushed = block_on(push(&scene.made.store, &scene.package, &scene.open(), &reference, told)).unwrap();
    assert_eq!(pushed.reference, format!("{reference}@{}", scene.package.digest));
    assert_eq!((pushed.tagged, pushed.component), (format!("{reference}:3"), Some(format!("{reference}:3-wasm"))));
    assert_eq!((pushed.sent, pushed.present), (scene.package.files.len(), 0));
    let all = scene.package.files.len();
    assert_eq!(progress.into_inner(), (1..=all).map(|done| (done, all)).collect::<Vec<_>>());
    let state = scene.registry.state();
    let puts: Vec<_> = state.log.iter().filter_map(|line| line.strip_prefix("PUT /v2/team/mean/manifests/")).collect();
    assert_eq!(puts[puts.len() - 2..], ["3 201", "3-wasm 201"]);
    assert!(state.log.iter().all(|line| !line.ends_with(" 400")), "{:?}", state.log);
    // The registry knows nothing of referrers, so that they are entered by the tag scheme.
    let image = scene.package.image.as_deref().unwrap();
    let index: Value = serde_json::from_slice(&state.manifests[&image.replace(':', "-")]).unwrap();
    assert_eq!(index["manifests"][0]["artifactType"], "application/vnd.cyclonedx+json");
}

#[test]
fn a_registry_that_enters_referrers_is_left_to_do_it() {
    let scene = scene(Access::Open);
    scene.registry.state().knows_referrers = true;
    scene.push(":stable").unwrap();
    assert!(scene.registry.state().manifests.keys().all(|name| !name.starts_with("sha256-")));
    assert!(scene.registry.state().manifests.contains_key("stable-wasm"));
}

#[test]
fn a_push_that_broke_off_goes_on_where_it_was() {
    let scene = scene(Access::Open);
    // Two blobs arrive: each is looked for, begun and sent.
    scene.registry.set(Some(Fault::DownFrom(7)));
    let error = scene.push("").unwrap_err();
    let all = scene.package.files.len();
    assert!(matches!(error, RegistryError::Push { done: 2, .. }), "{error}");
    assert!(error.to_string().starts_with("failed to look for sha256:"), "{error}");
    assert!(error.to_string().ends_with(&format!("; 2 of {all} files had arrived")), "{error}");
    assert!(error.hint().unwrap().contains("push again: what has arrived is not sent twice"), "{error}");
    assert!(scene.registry.state().manifests.is_empty(), "nothing is named before all of it is there");
    scene.registry.set(None);
    let pushed = scene.push("").unwrap();
    assert_eq!((pushed.sent, pushed.present), (all - 2, 2));
    // And once more: only manifests are put again.
    scene.registry.set(None);
    scene.push("").unwrap();
    assert_eq!(scene.count("PUT /v2/team/mean/upload", "201"), 0);
}

#[test]
fn what_fails_in_passing_is_tried_again() {
    let scene = scene(Access::Open);
    scene.registry.set(Some(Fault::Once(3, 503, "UNAVAILABLE")));
    scene.push("").unwrap();
    scene.registry.set(Some(Fault::Once(2, 429, "TOOMANYREQUESTS")));
    scene.push("").unwrap();
}

#[test]
fn what_a_registry_refuses_is_said_in_its_words() {
    let scene = scene(Access::Open);
    scene.registry.set(Some(Fault::Once(3, 400, "DIGEST_INVALID")));
    let error = scene.push("").unwrap_err().to_string();
    assert!(error.contains("it answered 400: digest invalid; 0 of "), "{error}");
    scene.registry.set(Some(Fault::Once(1, 403, "DENIED")));
    let error = scene.push("").unwrap_err();
    assert!(error.to_string().contains("it answered 403") && error.is_usage(), "{error}");
    assert!(error.hint().unwrap().contains("may push"), "{error}");
}

#[test]
fn a_registry_that_wants_to_know_who_asks() {
    let error = scene(Access::Basic).push("").unwrap_err();
    assert!(error.to_string().contains("it wants credentials, and there are none"), "{error}");
    assert!(error.hint().unwrap().starts_with("run `docker login 127.0.0.1:"), "{error}");
    let scene = scene(Access::Token);
    scene.push("").unwrap();
    let state = scene.registry.state();
    let asked: Vec<_> = state.log.iter().filter(|line| line.contains("/token?")).collect();
    assert!(asked[0].contains("service=stand-in&scope=repository%3Ateam%2Fmean%3Apull"), "{asked:?}");
}

#[test]
fn what_is_pulled_is_what_was_pushed_and_nothing_else_is_kept() {
    let scene = scene(Access::Open);
    scene.push("").unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("other")).unwrap();
    scene.registry.set(Some(Fault::OtherBytes));
    let digest = scene.package.digest.clone();
    let error = block_on(scene.open().pull(&store, &digest)).unwrap_err();
    assert!(matches!(error, RegistryError::OtherContent { .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("expected content with the digest `{digest}`")), "{error}");
    assert!(!store.contains(&digest.parse().unwrap()));
    scene.registry.set(None);
    let pulled = block_on(scene.open().pull(&store, "3")).unwrap();
    assert_eq!(pulled.digest.to_string(), digest);
    assert_eq!(open_bundle(&store, &digest).unwrap().state, b"2.5");
    assert_eq!(block_on(scene.open().pull(&store, &digest)).unwrap().received, 0, "all of it is there");
    let error = block_on(scene.open().pull(&store, "4")).unwrap_err().to_string();
    assert!(error.contains("failed to pull the manifest 4") && error.contains("it answered 404: not found"), "{error}");
}

#[test]
fn a_registry_that_is_not_there() {
    let reference: Reference = "127.0.0.1:1/team/mean".parse().unwrap();
    let made = registered();
    let package = made.make("{}", made.server()).unwrap();
    let registry = Registry::new(&reference, Transport::Plain).unwrap();
    let error = block_on(push(&made.store, &package, &registry, &reference, |_| {})).unwrap_err();
    assert!(error.to_string().contains("at the registry `127.0.0.1:1`: Connection refused"), "{error}");
    assert!(error.hint().unwrap().starts_with("see that the registry runs"), "{error}");
}

#[test]
fn a_push_takes_as_long_as_the_registry_goes_on_taking_it() {
    let scene = scene(Access::Open);
    let silence = Duration::from_secs(2);
    // All of it takes longer than no piece of it may.
    scene.registry.set(Some(Fault::Slow(silence + silence / 4)));
    let pushed = scene.push_large(Patience { silence, commit: 10 * silence }).unwrap();
    assert_eq!(pushed.sent, 3);
    assert_eq!(scene.count("PUT /v2/team/mean/upload", "201"), 2, "at the first attempt");
}

#[test]
fn a_push_ends_where_nothing_goes_on() {
    let scene = scene(Access::Open);
    let (short, long) = (Duration::from_secs(1), Duration::from_secs(600));
    for (fault, patience, expected) in [
        (Fault::Stuck, Patience { silence: short, commit: long }, "it took no more of the content for 1s"),
        (Fault::Mute, Patience { silence: long, commit: short }, "it gave no answer to all of the content for 1s"),
    ] {
        scene.registry.set(Some(fault));
        let error = scene.push_large(patience).unwrap_err();
        assert!(
            matches!(&error, RegistryError::Push { source, .. } if matches!(**source, RegistryError::Silent { .. })),
            "{error}"
        );
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_pull_ends_where_nothing_more_comes() {
    let scene = scene(Access::Open);
    scene.push("").unwrap();
    scene.registry.set(Some(Fault::Half));
    let error = scene.pull("3", Patience { silence: Duration::from_secs(1), ..Patience::default() }).unwrap_err();
    assert!(error.to_string().ends_with("it sent no more of its answer for 1s"), "{error}");
}

#[test]
fn no_answer_is_read_without_an_end() {
    let pulled = |access, begin: &'static str, status| {
        let scene = scene(access);
        scene.registry.set(Some(Fault::Flood(begin, status)));
        let error = scene.pull("3", Patience::default()).unwrap_err().to_string();
        let flooded = scene.registry.state().flooded;
        // What the system holds on either side comes on top of what was read.
        assert!(flooded < FLOOD / 4, "{flooded}: {error}");
        error
    };
    let manifest = pulled(Access::Open, "/v2/team/mean/manifests/", 200);
    assert!(manifest.starts_with("expected at most 4194304 bytes (to pull the manifest 3) from the registry"), "{manifest}");
    let token = pulled(Access::Token, "/token?", 200);
    assert!(token.starts_with("expected at most 65536 bytes (to get a token) from the registry"), "{token}");
    let error = pulled(Access::Open, "/v2/team/mean/manifests/", 404);
    assert!(error.ends_with("it answered 404"), "{error}");
}

#[test]
fn a_pull_goes_through_so_many_manifests_and_no_more() {
    let scene = scene(Access::Open);
    let index = |manifests: &[Value]| json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let first = scene.serve("first", &json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [] }));
    let chain = |length: usize| (1..length).fold(first.clone(), |below, _| scene.serve("chain", &index(&[below])));
    chain(128);
    scene.pull("chain", Patience::default()).unwrap();
    chain(129);
    let error = scene.pull("chain", Patience::default()).unwrap_err().to_string();
    assert!(error.starts_with("expected at most 128 manifests and 33554432 bytes of them in `chain` from"), "{error}");
    // The same one is one, however often it is named.
    scene.serve("often", &index(&vec![first.clone(); 1000]));
    scene.registry.set(None);
    scene.pull("often", Patience::default()).unwrap();
    assert_eq!(scene.count("GET /v2/team/mean/manifests/", "200"), 2);
}
