//! `sprag report`: a run as one file.

use std::fs;

use sprag_schemas::exit_code;

use crate::context::Project;

#[test]
fn a_run_is_one_file_with_its_figures_and_plots() {
    let project = Project::diabetes();
    let _ = project.record(&[]);
    let _ = project.record(&["--param", "train.alpha=0.4"]);
    let wrote = project.run(&["report", "--output", "report.html"]).ok();
    assert!(wrote.stderr.contains("wrote `report.html`"), "{}", wrote.stderr);
    let page = project.read("report.html");
    for expected in [
        "Candidate and production, on the same rows",
        "Predicted against actual",
        "Residuals",
        "mse of the registered versions",
        "Hold-out",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    let printed = project.run(&["report", "latest"]).ok().stdout;
    assert!(printed.trim_end() == page.trim_end(), "the same run is the same page");
}

#[test]
fn markup_in_a_project_is_text() {
    let project = Project::diabetes();
    project.edit("description = ", "description = \"<script>alert(1)</script>\" # ");
    project.edit("tags = {", "tags = { markup = \"<img src=x onerror=alert(1)>\",");
    let _ = project.sprag(&["run"]).env("SPRAG_USER", "<script>alert(2)</script>").run().ok();
    let page = project.run(&["report"]).ok().stdout;
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(2)"));
}

#[test]
fn what_cannot_be_reported_is_said() {
    let project = Project::diabetes();
    let none = project.run(&["report"]).exits(exit_code::BAD_PROJECT);
    assert!(none.stderr.contains("found none"), "{}", none.stderr);
    let _ = project.record(&[]);
    let unknown = project.run(&["report", "20200101"]).exits(exit_code::BAD_PROJECT);
    assert!(unknown.stderr.contains("no run is called `20200101`"), "{}", unknown.stderr);
    fs::create_dir(project.path("folder")).unwrap();
    let folder = project.run(&["report", "-o", "folder"]).exits(exit_code::BAD_PROJECT);
    assert!(folder.stderr.contains("failed to write `folder`"), "{}", folder.stderr);
}

#[test]
fn a_classifier_of_two_classes_is_shown_with_its_calibration() {
    let rows: String = (0..400)
        .map(|row| format!("{},{}\n", f64::from(row) / 100.0, if row > 200 || row % 7 == 0 { "yes" } else { "no" }))
        .collect();
    let project = Project::small(&format!("x,y\n{rows}"));
    project.edit("train-ridge", "train-logistic");
    project.edit("evaluate-regression", "evaluate-classification");
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["report", "latest", "--output", "report.html"]).ok();
    let page = project.read("report.html");
    assert!(page.contains("Calibration for yes") && page.contains("What was taken for what"), "{page}");
}
