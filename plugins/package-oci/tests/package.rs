//! A package of made-up parts, made natively and read back.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use package_oci::files::{Files, Name, Part, Parts, digest};
use package_oci::{Params, media, pack};
use serde_json::Value;
use sprag_sdk::stage::package::Subject;

/// The bytes of each part.
type Bytes = BTreeMap<Name, Vec<u8>>;

#[derive(Clone)]
struct Memory(Bytes);

impl Parts for Memory {
    fn open(&self, name: Name) -> io::Result<Option<Part<'_>>> {
        Ok(self.0.get(&name).map(|bytes| Part { bytes: Box::new(&bytes[..]), length: bytes.len() as u64 }))
    }
}

#[derive(Default)]
struct Made(RefCell<BTreeMap<String, (String, Vec<u8>)>>);

struct File<'a>(&'a Made, String);

impl Files for Made {
    fn create(&self, name: &str, media_type: &str) -> io::Result<Box<dyn Write + '_>> {
        let before = self.0.borrow_mut().insert(name.to_owned(), (media_type.to_owned(), vec![]));
        assert!(before.is_none(), "`{name}` is written twice");
        Ok(Box::new(File(self, name.to_owned())))
    }
}

impl Write for File<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.borrow_mut().get_mut(&self.1).unwrap().1.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Made {
    fn bytes(&self, name: &str) -> Vec<u8> {
        self.0.borrow()[name].1.clone()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.bytes(name)).unwrap()
    }

    /// Every file by its digest, with its media type and size.
    fn by_digest(&self) -> BTreeMap<String, (String, usize)> {
        let files = self.0.borrow();
        files.values().map(|(media_type, bytes)| (sha256(bytes), (media_type.clone(), bytes.len()))).collect()
    }
}

fn sha256(bytes: &[u8]) -> String {
    digest(Part { bytes: Box::new(bytes), length: bytes.len() as u64 }).unwrap()
}

/// A component that imports `wasi:cli/stdout` and exports a handler.
fn component() -> Vec<u8> {
    use wasm_encoder::{
        Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentTypeRef, ComponentTypeSection,
        InstanceType,
    };
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut imports = ComponentImportSection::new();
    imports.import("wasi:cli/stdout@0.2.12", ComponentTypeRef::Instance(0));
    let mut exports = ComponentExportSection::new();
    exports.export("wasi:http/incoming-handler@0.2.12", ComponentExportKind::Instance, 0, None);
    let mut component = Component::new();
    component.section(&types).section(&imports).section(&exports);
    component.finish()
}

fn server(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 5000];
    bytes[..4].copy_from_slice(b"\x7fELF");
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes
}

fn parts() -> Memory {
    let bill = br#"{"metadata":{"component":{"type":"application","bom-ref":"sprag","name":"sprag","version":"0.1.0"}},
        "components":[{"type":"library","bom-ref":"serde@1","name":"serde","version":"1"}],"dependencies":[{"ref":"sprag","dependsOn":["serde@1"]}]}"#;
    Memory(BTreeMap::from([
        (Name::Scorer, b"a scorer".to_vec()),
        (Name::State, vec![9; 1500]),
        (Name::Card, b"{}\n".to_vec()),
        (Name::Profile, b"{\"profile\":1}".to_vec()),
        (Name::Server, server(0x3e)),
        (Name::ServerBill, bill.to_vec()),
        (Name::Component, component()),
        (Name::Compiled, b"machine code".to_vec()),
    ]))
}

fn subject() -> Subject {
    Subject {
        name: "diabetes".to_owned(),
        version: 3,
        digest: "sha256:0123".to_owned(),
        created_at: "2026-11-25T04:45:25.123Z".to_owned(),
        labels: vec![("sprag.run".to_owned(), "20261125-044525-abcd".to_owned())],
    }
}

fn made(params: &Params, parts: &Memory) -> Made {
    let made = Made::default();
    pack(&subject(), params, parts, &made).unwrap();
    made
}

/// Follows every digest that a document names.
fn follow(made: &Made, document: &Value, seen: &mut Vec<String>) {
    let files = made.by_digest();
    let lists = ["manifests", "layers"].into_iter().filter_map(|key| document[key].as_array()).flatten();
    for descriptor in
        lists.chain(["config", "subject"].map(|key| &document[key]).into_iter().filter(|value| value["digest"].is_string()))
    {
        let digest = descriptor["digest"].as_str().unwrap();
        let (media_type, size) = files.get(digest).unwrap_or_else(|| panic!("{digest} is named and not there: {document}"));
        assert_eq!(
            (descriptor["mediaType"].as_str(), descriptor["size"].as_u64()),
            (Some(media_type.as_str()), Some(*size as u64))
        );
        seen.push(digest.to_owned());
        if media_type == media::MANIFEST {
            let files = made.0.borrow();
            let (_, bytes) = files.values().find(|(_, bytes)| sha256(bytes) == digest).unwrap();
            follow(made, &serde_json::from_slice(bytes).unwrap(), seen);
        }
    }
}

#[test]
fn the_same_version_is_the_same_bytes_and_everything_that_is_named_is_there() {
    let (first, second) = (made(&Params::default(), &parts()), made(&Params::default(), &parts()));
    assert_eq!(first.0.borrow().clone(), second.0.borrow().clone());
    let mut seen = vec![];
    follow(&first, &first.json("index.json"), &mut seen);
    for (digest, (media_type, _)) in first.by_digest() {
        assert!(
            media_type == media::INDEX || seen.contains(&digest),
            "{media_type} {digest} is in the package and nobody names it"
        );
    }
}

#[test]
fn the_layers_hold_the_files_with_fixed_owners_and_times() {
    let made = made(&Params::default(), &parts());
    let entries = |layer: &str| {
        let bytes = made.bytes(layer);
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = vec![];
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let path = entry.path().unwrap().display().to_string();
            (path, header.mode().unwrap(), header.mtime().unwrap(), content.len())
        });
        entries.collect::<Vec<_>>()
    };
    assert_eq!(entries("server.tar"), [("sprag".to_owned(), 0o755, 0, 5000)]);
    let time = 1_795_581_925;
    assert_eq!(
        entries("model.tar"),
        [
            ("model/".to_owned(), 0o755, time, 0),
            ("model/model.json".to_owned(), 0o644, time, 3),
            ("model/profile.json".to_owned(), 0o644, time, 13),
            ("model/scorer.wasm".to_owned(), 0o644, time, 8),
            ("model/state".to_owned(), 0o644, time, 1500),
        ]
    );
    let code = format!("code/{}.cwasm", sha256(b"a scorer").trim_start_matches("sha256:"));
    assert_eq!(entries("code.tar"), [("code/".to_owned(), 0o755, 0, 0), (code, 0o644, 0, 12)]);
}

#[test]
fn a_server_without_machine_code_compiles_by_itself() {
    let mut parts = parts();
    parts.0.remove(&Name::Compiled);
    let made = made(&Params::default(), &parts);
    let config = made.json("image-config.json");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    assert!(!config["config"]["Entrypoint"].as_array().unwrap().contains(&"--compiled".into()), "{config}");
}

#[test]
fn the_image_says_who_runs_what() {
    let params = Params { port: 9000, labels: BTreeMap::from([("team".to_owned(), "growth".to_owned())]), ..Params::default() };
    let made = made(&params, &parts());
    let config = made.json("image-config.json");
    assert_eq!(config["architecture"], "amd64");
    assert_eq!(config["created"], "2026-11-25T04:45:25.123Z");
    let run = &config["config"];
    assert_eq!(run["User"], "65532:65532");
    assert_eq!(
        run["Entrypoint"],
        serde_json::json!(["/sprag", "serve", "--bundle", "/model", "--listen", "0.0.0.0:9000", "--compiled", "/code"])
    );
    assert_eq!(run["ExposedPorts"], serde_json::json!({"9000/tcp": {}}));
    let labels = &run["Labels"];
    assert_eq!(
        (&labels["team"], &labels["sprag.run"], &labels["sprag.model.digest"], &labels["org.opencontainers.image.version"]),
        (&"growth".into(), &"20261125-044525-abcd".into(), &"sha256:0123".into(), &"3".into())
    );
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!(diff_ids[0], sha256(&made.bytes("server.tar")));
}

#[test]
fn the_component_says_what_it_imports_and_exports() {
    let made = made(&Params::default(), &parts());
    let config = made.json("component-config.json");
    assert_eq!(config["layerDigests"][0], sha256(&component()));
    assert_eq!(config["component"]["imports"], serde_json::json!(["wasi:cli/stdout@0.2.12"]));
    assert_eq!(config["component"]["exports"], serde_json::json!(["wasi:http/incoming-handler@0.2.12"]));
}

#[test]
fn the_bill_names_the_model_and_the_server_s_crates_and_refers_to_the_image() {
    let made = made(&Params::default(), &parts());
    let bill = made.json("bill.cdx.json");
    let names: Vec<_> = bill["components"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["diabetes scorer", "diabetes state", "diabetes card", "sprag", "serde"]);
    assert_eq!(bill["dependencies"][0]["dependsOn"], serde_json::json!(["scorer", "state", "card", "sprag"]));
    let manifest = made.json("bill-manifest.json");
    assert_eq!(manifest["subject"]["digest"], sha256(&made.bytes("image-manifest.json")));
}

#[test]
fn half_a_package_on_demand() {
    let without = |params: &Params| made(params, &parts()).0.borrow().keys().cloned().collect::<Vec<_>>();
    let no_image = without(&Params { image: false, ..Params::default() });
    assert!(no_image.iter().all(|name| !name.contains("image") && !name.contains("server")), "{no_image:?}");
    let no_component = without(&Params { component: false, ..Params::default() });
    assert!(no_component.iter().all(|name| !name.contains("component")), "{no_component:?}");
}

#[test]
fn what_is_wrong_with_the_parts_is_said() {
    let error = |change: &dyn Fn(&mut Bytes)| {
        let mut parts = parts();
        change(&mut parts.0);
        pack(&subject(), &Params::default(), &parts, &Made::default()).unwrap_err().to_string()
    };
    assert_eq!(
        error(&|parts| drop(parts.remove(&Name::Server))),
        "expected the server among the parts of the package, found none"
    );
    assert_eq!(
        error(&|parts| drop(parts.remove(&Name::State))),
        "expected model/state among the parts of the package, found none"
    );
    assert_eq!(
        error(&|parts| drop(parts.insert(Name::Server, server(0x28)))),
        "expected a server that is an executable for Linux on x86-64 or AArch64, found another file"
    );
    let not_wasm = error(&|parts| drop(parts.insert(Name::Component, b"not a component".to_vec())));
    assert_eq!(not_wasm, "expected a WebAssembly component, found another file");
    let cut = error(&|parts| drop(parts.get_mut(&Name::Component).unwrap().split_off(12)));
    assert!(cut.contains("expected a WebAssembly component, found the end of the file"), "{cut}");
    // A model without a profile is none the worse.
    let mut parts = parts();
    parts.0.remove(&Name::Profile);
    assert!(!made(&Params::default(), &parts).bytes("model.tar").windows(12).any(|bytes| bytes == b"profile.json"));
}
