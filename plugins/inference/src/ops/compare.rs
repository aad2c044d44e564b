//! Comparisons, choices and types.

use ndarray::{IxDyn, Zip};

use super::Make;
use super::broadcast::{common, zip};
use crate::error::ModelError;
use crate::node::{Operator, input};
use crate::tensor::{Kind, Tensor};

pub(super) const KNOWN: &[(&str, Make)] = &[
    ("And", |_, _| Ok(compared(|a, b| a != 0.0 && b != 0.0))),
    ("Cast", |attributes, _| {
        let to = attributes.int("to")?.and_then(|to| i32::try_from(to).ok()).and_then(Kind::of_onnx);
        let to = to.ok_or_else(|| attributes.fault("to", "floats, whole numbers or booleans", "another type"))?;
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| Ok(vec![Tensor::new(to, input(inputs, 0)?.values.clone())])))
    }),
    ("CastLike", |_, _| {
        Ok(Box::new(|inputs: &[Option<&Tensor>]| Ok(vec![Tensor::new(input(inputs, 1)?.kind, input(inputs, 0)?.values.clone())])))
    }),
    ("Equal", |_, _| Ok(compared(|a, b| a == b))),
    ("Greater", |_, _| Ok(compared(|a, b| a > b))),
    ("GreaterOrEqual", |_, _| Ok(compared(|a, b| a >= b))),
    ("IsInf", |attributes, _| {
        let detects = |name: &str| Ok::<_, ModelError>(attributes.int(name)?.unwrap_or(1) != 0);
        let (negative, positive) = (detects("detect_negative")?, detects("detect_positive")?);
        Ok(asked(move |value| (negative && value == f64::NEG_INFINITY) || (positive && value == f64::INFINITY)))
    }),
    ("IsNaN", |_, _| Ok(asked(f64::is_nan))),
    ("Less", |_, _| Ok(compared(|a, b| a < b))),
    ("LessOrEqual", |_, _| Ok(compared(|a, b| a <= b))),
    ("Not", |_, _| Ok(asked(|a| a == 0.0))),
    ("Or", |_, _| Ok(compared(|a, b| a != 0.0 || b != 0.0))),
    ("Where", |_, _| Ok(Box::new(chosen))),
    ("Xor", |_, _| Ok(compared(|a, b| (a != 0.0) != (b != 0.0)))),
];

fn compared(compare: fn(f64, f64) -> bool) -> Box<dyn Operator> {
    Box::new(move |inputs: &[Option<&Tensor>]| {
        let (a, b) = (input(inputs, 0)?, input(inputs, 1)?);
        Ok(vec![Tensor::new(Kind::Bool, zip(&a.values, &b.values, |a, b| f64::from(u8::from(compare(a, b))))?)])
    })
}

fn asked(ask: impl Fn(f64) -> bool + Send + Sync + 'static) -> Box<dyn Operator> {
    Box::new(move |inputs: &[Option<&Tensor>]| {
        let given = input(inputs, 0)?;
        Ok(vec![Tensor::new(Kind::Bool, given.values.mapv(|value| f64::from(u8::from(ask(value)))))])
    })
}

fn chosen(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let (condition, yes, no) = (input(inputs, 0)?, input(inputs, 1)?, input(inputs, 2)?);
    let shape = common(&common(condition.values.shape(), yes.values.shape())?, no.values.shape())?;
    let wide = |tensor: &Tensor| tensor.values.broadcast(IxDyn(&shape)).map(|view| view.to_owned());
    let (Some(condition), Some(first), Some(second)) = (wide(condition), wide(yes), wide(no)) else {
        return Err(format!("expected shapes that fit {shape:?}"));
    };
    let values =
        Zip::from(&condition).and(&first).and(&second).map_collect(|is_so, yes, no| if *is_so == 0.0 { *no } else { *yes });
    Ok(vec![Tensor::new(yes.kind, values)])
}
