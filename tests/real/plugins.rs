//! Plugins in a real registry, Debian's `docker-registry`, read back by `skopeo` and, for signatures, `ssh-keygen`, which know nothing of sprag.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sprag_core::component::Component;
use sprag_core::digest::Digest;
use sprag_core::policy::PluginStatement;
use sprag_schemas::exit_code;
use sprag_schemas::lockfile::Lockfile;

use crate::context::{Outcome, Project, stage};
use crate::part::{Server, free_port, output};
use crate::registry::{are_here, registry};

/// A project beside a registry.
struct Place {
    project: Project,
    server: Option<Server>,
    host: String,
}

impl Place {
    fn new() -> Self {
        let project = Project::diabetes();
        let server = registry(&project.outside().join("registry"), free_port(), false);
        let host = format!("127.0.0.1:{}", server.port);
        project.write("train-x.wasm", trainer(0));
        Self { project, server: Some(server), host }
    }

    fn repository(&self) -> String {
        format!("{}/team/train-x", self.host)
    }

    fn publish(&self, more: &[&str]) -> Outcome {
        self.project.run(&[&["plugin", "publish", "train-x.wasm", &self.repository(), "--json"], more].concat())
    }

    fn add(&self) -> Outcome {
        self.project.run(&["plugin", "add", "train", &format!("{}:0.1.0", self.repository())]).ok()
    }

    /// A run of a machine that has nothing in its cache.
    fn elsewhere(&self, args: &[&str]) -> Outcome {
        let cache = tempfile::tempdir().unwrap();
        self.project.sprag(args).env("SPRAG_CACHE_DIR", cache.path()).run()
    }

    fn locked(&self) -> sprag_schemas::lockfile::LockedStage {
        Lockfile::parse(&self.project.read("sprag.lock")).unwrap().stage("train").unwrap().clone()
    }

    fn policy(&self, text: &str) {
        let folder = self.project.outside().join("home/.config/sprag");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("policy.toml"), format!("[[plugins]]\nfrom = [\"built-in\"]\n\n{text}")).unwrap();
    }
}

/// The bytes of a trainer, of a build of its own.
fn trainer(build: u8) -> Vec<u8> {
    let mut bytes = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").unwrap().1.to_vec();
    bytes.extend([0, 3, 1, b'b', build]);
    bytes
}

fn raw(name: &str) -> Value {
    let text = output("skopeo", &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_plugin_is_published_pinned_and_run_without_the_registry() {
    if !are_here() {
        return;
    }
    let mut place = Place::new();
    let published: Value = place.publish(&[]).ok().json();
    let digest = Digest::of(&trainer(0)).to_string();
    assert_eq!((&published["name"], &published["version"]), (&"train-ridge".into(), &"0.1.0".into()));
    assert_eq!((&published["digest"], &published["kinds"][0]), (&digest.as_str().into(), &"train".into()));
    assert_eq!(published["tagged"], format!("{}:0.1.0", place.repository()));

    // Another client reads an artefact by the guidance for WebAssembly, whose one layer is the file itself.
    let manifest = raw(&format!("{}:0.1.0", place.repository()));
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&manifest["layers"][0]["mediaType"], &manifest["layers"][0]["digest"]),
        (&"application/wasm".into(), &digest.as_str().into())
    );
    let notes = &manifest["annotations"];
    assert_eq!(
        (&notes["org.opencontainers.image.title"], &notes["sprag.plugin.kinds"]),
        (&"train-ridge".into(), &"train".into())
    );
    assert_eq!(notes["sprag.wit.track"], "0.1.0");
    let copy = place.project.path("copy");
    let from = format!("docker://{}:0.1.0", place.repository());
    let _ =
        output("skopeo", &["copy", "--preserve-digests", "--src-tls-verify=false", &from, &format!("oci:{}:x", copy.display())]);
    let blob = |digest: &Value| std::fs::read(copy.join("blobs").join(digest.as_str().unwrap().replace(':', "/"))).unwrap();
    assert_eq!(blob(&manifest["layers"][0]["digest"]), trainer(0));
    let config: Value = serde_json::from_slice(&blob(&manifest["config"]["digest"])).unwrap();
    assert_eq!(
        (&config["architecture"], &config["os"], &config["layerDigests"][0]),
        (&"wasm".into(), &"wasip2".into(), &digest.as_str().into())
    );
    assert!(config["component"]["exports"].as_array().unwrap().contains(&"sprag:stage/train@0.1.0".into()), "{config}");

    // Published again it is the same artefact.
    let again: Value = place.publish(&[]).ok().json();
    assert_eq!(again["reference"], published["reference"]);

    // A stage names it by its tag, and the lockfile pins what the tag stood for.
    let added = place.add();
    assert!(added.stdout.contains(&digest), "{}", added.stdout);
    assert!(place.project.read("sprag.toml").contains(&format!("plugin = \"oci://{}:0.1.0\"", place.repository())));
    let locked = place.locked();
    assert_eq!(
        (locked.digest.as_str(), published["reference"].as_str().unwrap().split_once('@').unwrap().1),
        (digest.as_str(), locked.manifest.as_deref().unwrap())
    );

    // From here on nobody asks the registry.
    drop(place.server.take());
    let record = place.project.record(&["--locked"]);
    assert_eq!(stage(&record, "train").plugin.digest, digest);
    let down = place.elsewhere(&["run", "--locked"]).exits(exit_code::BAD_PROJECT);
    assert!(
        down.stderr.contains("Connection refused") && down.stderr.contains("hint: see that the registry runs"),
        "{}",
        down.stderr
    );
}

#[test]
fn a_tag_that_moved_changes_nothing_until_it_is_asked_for() {
    if !are_here() {
        return;
    }
    let place = Place::new();
    let _ = place.publish(&[]).ok();
    let _ = place.add();
    let before = place.locked();
    place.project.write("train-x.wasm", trainer(1));
    let taken = place.publish(&[]).exits(exit_code::BAD_PROJECT);
    assert!(taken.stderr.contains(&format!("stands for the component {} already", before.digest)), "{}", taken.stderr);
    let _ = place.publish(&["--force"]).ok();
    let _ = place.elsewhere(&["run", "--locked"]).ok();
    assert_eq!(place.locked(), before);
    let check = place.project.run(&["plugin", "update", "--check", "--json"]).exits(exit_code::REFUSED);
    let report: Value = check.json();
    let moved = Digest::of(&trainer(1)).to_string();
    assert_eq!(
        (&report["plugins"][0]["before"]["component"], &report["plugins"][0]["component"]),
        (&before.digest.as_str().into(), &moved.as_str().into())
    );
    assert_eq!((place.locked(), &report["more-rights"]), (before.clone(), &serde_json::json!([])));
    let updated = place.project.run(&["plugin", "update", "train"]).ok();
    assert!(updated.stdout.contains(&format!("{} -> {moved}", before.digest)), "{}", updated.stdout);
    assert_eq!(place.locked().digest, moved);
    let none = place.project.run(&["plugin", "update"]).ok();
    assert_eq!(none.stdout, "every tag stands for what sprag.lock has\n");
    // The manifest that was locked is still there, and so the old lockfile still runs.
    let lock = place
        .project
        .read("sprag.lock")
        .replace(&moved, &before.digest)
        .replace(place.locked().manifest.as_deref().unwrap(), before.manifest.as_deref().unwrap());
    place.project.write("sprag.lock", lock);
    let _ = place.elsewhere(&["run", "--locked"]).ok();
}

#[test]
fn who_signed_it_is_known_before_it_is_compiled() {
    if !are_here() {
        return;
    }
    let place = Place::new();
    // A build of its own: what is known of a component is known to all whose cache it is in, and the tests share one.
    let mut own = trainer(2);
    own.extend([0, 10, 1, b'n']);
    own.extend(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros().to_le_bytes()[..8].iter());
    place.project.write("train-x.wasm", &own);
    let key = place.project.outside().join("key");
    let made = place.project.run(&["key", "new", "--name", "platform", "--output", key.to_str().unwrap()]).ok();
    let public: Vec<_> = made.stdout.split_whitespace().skip(2).collect();
    let signers = format!("[signers]\nplatform = \"{}\"\n\n", public.join(" "));
    let _ = place.publish(&[]).ok();
    let _ = place.add();
    let signed_by = format!("{signers}[[plugins]]\nsigned-by = [\"platform\"]\n");
    place.policy(&signed_by);
    let unsigned = place.project.run(&["run"]).exits(exit_code::REFUSED);
    assert!(
        unsigned.stderr.contains("expected a plugin signed by `platform`") && unsigned.stderr.contains("unsigned"),
        "{}",
        unsigned.stderr
    );

    let signed: Value = place.publish(&["--sign", key.to_str().unwrap()]).ok().json();
    assert!(signed["signed-by"].as_str().unwrap().starts_with("SHA256:"));
    let _ = place.elsewhere(&["run", "--locked"]).ok();

    // The signature is a referrer of the manifest, and holds for whoever has ssh-keygen.
    let manifest = place.locked().manifest.unwrap();
    let index = raw(&format!("{}:{}", place.repository(), manifest.replace(':', "-")));
    assert_eq!(index["manifests"][0]["artifactType"], "application/vnd.sprag.plugin.signature.v1");
    let file = place.project.path("pulled.wasm");
    let reference = format!("{}@{manifest}", place.repository());
    let _ = place.elsewhere(&["plugin", "pull", &reference, "--output", "pulled.wasm"]).ok();
    assert_eq!(std::fs::read(&file).unwrap(), own);
    let statement = PluginStatement::of(&Component::read(&own).unwrap()).unwrap().text();
    place.project.write("statement", &statement);
    place.project.write("signers", format!("platform namespaces=\"sprag-plugin\" {}\n", public.join(" ")));
    assert!(verified(&place.project.root(), "statement"));
    place.project.write("other", statement.replace("0.1.0", "0.1.1"));
    assert!(!verified(&place.project.root(), "other"));

    // Revoked, it is refused wherever it is known.
    place.policy(&format!("{signed_by}\n[[plugins]]\nfrom = [\"any\"]\n\n[revoked]\nsigners = [\"platform\"]\n"));
    let revoked = place.project.run(&["run", "--locked"]).exits(exit_code::REFUSED);
    assert!(revoked.stderr.contains("the signer `platform`, who signed it, is revoked"), "{}", revoked.stderr);
}

fn verified(root: &Path, statement: &str) -> bool {
    let mut command = Command::new("ssh-keygen");
    command.current_dir(root).args([
        "-Y",
        "verify",
        "-f",
        "signers",
        "-I",
        "platform",
        "-n",
        "sprag-plugin",
        "-s",
        "pulled.wasm.sig",
    ]);
    let done = command.stdin(std::fs::File::open(root.join(statement)).unwrap()).output().unwrap();
    done.status.success()
}

#[test]
fn a_vendor_folder_needs_neither_registry_nor_cache_and_no_byte_of_it_may_change() {
    if !are_here() {
        return;
    }
    let mut place = Place::new();
    let key = place.project.outside().join("key");
    let made = place.project.run(&["key", "new", "--name", "platform", "--output", key.to_str().unwrap()]).ok();
    let public: Vec<_> = made.stdout.split_whitespace().skip(2).collect();
    let _ = place.publish(&["--sign", key.to_str().unwrap()]).ok();
    let _ = place.add();
    let vendored: Value = place.project.run(&["plugin", "vendor", "--json"]).ok().json();
    let file = place.project.path(vendored[0]["file"].as_str().unwrap());
    drop(place.server.take());
    place.policy(&format!("[signers]\nplatform = \"{}\"\n\n[[plugins]]\nsigned-by = [\"platform\"]\n", public.join(" ")));
    let _ = place.elsewhere(&["run", "--locked"]).ok();
    let sums =
        Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(place.project.path("vendor")).output().unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    for refused in [place.elsewhere(&["run", "--locked"]), place.project.run(&["run"])] {
        let refused = refused.exits(exit_code::BAD_PROJECT);
        assert!(
            refused.stderr.contains("the file was changed") && refused.stderr.contains("sprag plugin vendor"),
            "{}",
            refused.stderr
        );
    }
    std::fs::remove_file(&file).unwrap();
    let _ = place.project.run(&["plugin", "vendor"]).ok();
    let _ = place.elsewhere(&["run", "--locked"]).ok();
    // What no stage needs any more goes.
    place.project.edit(&format!("oci://{}:0.1.0", place.repository()), "train-ridge");
    let _ = place.project.run(&["lock"]).ok();
    let _ = place.project.run(&["plugin", "vendor"]).ok();
    assert!(!file.exists());
}

#[test]
fn a_lockfile_cannot_claim_where_a_component_came_from() {
    if !are_here() {
        return;
    }
    let place = Place::new();
    let _ = place.publish(&[]).ok();
    let _ = place.add();
    place.policy(&format!("[[plugins]]\nkinds = [\"train\"]\nfrom = [\"oci://{}/team\"]\n", place.host));
    let _ = place.project.run(&["run", "--locked"]).ok();
    // The manifest is the registry's own, and the component another one.
    let (genuine, other) = (place.locked().digest, Digest::of(&trainer(9)));
    place.project.write("sprag.lock", place.project.read("sprag.lock").replace(&genuine, &other.to_string()));
    place.project.write(&format!("vendor/{}.wasm", other.hex()), trainer(9));
    let refused = place.project.run(&["run", "--locked"]).exits(exit_code::REFUSED);
    assert!(refused.stderr.contains("a copy that does not show where it came from"), "{}", refused.stderr);
    std::fs::remove_dir_all(place.project.path("vendor")).unwrap();
    let refused = place.elsewhere(&["run", "--locked"]).exits(exit_code::BAD_PROJECT);
    assert!(refused.stderr.contains("as `sprag.lock` has it, found"), "{}", refused.stderr);
}

#[test]
fn what_is_no_plugin_or_not_to_be_had() {
    if !are_here() {
        return;
    }
    let place = Place::new();
    let before = place.project.read("sprag.toml");
    let reference = format!("{}:9", place.repository());
    for args in [vec!["plugin", "pull", &reference], vec!["plugin", "add", "train", &reference]] {
        let missing = place.project.run(&args);
        assert!(missing.code != Some(0) && missing.stderr.contains("it answered 404"), "{}", missing.stderr);
    }
    assert_eq!(place.project.read("sprag.toml"), before, "the project is as it was");
    place.project.write("train-x.wasm", b"\0asm\x01\0\0\0");
    let module = place.publish(&[]).exits(exit_code::BAD_PROJECT);
    assert!(module.stderr.contains("expected a WebAssembly component, found a core module"), "{}", module.stderr);
    place.project.write("train-x.wasm", b"\0asm\x0d\0\x01\0");
    let nobody = place.publish(&[]).exits(exit_code::BAD_PROJECT);
    assert!(nobody.stderr.contains("with a section `sprag:plugin`"), "{}", nobody.stderr);
    // A plugin of another kind does not fit, and a package is no plugin.
    place.project.write("train-x.wasm", trainer(0));
    let _ = place.publish(&[]).ok();
    let unfit =
        place.project.run(&["plugin", "add", "evaluate", &format!("{}:0.1.0", place.repository())]).exits(exit_code::BAD_PROJECT);
    assert!(unfit.stderr.contains("expected a component of the world `evaluator`"), "{}", unfit.stderr);
    let _ = place.project.run(&["run"]).ok();
    let package = format!("{}/package", place.host);
    let _ = place.project.run(&["package", "--push", &package]).ok();
    let index = place.project.run(&["plugin", "pull", &format!("{package}:1")]).exits(exit_code::BAD_PROJECT);
    assert!(index.stderr.contains("expected a plugin as"), "{}", index.stderr);
    // A registry that wants to know who asks.
    let server = registry(&place.project.outside().join("closed"), free_port(), true);
    let closed = format!("127.0.0.1:{}/train-x:1", server.port);
    let denied = place.project.run(&["plugin", "pull", &closed]).exits(exit_code::BAD_PROJECT);
    assert!(denied.stderr.contains("it wants credentials, and there are none"), "{}", denied.stderr);
}
