//! What a challenger in shadow that never returns costs the champion: the same service with and without it, loaded in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::{Report, ms, say};
use crate::servers::{Client, Load, Server, free_port, on_first_core};

/// The row at which the test program's scorer loops.
const ROWS: &str = r#"{"data":[[-2],[-2]]}"#;

/// How many connections there are.
const CONNECTIONS: u32 = 16;

pub(crate) fn run(report: &mut Report, sprag: &Path, scratch: &Path, rounds: usize, seconds: u32) {
    let site = Site::new(sprag, scratch);
    let (Some(alone), Some(shadowed)) = (site.serve(&[]), site.serve(&["--shadow", "loop=looping@1"])) else {
        say("shadow: the service did not start");
        return;
    };
    let (mut without, mut with) = (vec![], vec![]);
    for _ in 0..rounds {
        without.extend(alone.load(Client::Wrk, CONNECTIONS, seconds));
        with.extend(shadowed.load(Client::Wrk, CONNECTIONS, seconds));
    }
    let (Some(without), Some(with)) = (Load::median(without), Load::median(with)) else { return };
    let change = with.p99 / without.p99 - 1.0;
    report.add(
        "the champion's p99 beside a looping challenger in shadow",
        ms(with.p99),
        format!("{} without it", ms(without.p99)),
        format!("{:+.1} %", change * 100.0),
        Some(("less than 10 % more", change < 0.10)),
    );
}

/// A project with a model, and one that loops where it is asked for -2.
struct Site<'a> {
    sprag: &'a Path,
    project: PathBuf,
    cache: PathBuf,
}

impl<'a> Site<'a> {
    fn new(sprag: &'a Path, scratch: &Path) -> Self {
        let site = Self { sprag, project: scratch.join("shadow"), cache: scratch.join("shadow-cache") };
        let rows: String = (0..40).map(|x| format!("{x},{}\n", 2 * x)).collect();
        site.write("data.csv", format!("x,y\n{rows}"));
        site.register("champion", "train-ridge", "{}");
        let looping = fs::read(sprag_test_programs::TRAINER).expect("the build made it");
        site.write("looping.wasm", looping);
        site.register("looping", "./looping.wasm", "{ act = \"moody\" }");
        site
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(&self.project)
            .and_then(|()| fs::write(self.project.join(name), content))
            .expect("the scratch folder can be written");
    }

    /// Runs the project with this trainer, and with this name for the model.
    fn register(&self, model: &str, plugin: &str, params: &str) {
        self.write(
            "sprag.toml",
            format!(
                "[project]\nname = \"shadow\"\n[data]\npath = \"data.csv\"\ntarget = \"y\"\n[model]\nname = \"{model}\"\n\
                 [stages.train]\nplugin = \"{plugin}\"\nparams = {params}\n[stages.evaluate]\nplugin = \"evaluate-regression\"\n\
                 [stages.register]\nplugin = \"register-local\"\n"
            ),
        );
        let _none_yet = fs::remove_file(self.project.join("sprag.lock"));
        let status = self.command(Command::new(self.sprag)).arg("run").stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "sprag run with {plugin} failed");
    }

    fn command(&self, mut command: Command) -> Command {
        command.arg("--project").arg(&self.project).env("SPRAG_CACHE_DIR", &self.cache);
        command
    }

    fn serve(&self, more: &[&str]) -> Option<Server> {
        let port = free_port();
        let mut command = self.command(on_first_core(self.sprag));
        command.args(["serve", "champion@1", "--listen", &format!("127.0.0.1:{port}")]).args(more);
        Server::start("sprag serve", &mut command, port, "/score", ROWS)
    }
}
