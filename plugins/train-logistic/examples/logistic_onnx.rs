//! Trains natively on a CSV file and writes the model's state and its predictions on the same rows, to hold against another ONNX runtime:
//! `cargo run --release -p train-logistic --example logistic_onnx -- DATA.csv TARGET MODEL.onnx PREDICTIONS.csv`.

use std::{env, error::Error, fs};

use sprag_sdk::{Column, Failure, Frame, Scorer, Source};
use train_logistic::{Classifier, Params, fit};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [data, target, model, predictions] = arguments.as_slice() else {
        return Err("expected DATA.csv TARGET MODEL.onnx PREDICTIONS.csv".into());
    };
    let frame = Frame::from_csv(&fs::read_to_string(data)?).with_target(target);
    let classifier = fit(&frame, &Params::default(), &()).and_then(Classifier::try_from).map_err(told)?;
    fs::write(model, classifier.state().bytes)?;
    let inputs: Vec<Column> = classifier.inputs().iter().filter_map(|field| frame.column(&field.name).cloned()).collect();
    let outputs = classifier.predict(frame.row_count() as usize, &inputs).map_err(told)?;
    let names: Vec<_> = classifier.outputs().into_iter().map(|field| field.name).collect();
    let mut text = names.join(",") + "\n";
    for row in 0..frame.row_count() as usize {
        let cells: Vec<_> = outputs.iter().map(|column| column.display(row).unwrap_or_default().into_owned()).collect();
        text += &(cells.join(",") + "\n");
    }
    Ok(fs::write(predictions, text)?)
}

fn told(failure: Failure) -> String {
    failure.message().to_owned()
}
