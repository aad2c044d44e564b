//! Requests that nobody would write on purpose: none panics, and each is answered with columns or with a 4xx.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod support;

use sprag_scoring::{Head, Route};
use support::{mixed, two};

/// SplitMix64: the same requests on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

const SEEDS: [&str; 8] = [
    r#"{"data":[[1,2.5],[3,-4e2]]}"#,
    r#"{"data":[{"age":1,"bmi":2.5},{"bmi":-4,"age":3}]}"#,
    r#"{"columns":["bmi","age"],"data":[[2.5,1]]}"#,
    r#"{"data":[[1,2,true,"\u00e9\ud83d\ude00",5],[0.5,-3,false,null,-6]]}"#,
    r#"{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP64","data":[[1,2],[3,4]]}]}"#,
    r#"{"id":"1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","parameters":{"binary_data_size":16}}],"outputs":[{"name":"prediction"}]}"#,
    r#"{"inputs":[{"name":"t","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}}]}"#,
    r#"{"inputs":[{"name":"age","shape":[1],"datatype":"INT64","data":[9223372036854775807]}]}"#,
];

const PIECES: [&str; 28] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "null",
    "true",
    "NaN",
    "1e999",
    "-",
    "0",
    "9999999999999999999999",
    "\"data\"",
    "\"inputs\"",
    "\"columns\"",
    "é",
    "\u{1}",
    "[[[[[[[[",
    "\"shape\":[18446744073709551615]",
    " ",
    "\u{a0}",
    "\u{85}",
    "\u{2003}",
    "\u{3000}",
];

/// A request that was good, and what may have befallen it since.
fn mutate(random: &mut Random, seed: usize) -> Vec<u8> {
    let mut body = SEEDS[seed].as_bytes().to_vec();
    for _ in 0..random.below(6) {
        let at = random.below(body.len() + 1);
        match random.below(5) {
            0 => body.truncate(at),
            1 => drop(body.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            2 if at < body.len() => body[at] = random.next().to_le_bytes()[0],
            3 => {
                let end = at + random.below(body.len() - at + 1);
                body.drain(at..end);
            }
            _ => {
                let end = at + random.below(body.len() - at + 1);
                let copy = body[at..end].to_vec();
                drop(body.splice(at..at, copy));
            }
        }
    }
    body
}

#[test]
fn ten_thousand_malformed_requests_are_refused_politely() {
    let mut random = Random(7);
    let (mut good, mut bad) = (0, 0);
    for round in 0..10_000 {
        let seed = round % SEEDS.len();
        let api = if matches!(seed, 3 | 6) { mixed() } else { two() };
        let body = mutate(&mut random, seed);
        let is_crossed = random.below(10) == 0;
        let target = if (seed < 4) == is_crossed { "/v2/models/diabetes/infer" } else { "/score?outputs=all" };
        let length = (random.below(3) == 0).then(|| random.below(body.len() + 20).to_string());
        let head = Head { method: "POST", target, inference_header_length: length.as_deref(), ..Head::default() };
        let Ok(Route::Score(ask)) = api.route(&head) else { panic!("a route that scores") };
        match api.decode(&ask, &body, 1000) {
            Ok(batch) => {
                good += 1;
                for (column, field) in batch.columns.iter().zip(&api.model().inputs) {
                    assert_eq!(column.values.len(), batch.rows as usize, "{} of {}", field.name, String::from_utf8_lossy(&body));
                    let bits = column.validity.as_ref().map_or(batch.rows.div_ceil(8) as usize, Vec::len);
                    assert_eq!(bits, batch.rows.div_ceil(8) as usize);
                }
            }
            Err(problem) => {
                bad += 1;
                assert!((400..500).contains(&problem.status), "{problem:?}");
                let reply = problem.reply(head.error_style());
                let error: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
                assert!(error["error"].is_string() || error["error"]["message"].is_string());
                assert!(reply.body.len() < 2000, "an error repeats no whole request: {}", problem.message);
            }
        }
    }
    assert!(good > 200 && bad > 5000, "{good} good, {bad} bad");
}

#[test]
fn any_path_and_method_is_answered() {
    let mut random = Random(11);
    let api = two();
    let pieces = [
        "/",
        "score",
        "v2",
        "models",
        "diabetes",
        "versions",
        "3",
        "infer",
        "?",
        "outputs=all",
        "&",
        "ready",
        "%00",
        "é",
        "..",
        "",
    ];
    for _ in 0..10_000 {
        let target: String = (0..random.below(8)).map(|_| pieces[random.below(pieces.len())]).collect();
        let method = ["GET", "POST", "PUT", "HEAD", "é"][random.below(5)];
        if let Err(problem) = api.route(&Head { method, target: &target, ..Head::default() }) {
            assert!((400..500).contains(&problem.status), "{problem:?}");
        }
    }
}
