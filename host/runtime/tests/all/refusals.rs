//! Components that are not what the stage needs are refused before any of their code runs, by the contract's check and by the linker.

use sprag_core::component::Component;
use sprag_core::contract;
use sprag_core::digest::Digest;
use sprag_runtime::{LoadError, Loaded, ProvisionTask, StageFailure};
use sprag_schemas::manifest::Kind;
use sprag_test_programs as paths;

use crate::support::{Call, block_on, logs, numbers, programs, runtime};

/// An empty component and an empty core module: the first eight bytes of each kind of binary.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

#[test]
fn what_is_no_component_does_not_load() {
    let told = |binary: &[u8]| match runtime().load(Digest::of(binary), binary) {
        Err(LoadError::Compile { message, .. }) => message,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("expected an error"),
    };
    assert!(told(EMPTY_MODULE).contains("component"), "{}", told(EMPTY_MODULE));
    assert!(!told(b"").is_empty() && !told(b"#!/bin/sh\n").is_empty());
    let whole = std::fs::read(paths::MEAN_TRAINER).unwrap();
    for length in [9, whole.len() / 2, whole.len() - 1] {
        assert!(!told(&whole[..length]).is_empty(), "cut to {length} bytes");
    }
}

#[test]
fn an_empty_component_fits_no_stage() {
    let call = Call::new(programs::load(EMPTY_COMPONENT), "{}");
    for failure in [call.check(&numbers(1)).result.unwrap_err(), call.train().result.unwrap_err()] {
        let StageFailure::Contract(message) = failure else { panic!("{failure:?}") };
        assert!(
            message.starts_with("the component does not fit the contract: no exported instance named `sprag:stage/"),
            "{message}"
        );
    }
}

#[test]
fn a_plugin_of_another_kind_does_not_fit() {
    let failure = Call::act(programs::registrar(), "register").check(&numbers(1)).result.unwrap_err();
    assert_refused(&failure, "sprag:stage/models@0.1.0");
    let failure = Call::new(programs::mean_trainer(), "{}").check(&numbers(1)).result.unwrap_err();
    assert_refused(&failure, "sprag:stage/sanity-check@0.1.0");
}

fn assert_refused(failure: &StageFailure, name: &str) {
    let StageFailure::Contract(message) = failure else { panic!("{failure:?}") };
    assert!(message.starts_with("the component does not fit the contract: ") && message.contains(name), "{message}");
}

/// What the contract's check, which needs only the binary, says of a program as a trainer.
fn judged(path: &str) -> Vec<String> {
    let component = Component::read(&std::fs::read(path).unwrap()).unwrap();
    let errors = contract::check(&component, Kind::Train).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

fn never_runs(program: Loaded, import: &str) {
    let finished = Call::new(program, "{}").train();
    assert_refused(&finished.result.unwrap_err(), import);
    assert!(finished.report.logs.is_empty() && finished.report.stderr.is_empty());
}

#[test]
fn a_trainer_that_would_reach_the_network_never_runs() {
    let errors = judged(paths::NETWORK);
    assert!(errors.iter().any(|error| error.contains("asks for `wasi:sockets/tcp@0.2.")), "{errors:?}");
    let http =
        "asks for `wasi:http/client@0.2.6` (send HTTP requests to granted origins), which the world `trainer` does not have";
    assert!(errors.iter().any(|error| error == http), "{errors:?}");
    assert!(errors.iter().all(|error| error.contains("HTTP") || error.contains("sockets")), "{errors:?}");
    never_runs(programs::network(), "wasi:");
}

#[test]
fn a_trainer_that_would_register_its_model_never_runs() {
    let expected = "asks for `sprag:stage/registry@0.1.0` (register this run's candidate and move aliases), which the world `trainer` does not have";
    assert_eq!(judged(paths::OVERREACH), [expected]);
    never_runs(programs::overreach(), "sprag:stage/registry@0.1.0");
}

#[test]
fn what_a_provisioner_may_ask_for_is_refused_to_the_kinds_that_handle_data() {
    let component = Component::read(&std::fs::read(paths::CALLER).unwrap()).unwrap();
    let outside = ["wasi:http/outgoing-handler", "sprag:run/secrets", "sprag:run/services", "sprag:run/folders"];
    for import in outside {
        assert!(component.imports.iter().any(|found| found.starts_with(import)), "{import}: {:?}", component.imports);
    }
    assert_eq!(contract::check(&component, Kind::Provision), Ok(()));
    let failure = Call::act(programs::caller(), "get").check(&numbers(1)).result.unwrap_err();
    let StageFailure::Contract(message) = failure else { panic!("{failure:?}") };
    assert!(message.starts_with("the component does not fit the contract: "), "{message}");
}

#[test]
fn a_provisioner_that_was_handed_nothing_is_refused_everything() {
    let told = |act: &str| {
        let call = Call::new(programs::caller(), &format!(r#"{{"act":"{act}","url":"http://127.0.0.1:1/x?y"}}"#));
        let finished = block_on(runtime().provision(&call.stage, ProvisionTask::Apply));
        assert_eq!(finished.result, Ok(vec![]), "{act}");
        logs(&finished.report).join("\n")
    };
    let denied = "asked to send `http://127.0.0.1:1/x`, which no grant of this stage allows; add `http = [\"<origin>\"]` to its grants in sprag.toml";
    let get = told("get");
    assert!(get.contains(&format!("GET http://127.0.0.1:1/x: {denied}")), "{get}");
    assert!(get.contains(&format!("transient: false, {denied}")), "{get}");
    assert!(told("secret").contains("add `secrets = [\\\"key\\\"]` to its grants"), "{}", told("secret"));
    let service = told("service");
    assert_eq!(service.matches("add `services = true` to its grants").count(), 4, "{service}");
    let folder = told("folder");
    assert_eq!(folder.matches("add `folders = [\\\"/etc\\\"]` to its grants").count(), 4, "{folder}");
}

#[test]
fn the_good_programs_pass_the_check() {
    let kinds = [
        (paths::CALLER, Kind::Provision),
        (paths::CHECK, Kind::SanityCheck),
        (paths::ELSEWHERE, Kind::Deploy),
        (paths::TESTER, Kind::UnitTest),
        (paths::MEAN_TRAINER, Kind::Train),
        (paths::TRAINER, Kind::Train),
        (paths::EVALUATOR, Kind::Evaluate),
        (paths::REGISTRAR, Kind::Register),
    ];
    for (path, kind) in kinds {
        let component = Component::read(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(contract::check(&component, kind), Ok(()), "{path}");
    }
}
