//! Models for the tests.

#![allow(dead_code, reason = "each test file uses some of it")]

use sprag_scoring::{Api, Ask, DType, Field, Head, ModelInfo, Route};

pub(crate) fn field(name: &str, dtype: DType) -> Field {
    Field { name: name.to_owned(), dtype, nullable: false }
}

pub(crate) fn api(inputs: Vec<Field>, outputs: Vec<Field>) -> Api {
    let (name, version, digest) = ("diabetes".to_owned(), "3".to_owned(), "sha256:00".to_owned());
    Api::new(ModelInfo { name, version, digest, inputs, outputs })
}

/// A model of two numbers.
pub(crate) fn two() -> Api {
    api(vec![field("age", DType::Float), field("bmi", DType::Float)], vec![field("prediction", DType::Float)])
}

/// A model with a column of each type; the text may be missing.
pub(crate) fn mixed() -> Api {
    let mut text = field("t", DType::Text);
    text.nullable = true;
    let (f, i, b) = (field("f", DType::Float), field("i", DType::Integer), field("b", DType::Boolean));
    api(vec![f, i, b, text, field("s", DType::Timestamp)], vec![field("score", DType::Float), field("label", DType::Text)])
}

/// How a target asks for rows to be scored.
pub(crate) fn ask(api: &Api, target: &str) -> Ask {
    match api.route(&Head { method: "POST", target, ..Head::default() }) {
        Ok(Route::Score(ask)) => ask,
        other => panic!("expected a route that scores, found {other:?}"),
    }
}
