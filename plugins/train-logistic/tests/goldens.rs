//! Probabilities on the hold-out of scikit-learn's `train_test_split(test_size=0.2, random_state=0)` of the breast cancer data, against scikit-learn 1.9.1:
//! `LogisticRegression(C=c, tol=1e-14, solver="newton-cholesky")`, after `StandardScaler` where the features are standardised.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path};

use sprag_sdk::{Column, Frame, Scorer, Source, Values};
use train_logistic::{Classifier, Params, fit};

/// The rows of the hold-out, as `train_test_split` gives them for 569 rows.
const HOLDOUT: &str = include_str!("holdout.txt");

/// Training data and hold-out, of the first `features` columns; the target is the diagnosis, or a size in three classes.
fn data(features: usize, three: bool) -> (Frame, Frame) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/breast-cancer/data/breast_cancer.csv");
    let all = Frame::from_csv(&fs::read_to_string(path).unwrap());
    let area = all.column("worst_area").unwrap().numbers().unwrap().into_owned();
    let size = |area: &f64| {
        if *area < 600.0 {
            "small"
        } else if *area < 1000.0 {
            "middle"
        } else {
            "large"
        }
    };
    let target = if three { Column::texts(area.iter().map(size)) } else { all.column("diagnosis").unwrap().clone() };
    let columns = all.schema().into_iter().map(|field| field.name).zip(all.columns().to_vec()).take(features);
    let all = Frame::new(columns.chain([("class".to_owned(), target)])).with_target("class");
    let holdout: Vec<usize> = HOLDOUT.split_whitespace().map(|row| row.parse().unwrap()).collect();
    let training: Vec<usize> = (0..569).filter(|row| !holdout.contains(row)).collect();
    (all.take(&training), all.take(&holdout))
}

/// Compares the labels, the probabilities of the first three rows of the hold-out, its log loss and its accuracy.
fn check(features: usize, three: bool, params: &Params, labels: &[&str], rows: [&[f64]; 3], log_loss: f64, accuracy: f64) {
    let (training, holdout) = data(features, three);
    let fitted = fit(&training, params, &()).unwrap();
    assert!(fitted.converged);
    assert_eq!(fitted.classes.labels(), labels);
    let model = Classifier::load(&Classifier::try_from(fitted).unwrap().state().bytes).unwrap();
    let inputs: Vec<_> = model.inputs().iter().map(|field| holdout.column(&field.name).unwrap().clone()).collect();
    let outputs = model.predict(114, &inputs).unwrap();
    let probability = |row: usize, class: usize| outputs[class + 1].numbers().unwrap()[row];
    for (row, expected) in rows.into_iter().enumerate() {
        for (class, &expected) in expected.iter().enumerate() {
            let found = probability(row, class);
            assert!((found - expected).abs() < 1e-6, "row {row}, class {class}: expected {expected}, found {found}");
        }
    }
    let truth = holdout.column("class").unwrap();
    let class = |row: usize| labels.iter().position(|label| truth.text(row).as_deref() == Some(label)).unwrap();
    let loss = (0..114).map(|row| -probability(row, class(row)).ln()).sum::<f64>() / 114.0;
    assert!((loss - log_loss).abs() < 1e-6, "log loss: expected {log_loss}, found {loss}");
    let hits = (0..114).filter(|&row| outputs[0].text(row) == truth.text(row)).count();
    assert_eq!(hits as f64 / 114.0, accuracy);
}

#[test]
fn two_classes() {
    let labels = ["benign", "malignant"];
    let rows: [&[f64]; 3] = [
        &[0.0018813432706390465, 0.998118656729361],
        &[0.9669729535355152, 0.03302704646448482],
        &[0.9991896384130037, 0.0008103615869963496],
    ];
    check(30, false, &Params::default(), &labels, rows, 0.09236910371975161, 0.9649122807017544);
    let rows: [&[f64]; 3] = [
        &[0.05280044596472855, 0.9471995540352715],
        &[0.9156158197731978, 0.08438418022680222],
        &[0.9903843841266963, 0.00961561587330369],
    ];
    check(30, false, &Params { c: 0.1, ..Params::default() }, &labels, rows, 0.09723486867516377, 0.9649122807017544);
}

#[test]
fn three_classes() {
    let labels = ["large", "middle", "small"];
    let rows: [&[f64]; 3] = [
        &[0.03366148067433431, 0.8889809511075146, 0.07735756821815103],
        &[0.025427237014375326, 0.824844283752997, 0.1497284792326278],
        &[0.017335371264210104, 0.9482074276688719, 0.0344572010669179],
    ];
    check(10, true, &Params::default(), &labels, rows, 0.21414675438382294, 0.9122807017543859);
}

#[test]
fn features_as_they_are() {
    let labels = ["large", "middle", "small"];
    let rows: [&[f64]; 3] = [
        &[0.022902248157879165, 0.9448260593577422, 0.03227169248437863],
        &[0.010864714737741449, 0.8159620087886197, 0.17317327647363878],
        &[0.018141183621480067, 0.9547396022272194, 0.027119214151300537],
    ];
    let params = Params { c: 0.01, standardize: false, ..Params::default() };
    check(3, true, &params, &labels, rows, 0.20400937509256165, 0.9210526315789473);
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let (training, _) = data(30, false);
    let bytes = || Classifier::try_from(fit(&training, &Params::default(), &()).unwrap()).unwrap().state().bytes;
    assert_eq!(bytes(), bytes());
}

#[test]
fn targets_of_other_types_keep_them() {
    let x = Column::floats(vec![0.0, 1.0, 2.0, 3.0]);
    for values in [Values::Integers(vec![7, 7, 9, 9]), Values::Booleans(vec![0, 0, 1, 1])] {
        let target = Column { values, validity: None };
        let frame = Frame::new([("x", x.clone()), ("y", target.clone())]).with_target("y");
        let model = Classifier::try_from(fit(&frame, &Params::default(), &()).unwrap()).unwrap();
        let model = Classifier::load(&model.state().bytes).unwrap();
        assert_eq!(model.outputs()[0].dtype, frame.schema()[1].dtype);
        assert_eq!(model.predict(4, std::slice::from_ref(&x)).unwrap()[0], target);
    }
}

#[test]
fn separable_data_and_constant_columns_converge() {
    let x = Column::floats((0..20).map(f64::from).collect());
    let y = Column::texts((0..20).map(|row| if row < 10 { "no" } else { "yes" }));
    let frame = Frame::new([("x", x), ("one", Column::floats(vec![1.0; 20])), ("y", y)]).with_target("y");
    for c in [1e-6, 1.0, 1e6] {
        let fitted = fit(&frame, &Params { c, ..Params::default() }, &()).unwrap();
        assert!(fitted.converged && fitted.accuracy >= 0.5, "c {c}: {fitted:?}");
        assert_eq!(fitted.weights[3], 0.0, "a constant column carries nothing");
    }
    let impatient = Params { max_iterations: 1, ..Params::default() };
    assert!(!fit(&frame, &impatient, &()).unwrap().converged);
}

#[test]
fn bad_input_is_named() {
    let (training, _) = data(3, false);
    let refused = |frame: &Frame| fit(frame, &Params::default(), &()).unwrap_err().message().to_owned();
    let single = refused(&training.take(&[]));
    assert_eq!(single, "expected at least two classes in target column `class`, found no row");
    let text = "expected numbers in column `class`, found text";
    assert_eq!(
        refused(&training.clone().with_target("mean_radius")),
        "expected classes (text, integer or boolean) in target column `mean_radius`, found float"
    );
    let flags = Column { values: Values::Integers(vec![0, 1]), validity: None };
    let words = Frame::new([("class", Column::texts(["a", "b"])), ("y", flags)]).with_target("y");
    assert_eq!(refused(&words), text);
    let failure = fit(&training, &Params { c: 0.0, ..Params::default() }, &()).unwrap_err();
    assert_eq!(failure.message(), "`c`: expected a finite number above 0, found 0");
}
