//! Plugins in Python and JavaScript: the SDKs' own tests, the templates as they are handed out, and a trainer in each language in the place of `train-ridge`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sprag_schemas::record::RunRecord;

use crate::context::{Project, root};
use crate::part::is_here;

/// The name that a template is given.
const NAME: &str = "mine";

/// The golden mean squared errors of scikit-learn on the example, by alpha.
const GOLDEN: [(&str, f64); 2] = [("0.4", 3_295.714_938_563_237), ("0.5", 3_298.885_589_364_046)];

/// A language with an SDK.
struct Language {
    folder: &'static str,
    program: &'static str,
    /// The arguments that run the tests of a folder natively.
    test: &'static [&'static str],
}

const PYTHON: Language = Language { folder: "python", program: "python3", test: &["-m", "unittest"] };
const JAVASCRIPT: Language = Language { folder: "js", program: "node", test: &["--test"] };

impl Language {
    fn is_here(&self) -> bool {
        is_here(self.program, &["--version"])
    }

    fn sdk(&self) -> PathBuf {
        root().join(format!("plugins/sdk-{}", self.folder))
    }

    /// A plugin of a kind as an author gets it: the template, under a name, with the SDK and the contract beside it.
    fn plugin(&self, kind: &str) -> tempfile::TempDir {
        let plugin = tempfile::tempdir().unwrap();
        let dir = plugin.path();
        copy(&root().join("plugins/templates").join(self.folder).join(kind), dir);
        copy(&self.sdk().join("sprag"), &dir.join("sprag"));
        let wit = dir.join("sprag/wit");
        let (stage, rest) = if self.folder == "js" { (wit.clone(), wit.join("deps")) } else { (wit.join("stage"), wit.clone()) };
        copy(&root().join("wit/stage"), &stage);
        for package in ["data", "linalg", "run"] {
            copy(&root().join("wit").join(package), &rest.join(package));
        }
        if self.folder == "python" {
            copy(&root().join("plugins/sdk/wasi"), &wit.join("wasi"));
        }
        for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let text = fs::read_to_string(&entry).unwrap().replace("{{name}}", NAME);
            fs::write(entry, text).unwrap();
        }
        plugin
    }

    #[track_caller]
    fn passes(&self, dir: &Path, args: &[&str]) {
        let output = Command::new(self.program).args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{} {args:?} in {}: {}", self.program, dir.display(), String::from_utf8_lossy(&said));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            let _bytes = fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The example with another trainer, at each of the golden alphas.
fn gives_the_golden_figures(component: &Path) {
    let project = Project::diabetes();
    fs::copy(component, project.path("mine.wasm")).unwrap();
    project.edit("plugin = \"train-ridge\"", "plugin = \"./mine.wasm\"");
    for (alpha, expected) in GOLDEN {
        let record: RunRecord = project.record(&["--param", &format!("train.alpha={alpha}")]);
        let evaluate = record.stages.iter().find(|stage| stage.name == "evaluate").unwrap();
        let mse =
            evaluate.report.metrics.iter().find(|metric| metric.name == "mse" && metric.split.as_deref() == Some("candidate"));
        let mse = mse.unwrap_or_else(|| panic!("no mse in {record:?}")).value;
        assert!((mse - expected).abs() < 1e-9, "alpha {alpha}: {mse} for {expected}");
    }
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
fn every_template_passes_its_own_test() {
    for language in [PYTHON, JAVASCRIPT] {
        if !language.is_here() {
            continue;
        }
        for kind in ["check", "train", "evaluate", "notify"] {
            language.passes(language.plugin(kind).path(), language.test);
        }
    }
}

#[test]
fn a_trainer_in_python_gives_the_golden_figures() {
    if !is_here("componentize-py", &["--version"]) {
        return;
    }
    let plugin = PYTHON.plugin("train");
    PYTHON.passes(plugin.path(), &["-m", "sprag.build", "plugin.wasm"]);
    gives_the_golden_figures(&plugin.path().join("plugin.wasm"));
}
