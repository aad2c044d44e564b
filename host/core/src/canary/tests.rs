//! Challengers that are told to the analysis as numbers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn canary(text: &str) -> Canary {
    Canary::parse(text).unwrap()
}

fn analysis(text: &str) -> Analysis {
    Analysis::new(canary(text), None).unwrap()
}

/// Counts requests with answers in so many milliseconds, with the numbers 0 to 99 moved by `moved`, and failures after them.
fn count(tally: &mut Tally, answers: u32, failures: u32, millis: u64, moved: f64) {
    for count in 0..answers {
        tally.answered(Duration::from_millis(millis));
        tally.number(f64::from(count % 100) + moved);
    }
    (0..failures).for_each(|_| tally.failed());
}

const TWO_STEPS: &str = "[[steps]]\nweight = 5\npause = \"10s\"\nrequests = 200\n[[steps]]\nweight = 50\nrequests = 200\n";

#[test]
fn a_good_challenger_goes_through_all_steps() {
    let mut analysis = analysis(TWO_STEPS);
    assert_eq!(analysis.weight(), 5);
    let held = |verdict: Verdict| match verdict {
        Verdict::Hold(why) => why,
        other => panic!("expected to be held, found {other:?}"),
    };
    assert_eq!(held(analysis.judge(SECOND)), "the challenger has had 0 of 200 requests in this step");
    count(analysis.challenger(), 200, 0, 1, 0.0);
    assert_eq!(held(analysis.judge(SECOND)), "the champion has had 0 of 200 requests in this step");
    count(analysis.champion(), 3800, 0, 1, 0.0);
    assert_eq!(held(analysis.judge(4 * SECOND)), "the pause of this step goes on for 7s");
    assert_eq!(analysis.judge(11 * SECOND), Verdict::Advance("nothing spoke against 5 % in 200 requests".to_owned()));
    assert_eq!((analysis.weight(), analysis.progress()), (50, &Progress::Step { step: 1 }));
    assert_eq!(held(analysis.judge(12 * SECOND)), "the challenger has had 0 of 200 requests in this step");
    count(analysis.challenger(), 250, 2, 1, 0.0);
    count(analysis.champion(), 250, 0, 1, 0.0);
    assert!(matches!(analysis.judge(12 * SECOND), Verdict::Advance(_)), "a failure in a hundred and twenty-six is allowed");
    assert_eq!((analysis.weight(), analysis.progress()), (100, &Progress::Complete));
    assert_eq!(held(analysis.judge(13 * SECOND)), "nothing is left to be judged");
}

#[test]
fn a_clock_that_goes_back_ends_no_pause() {
    let mut analysis = analysis(TWO_STEPS);
    analysis.judge(100 * SECOND);
    count(analysis.challenger(), 200, 0, 1, 0.0);
    count(analysis.champion(), 200, 0, 1, 0.0);
    assert!(matches!(analysis.judge(SECOND), Verdict::Hold(_)));
    assert!(matches!(analysis.judge(110 * SECOND), Verdict::Advance(_)));
}

/// Judges a challenger after one step of 400 requests each.
fn judged(rules: &str, tell: impl FnOnce(&mut Analysis)) -> Verdict {
    let mut analysis = analysis(&format!("{rules}\n[[steps]]\nweight = 50\nrequests = 400\n"));
    tell(&mut analysis);
    let verdict = analysis.judge(SECOND);
    if let Verdict::RollBack(cause, reason) = &verdict {
        assert_eq!(analysis.progress(), &Progress::RolledBack { cause: *cause, reason: reason.clone() });
        assert_eq!(analysis.weight(), 0);
    }
    verdict
}

#[track_caller]
fn rolls_back(rules: &str, expected: Cause, words: &str, tell: impl FnOnce(&mut Analysis)) {
    match judged(rules, tell) {
        Verdict::RollBack(cause, reason) => {
            assert_eq!(cause, expected, "{reason}");
            assert_eq!(reason, words);
        }
        other => panic!("expected a rollback, found {other:?}"),
    }
}

#[track_caller]
fn advances(rules: &str, tell: impl FnOnce(&mut Analysis)) {
    let verdict = judged(rules, tell);
    assert!(matches!(verdict, Verdict::Advance(_)), "{verdict:?}");
}

#[test]
fn failures_send_a_challenger_back() {
    rolls_back(
        "",
        Cause::Errors,
        "the challenger failed 8 of 400 requests, the champion failed 2 of 400 requests: 1.5 % more, where at most 1 % is allowed",
        |analysis| {
            count(analysis.challenger(), 392, 8, 1, 0.0);
            count(analysis.champion(), 398, 2, 1, 0.0);
        },
    );
    rolls_back(
        "[errors]\nmost-difference = 1\nmost-ratio = 3",
        Cause::Errors,
        "the challenger failed 8 of 400 requests, the champion failed 2 of 400 requests: 3.40 times as many, where at most 3 times is allowed",
        |analysis| {
            count(analysis.challenger(), 392, 8, 1, 0.0);
            count(analysis.champion(), 398, 2, 1, 0.0);
        },
    );
    advances("", |analysis| {
        count(analysis.challenger(), 372, 28, 1, 0.0);
        count(analysis.champion(), 372, 28, 1, 0.0);
    });
}

#[test]
fn what_cannot_get_well_any_more_is_sent_back_at_once() {
    rolls_back(
        "",
        Cause::Errors,
        "the challenger failed 5 of 5 requests, the champion failed 0 of 95 requests: even if it failed no more of 400, it would fail 1.25 % more than the champion, where at most 1 % is allowed",
        |analysis| {
            count(analysis.challenger(), 0, 5, 1, 0.0);
            count(analysis.champion(), 95, 0, 1, 0.0);
        },
    );
    let four = judged("", |analysis| {
        count(analysis.challenger(), 0, 4, 1, 0.0);
        count(analysis.champion(), 95, 0, 1, 0.0);
    });
    assert!(matches!(four, Verdict::Hold(_)), "four of four hundred are allowed, and 396 are to come: {four:?}");
    let alone = judged("", |analysis| count(analysis.challenger(), 0, 100, 1, 0.0));
    assert!(matches!(alone, Verdict::Hold(_)), "without a champion nothing says whose fault it is: {alone:?}");
}

#[test]
fn slowness_sends_a_challenger_back() {
    let tell = |analysis: &mut Analysis| {
        count(analysis.challenger(), 390, 0, 1, 0.0);
        count(analysis.challenger(), 10, 0, 40, 0.0);
        count(analysis.champion(), 400, 0, 1, 0.0);
    };
    match judged("[latency]\nmost-ratio = 2", tell) {
        Verdict::RollBack(Cause::Latency, reason) => {
            assert!(reason.starts_with("the challenger's p99 is 4"), "{reason}");
            assert!(reason.ends_with(" times as long, where at most 2 times is allowed"), "{reason}");
        }
        other => panic!("expected a rollback, found {other:?}"),
    }
    advances("[latency]\nmost-ratio = 2\nquantile = 0.9", tell);
    advances("[latency]\nmost-ratio = 2\nleast-difference = \"100ms\"", tell);
    advances("", tell);
}

#[test]
fn other_predictions_send_a_challenger_back() {
    let moved = |by: f64| {
        move |analysis: &mut Analysis| {
            count(analysis.challenger(), 400, 0, 1, by);
            count(analysis.champion(), 400, 0, 1, 0.0);
        }
    };
    // Ten bins of 40. Moved by 20, the first two are empty and the last has 120; with half a row more in each of ten:
    // 2 (0.5 - 40.5) / 405 ln(0.5 / 40.5) + (120.5 - 40.5) / 405 ln(120.5 / 40.5).
    rolls_back(
        "[shift]\nmost-psi = 0.25",
        Cause::Shift,
        "the challenger's predictions have a population stability index of 1.083 against the champion's, of which chance makes 0.045, where at most 0.25 beyond chance is allowed",
        moved(20.0),
    );
    advances("[shift]\nmost-psi = 0.25", moved(2.0));
    // The numbers 0 to 99 have the variance 100 * 101 / 12 = 841.67, of 400 of them (n - 1) 833.25 * 400 / 399: a shift of 10 is 10 / 28.90.
    rolls_back(
        "[shift]\nmost-mean-difference = 0.2",
        Cause::Shift,
        "the challenger predicts 59.5 on average, the champion 49.5: a standardised difference of 0.346, of which chance makes 0.056, where at most 0.2 beyond chance is allowed",
        moved(10.0),
    );
    advances("[shift]\nmost-mean-difference = 0.2", moved(5.0));
    let few = judged("[shift]\nmost-mean-difference = 0.05", moved(0.0));
    assert_eq!(few, Verdict::Hold("400 predictions of the challenger are too few to compare with a bound of 0.05".to_owned()));
    rolls_back(
        "[shift]\nmost-mean-difference = 0.2",
        Cause::Shift,
        "the challenger predicts 2 on average, the champion 1: a standardised difference of inf, of which chance makes 0.056, where at most 0.2 beyond chance is allowed",
        |analysis| {
            for (tally, value) in [(&mut analysis.champion, 1.0), (&mut analysis.challenger, 2.0)] {
                (0..400).for_each(|_| {
                    tally.answered(SECOND);
                    tally.number(value);
                });
            }
        },
    );
}

#[test]
fn labels_are_compared_by_their_shares() {
    let tell = |second: usize| {
        move |analysis: &mut Analysis| {
            for (tally, bound) in [(&mut analysis.champion, 5), (&mut analysis.challenger, second)] {
                (0..400).for_each(|count| {
                    tally.answered(SECOND);
                    tally.label(if count % 10 < bound { "no" } else { "yes" });
                });
            }
        }
    };
    advances("[shift]\nmost-psi = 0.1", tell(5));
    let verdict = judged("[shift]\nmost-psi = 0.1", tell(9));
    assert!(matches!(verdict, Verdict::RollBack(Cause::Shift, _)), "{verdict:?}");
}

#[test]
fn an_analysis_goes_on_where_it_was() {
    let at = |progress: Progress| Analysis::new(canary(TWO_STEPS), Some(progress)).unwrap();
    assert_eq!(at(Progress::Step { step: 1 }).weight(), 50);
    assert_eq!(at(Progress::Complete).weight(), 100);
    let back = Progress::RolledBack { cause: Cause::Shift, reason: "it differs".to_owned() };
    assert_eq!(at(back.clone()).weight(), 0);
    assert_eq!(at(Progress::Step { step: 2 }).weight(), 5, "a step of another file is none of this one");
    let text = serde_json::to_string(&back).unwrap();
    assert_eq!(text, r#"{"state":"rolled-back","cause":"shift","reason":"it differs"}"#);
    assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), back);
}

#[test]
fn what_cannot_be_is_refused() {
    for (text, expected) in [
        ("steps = []", "expected at least one `[[steps]]`, found none"),
        (
            "[[steps]]\nweight = 100",
            "expected a `weight` from 1 to 99 in step 1, found 100: all requests come after the last step",
        ),
        ("[[steps]]\nweight = 5\n[[steps]]\nweight = 5", "expected a `weight` above 5 in step 2, found 5"),
        ("[[steps]]\nweight = 5\nrequests = 0", "expected `requests` of at least 1 in step 1, found 0"),
        (
            "[[steps]]\nweight = 5\n[errors]\nmost-difference = 1.5",
            "expected `most-difference` from 0 to 1 in `[errors]`, found 1.5",
        ),
        (
            "[[steps]]\nweight = 5\n[errors]\nmost-ratio = 0.5",
            "expected a number of at least 1 as `most-ratio` in `[errors]`, found 0.5",
        ),
        (
            "[[steps]]\nweight = 5\n[latency]\nmost-ratio = 2\nquantile = 1.0",
            "expected a `quantile` between 0 and 1 in `[latency]`, found 1",
        ),
        (
            "[[steps]]\nweight = 5\nrequests = 99\n[latency]\nmost-ratio = 2",
            "expected `requests` of at least 100 in step 1 for the quantile 0.99, found 99",
        ),
        (
            "[[steps]]\nweight = 5\n[latency]\nmost-ratio = nan",
            "expected a number of at least 1 as `most-ratio` in `[latency]`, found NaN",
        ),
        ("[[steps]]\nweight = 5\n[shift]", "expected `most-psi` or `most-mean-difference` in `[shift]`, found neither"),
        ("[[steps]]\nweight = 5\n[shift]\nmost-psi = 0.0", "expected a number above 0 as `most-psi` in `[shift]`, found 0"),
    ] {
        assert_eq!(Analysis::new(canary(text), None).unwrap_err(), expected);
    }
}
