//! A package as it is made, written and opened.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use sprag_core::component::Component;
use sprag_core::digest::Digest;
use sprag_package::{ExportError, MakeError, Server, export, export_file, open_bundle};

use crate::support::{Full, PROFILE, registered, tree};

#[test]
fn the_same_version_is_the_same_package_in_any_store() {
    let (first, second) = (registered(), registered());
    let package = first.make("{}", first.server()).unwrap();
    assert_eq!(package, first.make("{}", first.server()).unwrap());
    assert_eq!(package, second.make("{}", second.server()).unwrap());
    assert_eq!((package.version.name.as_str(), package.version.version), ("mean", 3));
    assert_eq!(package.model, first.version.model.digest);
    assert_eq!(package.root().unwrap().media_type, "application/vnd.oci.image.index.v1+json");
    // Another port is another package, with the same component.
    let other = first.make(r#"{"port":9000}"#, first.server()).unwrap();
    assert_ne!(package.digest, other.digest);
    assert_eq!(package.component, other.component);
}

#[test]
fn the_component_imports_wasi_alone_and_answers_http() {
    let made = registered();
    let package = made.make(r#"{"image":false}"#, made.server()).unwrap();
    assert_eq!(package.image, None);
    let path = made.folder.path().join("mean.wasm");
    export_file(&made.store, package.component.as_deref().unwrap(), &path).unwrap();
    let component = std::fs::read(&path).unwrap();
    Component::validate(&component).unwrap();
    let component = Component::read(&component).unwrap();
    // No more of it than hosts give that serve HTTP: `wasmtime serve` runs it without a flag.
    let beyond = |import: &&String| {
        !import.starts_with("wasi:") || import.starts_with("wasi:cli/environment") || import.contains("terminal")
    };
    assert_eq!(component.imports.iter().find(beyond), None, "{:?}", component.imports);
    assert!(
        component.exports.iter().any(|export| export.starts_with("wasi:http/incoming-handler@0.2.")),
        "{:?}",
        component.exports
    );
}

#[test]
fn the_bundle_holds_the_very_files_that_were_registered() {
    let made = registered();
    let package = made.make("{}", made.server()).unwrap();
    let bundle = open_bundle(&made.store, &package.digest).unwrap();
    assert_eq!(bundle.card.model(), made.version.model);
    assert_eq!(
        (Digest::of(&bundle.scorer).to_string(), bundle.state.as_slice()),
        (made.version.model.scorer.clone(), &b"2.5"[..])
    );
    assert_eq!(bundle.profile.as_deref(), Some(PROFILE));
    let without = made.make(r#"{"image":false}"#, made.server()).unwrap();
    let error = open_bundle(&made.store, &without.digest).unwrap_err().to_string();
    assert!(error.starts_with("expected an image with a model in the package") && error.ends_with("found none"), "{error}");
}

#[test]
fn a_damaged_layer_is_not_opened() {
    let made = registered();
    let package = made.make("{}", made.server()).unwrap();
    let layer = package.files.iter().find(|file| file.name == "model.tar").unwrap();
    let path = made.store.blob_path(&layer.digest.parse().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let error = open_bundle(&made.store, &package.digest).unwrap_err().to_string();
    assert!(error.starts_with(&format!("the bundle in `{}`: ", layer.digest)), "{error}");
}

/// Reads an archive as the files that it unpacks to.
fn unpacked(archive: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = vec![];
        entry.read_to_end(&mut bytes).unwrap();
        (path, bytes)
    });
    entries.filter(|(path, _)| !path.ends_with('/')).collect()
}

#[test]
fn folder_and_archive_hold_the_same_and_every_file_is_what_its_name_says() {
    let made = registered();
    let package = made.make("{}", made.server()).unwrap();
    let at = |name: &str| made.folder.path().join(name);
    export(&made.store, &package, &at("layout")).unwrap();
    export(&made.store, &package, &at("deep/er/package.tar")).unwrap();
    export(&made.store, &package, &at("again.tar")).unwrap();
    assert_eq!(std::fs::read(at("deep/er/package.tar")).unwrap(), std::fs::read(at("again.tar")).unwrap());
    let files = tree(&at("layout"));
    assert_eq!(files, unpacked(&at("again.tar")));
    assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    assert_eq!(index["manifests"][0]["digest"], package.digest.as_str());
    let names = &index["manifests"][0]["annotations"];
    assert_eq!(
        (&names["org.opencontainers.image.ref.name"], &names["io.containerd.image.name"]),
        (&"3".into(), &"localhost/mean:3".into())
    );
    let blobs: BTreeSet<_> =
        files.iter().filter_map(|(path, bytes)| Some((path.strip_prefix("blobs/sha256/")?, bytes))).collect();
    for (name, bytes) in &blobs {
        assert_eq!(Digest::of(bytes).hex(), **name);
    }
    let named: BTreeSet<_> = package.files.iter().map(|file| file.digest.trim_start_matches("sha256:").to_owned()).collect();
    assert_eq!(blobs.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), named);

    let error = export(&made.store, &package, &at("layout")).unwrap_err();
    assert!(matches!(error, ExportError::Exists { .. }), "{error}");
    // An archive replaces one, and nothing is left beside it.
    export(&made.store, &package, &at("again.tar")).unwrap();
    let left: Vec<_> = std::fs::read_dir(made.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 5, "store, server, layout, deep, again.tar: {left:?}");
}

#[test]
fn without_a_program_there_is_no_image_and_the_hint_says_why() {
    let made = registered();
    let script = made.folder.path().join("script");
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    let error = made.make("{}", Server::open(&script)).unwrap_err();
    assert!(matches!(error, MakeError::Packager { server: Some(_), .. }), "{error}");
    assert!(error.to_string().ends_with("expected the server among the parts of the package, found none"), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("expected an executable for Linux") && hint.contains("--server FILE"), "{hint}");
    assert!(made.make(r#"{"image":false}"#, Server::open(&script)).is_ok());
}

#[test]
fn a_model_that_is_not_the_registered_one_is_not_packaged() {
    let mut made = registered();
    made.version.model.state = made.store.put_bytes(b"3.5").unwrap().to_string();
    let error = made.make("{}", made.server()).unwrap_err();
    assert!(matches!(error, MakeError::OtherModel { .. }), "{error}");
    assert!(error.to_string().starts_with("expected a model with the digest `sha256:"), "{error}");
    // A component that scores nothing, registered all the same.
    let mut made = registered();
    let (_, binary, _) = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "check-tabular").unwrap();
    let scorer = made.store.put_bytes(binary).unwrap();
    made.version.model.digest = sprag_core::model::model_digest(&scorer, &made.version.model.state.parse().unwrap()).to_string();
    made.version.model.scorer = scorer.to_string();
    let error = made.make("{}", made.server()).unwrap_err().to_string();
    assert!(error.starts_with("expected a scorer that exports `sprag:stage/score@0.1.0`, found "), "{error}");
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let made = registered();
    for room in [0, 1_000, 100_000] {
        let error = made.make_into("{}", made.server(), std::sync::Arc::new(Full(room))).unwrap_err();
        let MakeError::Packager { failure, .. } = &error else { panic!("{error}") };
        assert!(failure.to_record().message.contains("no storage space"), "{room}: {error}");
    }
}
