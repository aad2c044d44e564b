//! Pushing to and pulling from a registry that fails where it can.

use std::cell::RefCell;

use serde_json::Value;
use sprag_package::open_bundle;
use sprag_package::registry::{Progress, Pushed, Reference, Registry, RegistryError, Transport, push};
use sprag_schemas::package::Package;
use sprag_store::Store;

use crate::stand_in::{Access, Fault, StandIn};
use crate::support::{Registered, block_on, registered};

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
