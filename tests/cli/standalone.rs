//! The program carries everything with it.

use std::fs;

use sprag_schemas::event::Event;

use crate::context::{Project, Sprag};

#[test]
fn a_copy_of_the_program_alone_runs_a_project() {
    let project = Project::none();
    let copy = project.outside().join("elsewhere/sprag");
    fs::create_dir(copy.parent().unwrap()).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_sprag"), &copy).unwrap();
    // No cache but the one that it makes in the empty home, and no other program to call.
    let sprag =
        |args: &[&str]| Sprag::of(&project, copy.as_os_str(), args).env_remove("SPRAG_CACHE_DIR").env_remove("PATH").run().ok();
    let _ = sprag(&["new", "mine", "--template", "diabetes"]);
    let run = sprag(&["run", "--project", "mine"]);
    assert!(run.stdout.contains("registered  mine@1"), "{}", run.stdout);
    assert_eq!(fs::read_dir(copy.parent().unwrap()).unwrap().count(), 1, "it leaves nothing beside itself");
    let code = project.outside().join("home/.cache/sprag/code");
    assert!(fs::read_dir(&code).unwrap().count() > 0, "compiled code is kept in the user's cache");
    let again = sprag(&["run", "--project", "mine"]).stdout;
    assert_eq!(again.matches(" cached ").count(), 4, "all but what is asked of the registry: {again}");
    assert!(again.contains("registered  mine@1"), "the same model is the same version: {again}");
}

#[test]
fn a_component_is_compiled_once_and_that_is_told() {
    let project = Project::small("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,9.5\n");
    let compiled = || {
        let run = project
            .sprag(&["run", "--no-cache", "--format", "json"])
            .env("SPRAG_CACHE_DIR", project.outside().join("cache"))
            .run()
            .ok();
        run.events().iter().filter(|event| matches!(event, Event::Compiling { .. })).count()
    };
    assert_eq!((compiled(), compiled()), (2, 0));
}

#[test]
fn no_home_is_no_obstacle() {
    let project = Project::small("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,9.5\n");
    let _ = project.sprag(&["run"]).env_remove("HOME").env_remove("SPRAG_CACHE_DIR").run().ok();
}

#[test]
fn damaged_compiled_code_is_made_anew() {
    let project = Project::small("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,9.5\n");
    let cache = project.outside().join("cache");
    let run = || project.sprag(&["run", "--no-cache"]).env("SPRAG_CACHE_DIR", &cache).run().ok();
    let _ = run();
    let mut damaged = 0;
    let mut folders = vec![cache.join("code")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, if damaged == 0 { &bytes[..bytes.len() / 2] } else { b"nonsense" }).unwrap();
                damaged += 1;
            }
        }
    }
    assert!(damaged >= 2, "two components were compiled");
    let _ = run();
}
