//! A project in a temporary folder, beside a home.

use std::fs;
use std::path::{Path, PathBuf};

use sprag_schemas::event::Event;
use sprag_schemas::record::RunRecord;
use tempfile::TempDir;

use super::{Outcome, Running, Sprag};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A project. Its folder goes with it, unless the test fails.
pub(crate) struct Project {
    dir: TempDir,
    name: &'static str,
}

impl Project {
    /// A folder without a project.
    pub(crate) fn none() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["home", "project"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir, name: "project" }
    }

    /// A copy of an example, as it is in the repository.
    pub(crate) fn example(name: &'static str) -> Self {
        let mut project = Self::none();
        project.name = name;
        copy(&root().join("examples").join(name), &project.root());
        project
    }

    /// A copy of the diabetes example without its releases: `production` is what `sprag run` found to be better.
    pub(crate) fn diabetes() -> Self {
        let project = Self::example("diabetes");
        project.edit("alias = \"candidate\"", "alias = \"production\"");
        let text = project.read("sprag.toml");
        let (runs, _) = text.split_once("\n# A release goes").expect("the example's releases begin there");
        project.write("sprag.toml", runs);
        project
    }

    /// A project of training and evaluation on a small CSV file, without a check: what is wrong with the data reaches the trainer.
    pub(crate) fn small(csv: &str) -> Self {
        let project = Self::none();
        project.write("data.csv", csv);
        project.write(
            "sprag.toml",
            "[project]\nname = \"small\"\n\n[data]\npath = \"data.csv\"\ntarget = \"y\"\n\n[stages.train]\nplugin = \"train-ridge\"\n\n\
             [stages.evaluate]\nplugin = \"evaluate-regression\"\n",
        );
        project
    }

    /// The project's folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join(self.name)
    }

    /// The folder that holds the project and the home.
    pub(crate) fn outside(&self) -> &Path {
        self.dir.path()
    }

    /// A file of the project.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Replaces a text that stands in the project file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.read("sprag.toml");
        assert!(text.contains(from), "`{from}` is not in:\n{text}");
        self.write("sprag.toml", text.replacen(from, to, 1));
    }

    /// Adds lines to the end of the project file.
    pub(crate) fn append(&self, lines: &str) {
        self.write("sprag.toml", self.read("sprag.toml") + lines);
    }

    /// The program in this project's folder, with arguments.
    pub(crate) fn sprag(&self, args: &[&str]) -> Sprag<'_> {
        Sprag::new(self, args)
    }

    /// Runs the program in this project's folder.
    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.sprag(args).run()
    }

    /// Runs the project and gives the record. Any way to end is fine, as long as it is recorded.
    pub(crate) fn record(&self, args: &[&str]) -> RunRecord {
        let args = [&["run", "--format", "json"], args].concat();
        let outcome = self.run(&args);
        match outcome.events().pop() {
            Some(Event::RunFinished { record, .. }) => *record,
            other => panic!("expected the end of a run, found exit code {:?}, {}\nafter {other:?}", outcome.code, outcome.stderr),
        }
    }

    /// Starts a run whose events are read as they come.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        self.sprag(&[&["run", "--format", "json"], args].concat()).start()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            eprintln!("the test's files are in {}", self.dir.path().display());
        }
    }
}

/// Copies a folder without what a run leaves in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if name == ".sprag" || name == "sprag.lock" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
