//! `sprag package`: the same package wherever and whenever it is made, written as people ask for it, or not at all.

use std::fs;
use std::process::Command;

use sprag_core::digest::Digest;
use sprag_schemas::exit_code;
use sprag_schemas::package::Package;

use crate::context::{Project, Sprag};
use crate::full_disk::among_mounts;

/// The diabetes example with one registered version.
fn trained() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    project
}

#[test]
fn another_time_another_folder_and_another_copy_give_the_same_digest() {
    let project = trained();
    let made = |args: &[&str]| project.run(&[&["package", "--json"], args].concat()).ok().json::<Package>();
    let first = made(&["--output", "first.tar"]);
    assert_eq!((first.version.to_string().as_str(), &first.pushed), ("diabetes@1", &None));
    assert!(first.image.is_some() && first.component.is_some());
    for model in ["diabetes", "diabetes@1", "1"] {
        assert_eq!(made(&[model]), first, "{model}");
    }
    let _ = made(&["--output", "second.tar"]);
    assert!(fs::read(project.path("first.tar")).unwrap() == fs::read(project.path("second.tar")).unwrap());
    // A copy of the project elsewhere has the version, and nothing of the package.
    let copy = project.outside().join("elsewhere/copy");
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("-a").arg(project.root()).arg(&copy).status().unwrap().success());
    let root = first.digest.trim_start_matches("sha256:");
    fs::remove_file(copy.join(".sprag/blobs/sha256").join(&root[..2]).join(root)).unwrap();
    let args = ["package", "--json", "--output", "copy.tar"];
    let made = project.sprag(&args).dir(&copy).env("TZ", "Asia/Tokyo").run().ok();
    assert_eq!(made.json::<Package>(), first);
    assert!(fs::read(copy.join("copy.tar")).unwrap() == fs::read(project.path("first.tar")).unwrap());
}

#[test]
fn it_is_written_as_asked_and_said_what_it_is() {
    let project = trained();
    let told = project.run(&["package", "--output", "out/layout", "--component", "out/diabetes.wasm"]).ok();
    let package: Package = project.run(&["package", "--json"]).ok().json();
    assert!(told.stdout.starts_with("diabetes@1 packaged "), "{}", told.stdout);
    for line in
        [&package.digest, package.image.as_ref().unwrap(), package.component.as_ref().unwrap(), "out/layout", "out/diabetes.wasm"]
    {
        assert!(told.stdout.contains(line), "{line}: {}", told.stdout);
    }
    let component = fs::read(project.path("out/diabetes.wasm")).unwrap();
    assert_eq!(Some(Digest::of(&component).to_string()), package.component);
    let root = project.path("out/layout/blobs/sha256").join(package.digest.trim_start_matches("sha256:"));
    assert_eq!(Digest::of(&fs::read(root).unwrap()).to_string(), package.digest);
    // A folder is not written over.
    let again = project.run(&["package", "--output", "out/layout"]).exits(exit_code::BAD_PROJECT);
    assert_eq!(
        again.error(),
        "exit code 2\nerror: expected nothing at `out/layout`, found a file or folder\n\nhint: name another folder, or remove this one\n"
    );
    assert_eq!(fs::read_dir(project.path("out")).unwrap().count(), 2, "nothing is left beside what was asked for");
}

#[test]
fn the_project_says_what_is_in_it() {
    let project = trained();
    project.append("\n[stages.package]\nplugin = \"package-oci\"\nparams = { image = false, labels = { team = \"growth\" } }\n");
    let package: Package = project.run(&["package", "--json"]).ok().json();
    assert_eq!(package.image, None);
    project.edit("image = false", "component = false");
    let refused = project.run(&["package", "--component", "diabetes.wasm"]).exits(exit_code::BAD_PROJECT);
    assert_eq!(
        refused.error(),
        "exit code 2\nerror: expected a self-contained component in the package of diabetes@1, found none\n\n\
         hint: the packager was told to make none: see its parameter `component` in the project file\n"
    );
    project.edit("component = false", "component = false, image = false");
    let empty = project.run(&["package"]).exits(exit_code::PLUGIN_FAILED);
    assert!(empty.stderr.contains("expected `image` or `component` or both, found neither"), "{}", empty.stderr);
}

#[test]
fn what_cannot_be_packaged() {
    let project = trained();
    let unknown = project.run(&["package", "diabetes@7"]).exits(exit_code::BAD_PROJECT);
    assert!(unknown.stderr.contains("7"), "{}", unknown.stderr);
    project.write("server", "#!/bin/sh\n");
    let script = project.run(&["package", "--server", "server"]).exits(exit_code::PLUGIN_FAILED);
    assert!(script.stderr.contains("expected the server among the parts of the package, found none"), "{}", script.stderr);
    assert!(script.stderr.contains("expected an executable for Linux (ELF, 64 bits) for the image"), "{}", script.stderr);
    let none = Project::diabetes();
    let none = none.run(&["package"]).exits(exit_code::BAD_PROJECT);
    assert!(none.stderr.contains("`sprag run` makes the first"), "{}", none.stderr);
}

#[test]
fn no_file_may_grow() {
    // In units of 512 bytes: from nothing to most of the program.
    for blocks in [0, 1, 64, 512, 4096, 20_000] {
        // A store in which nothing of the package is yet.
        let project = trained();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$SPRAG\" package --output out.tar");
        let full = Sprag::of(&project, "sh".as_ref(), &["-c", &script]).run();
        assert_eq!(full.code, Some(1), "{blocks}: {}{}", full.stdout, full.stderr);
        let is_sqlites = full.stderr.contains("disk I/O error");
        assert!(is_sqlites || full.stderr.contains("the disk is full"), "{blocks}: {}", full.stderr);
        assert!(is_sqlites || full.stderr.contains("hint: free some space and run again"), "{blocks}: {}", full.stderr);
        assert!(!project.path("out.tar").exists() && full.stdout.is_empty(), "{blocks}: {}", full.stdout);
        let after: Package = project.run(&["package", "--output", "out.tar", "--json"]).ok().json();
        assert!(after.image.is_some() && after.component.is_some(), "{blocks}: {after:?}");
        let left = fs::read_dir(project.path(".sprag/tmp")).map(Iterator::count).unwrap_or_default();
        assert_eq!(left, 0, "{blocks}: what was begun is gone");
    }
}

#[test]
fn a_disk_with_little_room_for_what_is_written() {
    let project = trained();
    let Some(among_mounts) = among_mounts(&project) else { return };
    let script = r#"
        mkdir -p "$HOME/disk"
        mount -t tmpfs -o size=$1k tmpfs "$HOME/disk"
        "$SPRAG" package $2 "$HOME/disk/$3" 2>&1
        echo "exit code $?"
        ls -A "$HOME/disk"
    "#;
    for (room, option, name) in [("64", "--component", "a.wasm"), ("2000", "--output", "a.tar"), ("2000", "--output", "layout")] {
        let told = among_mounts(&["sh", "-c", script, "sh", room, option, name]).ok();
        let (said, left) = told.stdout.split_once("exit code ").unwrap();
        assert!(said.contains("failed to write") && said.contains("the disk is full"), "{name}: {said}");
        assert!(said.contains("hint: free some space and run again; nothing is left half"), "{name}: {said}");
        assert_eq!(left, "1\n", "{name}: nothing is left there");
    }
}
