//! The same call gives the same report, to the bit.

use crate::support::{Call, every_type, numbers, programs};

#[test]
fn the_same_seed_gives_the_same_report() {
    for act in ["report", "surroundings", "dump", "panic"] {
        let run = |seed| {
            let mut call = Call::act(programs::check(), act);
            call.stage.seed = seed;
            let finished = call.check(&every_type());
            (finished.report, finished.result)
        };
        assert_eq!(run(1), run(1), "{act}");
    }
}

#[test]
fn another_seed_shows() {
    let run = |seed| {
        let mut call = Call::act(programs::check(), "surroundings");
        call.stage.seed = seed;
        call.check(&numbers(1)).report
    };
    assert_ne!(run(1), run(2));
}

#[test]
fn the_same_data_gives_the_same_model() {
    let train = || Call::new(programs::mean_trainer(), "{}").train().result.unwrap();
    assert_eq!(train(), train());
}
