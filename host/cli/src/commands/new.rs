//! `sprag new`

use std::fs;
use std::path::Path;

use sprag_core::plan::is_name;
use sprag_data::{DType, Source, Table};
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::{NewArgs, Template};
use crate::console::{BOLD, Console};
use crate::error::CommandError;

/// A project to begin with: the example of that name, file by file.
struct Files {
    /// The example's name, which the new project's takes the place of.
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// Bakes in the files of an example, so that what `new` makes is what the tests run.
macro_rules! example {
    ($name:literal, $($file:literal),+) => {
        Files { name: $name, files: &[$(($file, include_str!(concat!("../../../../examples/", $name, "/", $file)))),+] }
    };
}

static DIABETES: Files = example!("diabetes", "sprag.toml", "profile.json", "data/diabetes.csv", "data/README.md");
static BREAST_CANCER: Files = example!("breast-cancer", "sprag.toml", "profile.json", "data/breast_cancer.csv", "data/README.md");

/// Makes a project.
///
/// # Errors
/// The folder is there already, its name is no project name, or the data cannot be read.
pub fn run(args: &NewArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let dir = &args.dir;
    let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_name(name) {
        let message =
            format!("expected a folder name of lower-case letters, digits and hyphens, beginning with a letter, found `{name}`");
        return Err(CommandError::user(message).hint("the folder's name becomes the project's"));
    }
    if dir.exists() {
        return Err(
            CommandError::user(format!("`{}` is there already", dir.display())).hint("name a folder that is not there yet")
        );
    }
    match (&args.template, &args.data, &args.target) {
        (Some(template), ..) => from_template(dir, name, *template)?,
        (None, Some(data), Some(target)) => from_data(dir, name, data, target)?,
        _ => return Err(CommandError::user("expected `--template`, or `--data` and `--target`")),
    }
    console.line(&format!("made `{}`", dir.display()));
    console.line(&format!("run it with {BOLD}sprag run --project {}{BOLD:#}", dir.display()));
    Ok(exit_code::SUCCESS)
}

fn from_template(dir: &Path, name: &str, template: Template) -> Result<(), CommandError> {
    let Files { name: example, files } = match template {
        Template::Diabetes => &DIABETES,
        Template::BreastCancer => &BREAST_CANCER,
    };
    for (file, text) in *files {
        let text = if *file == "sprag.toml" {
            text.replace(&format!("name = \"{example}\""), &format!("name = \"{name}\""))
        } else {
            (*text).to_owned()
        };
        write(&dir.join(file), text.as_bytes())?;
    }
    write(&dir.join(".gitignore"), b".sprag/\n")
}

/// Looks at the data and writes a project that fits it, with a profile of it.
fn from_data(dir: &Path, name: &str, data: &Path, target: &str) -> Result<(), CommandError> {
    let bad = |error| CommandError::from(sprag_lifecycle::SourceError(error));
    let table = sprag_data::load(&Source::new(data)).and_then(|table| table.with_roles(Some(target), None)).map_err(bad)?;
    let profile = sprag_data::profile(&table).map_err(bad)?;
    let mut profile = serde_json::to_string_pretty(&profile).expect("a profile is made of maps with text keys");
    profile.push('\n');
    let file = data
        .file_name()
        .and_then(|file| file.to_str())
        .ok_or_else(|| CommandError::user("expected a data file with a name of text"))?;
    write(&dir.join("sprag.toml"), manifest(name, file, target, &table).as_bytes())?;
    write(&dir.join("profile.json"), profile.as_bytes())?;
    write(&dir.join(".gitignore"), b".sprag/\n")?;
    let copy = dir.join("data").join(file);
    fs::create_dir_all(dir.join("data"))
        .and_then(|()| fs::copy(data, &copy))
        .map_err(|error| CommandError::io("write", &copy, &error))?;
    Ok(())
}

/// The project file for a table: a regression where the target is a number with a fraction, else a classification.
fn manifest(name: &str, file: &str, target: &str, table: &Table) -> String {
    let is_regression = table.schema().iter().any(|field| field.name == target && field.dtype == DType::Float);
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let is_usable = |field: &&sprag_data::Field| {
        field.name != target && matches!(field.dtype, DType::Float | DType::Integer | DType::Boolean)
    };
    let features: Vec<_> = table.schema().iter().filter(is_usable).map(|field| text(&field.name)).collect();
    let (test, trainer, evaluator, metric) = if is_regression {
        ("test-regressor", "train-ridge", "evaluate-regression", "mse")
    } else {
        ("test-classifier", "train-logistic", "evaluate-classification", "log_loss")
    };
    format!(
        "[project]\nname = {}\n\n[data]\npath = {}\ntarget = {}\nfeatures = [{}]\n\n[split]\ntest-size = 0.2\nrandom-state = 0\n\n\
         [stages.sanity-check]\nplugin = \"check-tabular\"\ninputs = {{ profile = \"profile.json\" }}\n\n[stages.unit-test]\nplugin = \"{test}\"\n\n\
         [stages.train]\nplugin = \"{trainer}\"\n\n[stages.evaluate]\nplugin = \"{evaluator}\"\nparams = {{ metric = \"{metric}\" }}\n\n\
         [stages.register]\nplugin = \"register-local\"\n",
        text(name),
        text(&format!("data/{file}")),
        text(target),
        features.join(", "),
    )
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    made.map_err(|error| CommandError::io("write", path, &error))
}
