//! Plugins in Python and JavaScript as their authors make them: the SDKs' own tests, a project for each kind with its own, and a trainer in each language that is
//! built, held against the conformance kit and swapped in for `train-ridge`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sprag_schemas::record::RunRecord;

use crate::context::{Project, root};
use crate::part::is_here;

/// The golden mean squared errors of scikit-learn on the example, by alpha.
const GOLDEN: [(&str, f64); 2] = [("0.4", 3_295.714_938_563_237), ("0.5", 3_298.885_589_364_046)];

/// A language with an SDK.
struct Language {
    name: &'static str,
    program: &'static str,
    /// The arguments that run the tests of a folder natively.
    test: &'static [&'static str],
    /// What its build needs beside that, with what shows that it is there.
    tool: (&'static str, &'static [&'static str]),
}

const PYTHON: Language =
    Language { name: "python", program: "python3", test: &["-m", "unittest"], tool: ("componentize-py", &["--version"]) };
const JAVASCRIPT: Language = Language { name: "js", program: "node", test: &["--test"], tool: ("npm", &["--version"]) };

impl Language {
    fn is_here(&self) -> bool {
        is_here(self.program, &["--version"])
    }

    fn builds(&self) -> bool {
        self.is_here() && is_here(self.tool.0, self.tool.1)
    }

    fn sdk(&self) -> PathBuf {
        root().join(format!("plugins/sdk-{}", self.name))
    }

    #[track_caller]
    fn passes(&self, dir: &Path, args: &[&str]) {
        let output = Command::new(self.program).args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{} {args:?} in {}: {}", self.program, dir.display(), String::from_utf8_lossy(&said));
    }
}

/// A trainer as an author gets it takes the place of `train-ridge`, and gives the figures that scikit-learn gives.
fn a_trainer_takes_the_place_of_the_built_in_one(language: &Language) {
    if !language.builds() {
        return;
    }
    let project = Project::diabetes();
    let _ = project.run(&["lock"]).ok();
    let _ = project.run(&["plugin", "new", "--stage", "train", "--lang", language.name, "mine"]).ok();
    let built: Value = project.run(&["plugin", "build", "mine", "--json"]).ok().json();
    assert_eq!((&built["plugin"], &built["built"]), (&"mine 0.1.0".into(), &true.into()));
    let _ = project.run(&["plugin", "check", "mine", "--stage", "train"]).ok();
    let swapped: Value = project.run(&["swap", "train", "mine", "--yes", "--json"]).ok().json();
    assert_eq!((&swapped["after"]["plugin"], &swapped["changed"]), (&"./mine/build/plugin.wasm".into(), &true.into()));
    for (alpha, expected) in GOLDEN {
        let record: RunRecord = project.record(&["--param", &format!("train.alpha={alpha}")]);
        let evaluate = record.stages.iter().find(|stage| stage.name == "evaluate").unwrap();
        let mse =
            evaluate.report.metrics.iter().find(|metric| metric.name == "mse" && metric.split.as_deref() == Some("candidate"));
        let mse = mse.unwrap_or_else(|| panic!("no mse in {record:?}")).value;
        assert!((mse - expected).abs() < 1e-9, "alpha {alpha}: {mse} for {expected}");
    }
    // An interpreter takes a minute over a million rows, which is for authors to wait for.
    let tested: Value =
        project.run(&["plugin", "test", "mine", "--skip", "million-rows", "--skip", "cancelled", "--json"]).ok().json();
    assert_eq!(tested["conforms"], true, "{tested}");
}

#[test]
fn the_sdks_pass_their_own_tests() {
    if PYTHON.is_here() {
        PYTHON.passes(&PYTHON.sdk(), &["-m", "unittest", "discover", "-s", "tests"]);
    }
    if JAVASCRIPT.is_here() {
        JAVASCRIPT.passes(&JAVASCRIPT.sdk(), &["--test"]);
    }
}

#[test]
fn every_project_passes_its_own_test() {
    let project = Project::none();
    for language in [PYTHON, JAVASCRIPT] {
        if !language.is_here() {
            continue;
        }
        for kind in ["sanity-check", "train", "evaluate", "notify"] {
            let name = format!("{kind}-{}", language.name);
            let _ = project.run(&["plugin", "new", "--stage", kind, "--lang", language.name, &name]).ok();
            language.passes(&project.path(&name), language.test);
        }
    }
}

#[test]
fn a_trainer_in_python() {
    a_trainer_takes_the_place_of_the_built_in_one(&PYTHON);
}

#[test]
fn a_trainer_in_javascript() {
    a_trainer_takes_the_place_of_the_built_in_one(&JAVASCRIPT);
}
