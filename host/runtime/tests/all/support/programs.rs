//! The test programs, each compiled once for all tests of the binary.

use std::sync::{LazyLock, OnceLock};

use sprag_core::digest::Digest;
use sprag_runtime::{Loaded, Runtime};

/// The one runtime of all tests.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(None).unwrap());
    &RUNTIME
}

/// Compiles a binary.
pub(crate) fn load(binary: &[u8]) -> Loaded {
    runtime().load(Digest::of(binary), binary).unwrap()
}

macro_rules! programs {
    ($($name:ident $path:ident)*) => {$(
        pub(crate) fn $name() -> Loaded {
            static LOADED: OnceLock<Loaded> = OnceLock::new();
            LOADED.get_or_init(|| load(&std::fs::read(sprag_test_programs::$path).unwrap())).clone()
        }
    )*};
}

programs! {
    caller CALLER
    check CHECK
    elsewhere ELSEWHERE
    evaluator EVALUATOR
    linalg LINALG
    mean_trainer MEAN_TRAINER
    network NETWORK
    overreach OVERREACH
    registrar REGISTRAR
    tester TESTER
    trainer TRAINER
}
