//! Trains natively on a CSV file and writes the model's state and its predictions on the same rows, to hold against another ONNX runtime:
//! `cargo run --release -p train-ridge --example ridge_onnx -- DATA.csv TARGET MODEL.onnx PREDICTIONS.csv`.

use std::{env, error::Error, fs};

use sprag_sdk::{Column, Failure, Frame, Scorer, Source};
use train_ridge::{Line, Params, fit};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [data, target, model, predictions] = arguments.as_slice() else {
        return Err("expected DATA.csv TARGET MODEL.onnx PREDICTIONS.csv".into());
    };
    let frame = Frame::from_csv(&fs::read_to_string(data)?).with_target(target);
    let line = Line::from(fit(&frame, &Params::default(), &()).map_err(told)?);
    fs::write(model, line.state().bytes)?;
    let inputs: Vec<Column> = line.inputs().iter().filter_map(|field| frame.column(&field.name).cloned()).collect();
    let outputs = line.predict(frame.row_count() as usize, &inputs).map_err(told)?;
    let values = outputs[0].numbers().unwrap_or_default();
    let lines: Vec<_> = values.iter().map(f64::to_string).collect();
    Ok(fs::write(predictions, format!("prediction\n{}\n", lines.join("\n")))?)
}

fn told(failure: Failure) -> String {
    failure.message().to_owned()
}
