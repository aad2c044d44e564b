//! Drift: rows in a file and rows that a service saw, held against those of the training.

use serde_json::{Value, json};
use sprag_schemas::drift::{DriftReport, DriftVerdict};
use sprag_schemas::exit_code;

use crate::context::{Csv, Project, Service, ran};

/// A project with a version in production.
fn project() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    project
}

/// The data some times over, so that there are rows enough to say anything.
fn many(csv: &Csv) -> String {
    let mut csv = csv.clone();
    csv.rows = (0..6).flat_map(|_| csv.rows.clone()).collect();
    csv.text()
}

fn verdict(report: &DriftReport, column: &str) -> DriftVerdict {
    report.columns.iter().find(|found| found.column == column).unwrap_or_else(|| panic!("{column}: {report:?}")).verdict
}

#[test]
fn rows_like_those_of_the_training_have_not_drifted_and_others_have() {
    let project = project();
    project.write("same.csv", many(&Csv::diabetes()));
    let same: DriftReport = project.run(&["drift", "--input", "same.csv", "--json"]).ok().json();
    assert_eq!((same.version.as_str(), same.rows, same.training_rows, same.drifted), ("diabetes@1", 2652, 353, false));
    assert_eq!((same.columns.len(), verdict(&same, "BMI")), (10, DriftVerdict::Stable), "no prediction is in the file");

    let heavier = Csv::diabetes().map("BMI", |_, value| (value.parse::<f64>().unwrap() + 9.0).to_string());
    project.write("heavier.csv", many(&heavier));
    let moved: DriftReport = project.run(&["drift", "--input", "heavier.csv", "--json"]).exits(exit_code::DRIFTED).json();
    assert!(moved.drifted);
    assert_eq!((verdict(&moved, "BMI"), verdict(&moved, "AGE")), (DriftVerdict::Drifted, DriftVerdict::Stable));
    let text = project.run(&["drift", "--input", "heavier.csv"]).exits(exit_code::DRIFTED).stdout;
    assert!(text.contains("diabetes@1: 2652 rows of heavier.csv, held against 353 rows of the training\n"), "{text}");
    assert!(text.ends_with("drifted as far as 0.25 or further: BMI\n"), "{text}");
    // As far as that nobody asked for.
    let _ = project.run(&["drift", "--input", "heavier.csv", "--threshold", "50"]).ok();

    // What the model predicts for them has moved, too: the file of the predictions is judged with its outputs.
    let _ = project.run(&["score", "diabetes", "-i", "heavier.csv", "-o", "scored.csv"]).ok();
    let scored: DriftReport = project.run(&["drift", "--input", "scored.csv", "--json"]).exits(exit_code::DRIFTED).json();
    assert_eq!((scored.columns.len(), verdict(&scored, "prediction")), (11, DriftVerdict::Drifted));
}

#[test]
fn few_rows_say_nothing_and_a_missing_column_is_an_error() {
    let project = project();
    let mut few = Csv::diabetes();
    few.rows.truncate(5);
    project.write("few.csv", few.text());
    let told = project.run(&["drift", "--input", "few.csv"]).ok().stdout;
    assert!(told.ends_with("too few rows to say anything\n"), "{told}");
    project.write("less.csv", Csv::diabetes().without("BMI").text());
    let error = project.run(&["drift", "--input", "less.csv"]).exits(exit_code::BAD_PROJECT).error();
    assert!(error.contains("`less.csv`: ") && error.contains("`BMI`"), "{error}");
    for bad in ["0", "-1", "x"] {
        let _ = project.run(&["drift", "--threshold", bad]).exits(exit_code::BAD_PROJECT);
    }
}

#[test]
fn drift_starts_a_run_where_that_is_asked_for() {
    let project = project();
    project.write("same.csv", many(&Csv::diabetes()));
    let quiet = project.run(&["drift", "--input", "same.csv", "--run"]).ok().stdout;
    assert!(!quiet.contains("registered"), "nothing has drifted: {quiet}");
    let heavier = Csv::diabetes().map("BMI", |_, value| (value.parse::<f64>().unwrap() + 9.0).to_string());
    project.write("heavier.csv", many(&heavier));
    // The data that the model is trained on has grown by the new rows.
    project.edit("[stages.train]", "[run]\nseed = 7\n\n[stages.train]");
    let told = project.run(&["drift", "--input", "heavier.csv", "--run"]).ok().stdout;
    assert!(told.contains("drifted as far as 0.25") && told.contains("diabetes run "), "{told}");
    let runs: Vec<Value> = project.run(&["runs", "--json"]).ok().json();
    assert_eq!(runs.len(), 2, "{runs:?}");
}

#[test]
fn training_rows_that_are_gone_are_told() {
    let project = project();
    let sketches = project.path(".sprag/drift");
    assert_eq!(std::fs::read_dir(&sketches).unwrap().count(), 1, "a run keeps the sketch of what it registers");
    project.write("same.csv", many(&Csv::diabetes()));
    // Lost, it is made again as long as the data is what it was.
    std::fs::remove_dir_all(&sketches).unwrap();
    let _ = project.run(&["drift", "--input", "same.csv"]).ok();
    std::fs::remove_dir_all(&sketches).unwrap();
    let mut less = Csv::diabetes();
    less.rows.truncate(300);
    project.write("data/diabetes.csv", less.text());
    let error = project.run(&["drift", "--input", "same.csv"]).exits(exit_code::BAD_PROJECT).error();
    assert!(
        error.contains("the training rows of `diabetes@1` are no longer what they were: expected the digest `sha256:"),
        "{error}"
    );
    assert!(ran(&project.record(&["--no-cache"])).contains(&"train"));
}

#[test]
fn what_a_service_saw_is_told_by_it_and_by_the_command() {
    let project = project();
    let service = Service::start(&project, &["@production"]);
    let rows = |csv: &Csv| {
        let numbers = |row: &Vec<String>| row[..10].iter().map(|cell| cell.parse::<f64>().unwrap()).collect::<Vec<_>>();
        json!({ "data": csv.rows.iter().map(numbers).collect::<Vec<_>>() }).to_string()
    };
    let heavier = rows(&Csv::diabetes().map("BMI", |_, value| (value.parse::<f64>().unwrap() + 9.0).to_string()));
    let mut client = service.client();
    for _ in 0..4 {
        assert_eq!(client.post("/score", heavier.as_bytes()).status, 200);
    }
    let figures = client.get("/metrics");
    let psi = |column: &str| {
        let start = format!("sprag_drift_psi{{model=\"diabetes\",version=\"1\",role=\"input\",column=\"{column}\"}} ");
        let line = figures.text().lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{start}\n{}", figures.text())).parse::<f64>().unwrap()
    };
    assert!(psi("BMI") > 1.0 && psi("AGE") < 0.1, "{} {}", psi("BMI"), psi("AGE"));
    assert!(figures.text().contains("sprag_drift_rows{model=\"diabetes\",version=\"1\"} 1768.0\n"), "{}", figures.text());
    drop(client);
    // A service that ends writes what it has counted.
    let _ = service.stop().ok();
    let report: DriftReport = project.run(&["drift", "--json"]).exits(exit_code::DRIFTED).json();
    assert_eq!((report.rows, report.services.as_slice()), (1768, &["serve".to_owned()][..]));
    assert_eq!((verdict(&report, "BMI"), verdict(&report, "prediction")), (DriftVerdict::Drifted, DriftVerdict::Drifted));
    let other = project.run(&["drift", "--service", "another"]).exits(exit_code::BAD_PROJECT);
    assert_eq!(other.error(), "exit code 2\nerror: expected a service of the project (`serve`), found `another`\n");
    let _ = project.run(&["drift", "--service", "serve"]).exits(exit_code::DRIFTED);
}

#[test]
fn silence_is_no_good_sign() {
    let project = project();
    for args in [&["drift"][..], &["drift", "--days", "1", "--service", "serve"], &["drift", "--run"]] {
        let error = project.run(args).exits(exit_code::BAD_PROJECT).error();
        assert!(error.starts_with("exit code 2\nerror: expected rows of diabetes@1 seen by "), "{error}");
        assert!(error.contains(", found none\n\nhint: see that requests reach it: `sprag services`; "), "{error}");
    }
    let runs: Vec<Value> = project.run(&["runs", "--json"]).ok().json();
    assert_eq!(runs.len(), 1, "nothing seen is no reason to train again");
    // A script that takes silence for what it is can tell it from every other error.
    let report: DriftReport = project.run(&["drift", "--json"]).exits(exit_code::BAD_PROJECT).json();
    assert_eq!((report.rows, report.drifted), (0, false));
    project.write("none.csv", Csv { rows: vec![], ..Csv::diabetes() }.text());
    let error = project.run(&["drift", "--input", "none.csv"]).exits(exit_code::BAD_PROJECT).error();
    assert!(error.contains("none.csv"), "{error}");
}

#[test]
fn a_small_training_set_hides_nothing() {
    let project = Project::diabetes();
    let mut small = Csv::diabetes();
    small.rows.truncate(188);
    project.write("data/diabetes.csv", small.text());
    // A candidate may be blocked on so few rows; it is registered all the same where nothing is in production.
    let _ = project.run(&["run"]).ok();
    project.write("same.csv", many(&Csv::diabetes()));
    let same: DriftReport = project.run(&["drift", "--input", "same.csv", "--json"]).ok().json();
    assert_eq!((same.training_rows, same.drifted), (150, false), "{same:?}");
    let heavier = Csv::diabetes().map("BMI", |_, value| (value.parse::<f64>().unwrap() + 9.0).to_string());
    project.write("heavier.csv", many(&heavier));
    let moved: DriftReport = project.run(&["drift", "--input", "heavier.csv", "--json"]).exits(exit_code::DRIFTED).json();
    assert_eq!(verdict(&moved, "BMI"), DriftVerdict::Drifted);
}
