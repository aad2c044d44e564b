//! Scoring services side by side: two rows a request at 1, 16 and 256 connections, each server on one core and the load on the other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::{Report, ms, say};
use crate::process::copy;
use crate::python::Python;
use crate::servers::{Client, Load, MLFLOW_ROWS, ROWS, Server, free_port, on_first_core};
use crate::shadow;

/// The connections at which each server is loaded.
const CONNECTIONS: [u32; 3] = [1, 16, 256];
/// How often each is loaded, in turn with the others.
const ROUNDS: usize = 3;
/// How long each load takes.
const SECONDS: u32 = 3;

/// The service that all others are held against.
const SPRAG: &str = "sprag serve";
const BARE: &str = "bare hyper route";
const FASTAPI: &str = "FastAPI + uvicorn + scikit-learn";
const MLFLOW: &str = "MLflow's server";
const WASMTIME: &str = "the packaged component in wasmtime serve";

pub(crate) fn run(report: &mut Report, sprag: &Path, root: &Path, scratch: &Path, python: &Python) {
    let has = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !has("wrk") || !has("taskset") {
        say("services: no `wrk` or no `taskset` here");
        return;
    }
    let site = Site::new(sprag, root, scratch, python);
    let servers: Vec<Server> = site.servers();
    let missing: Vec<_> = [SPRAG, BARE, FASTAPI, MLFLOW, WASMTIME]
        .into_iter()
        .filter(|name| servers.iter().all(|server| server.name != *name))
        .collect();
    if !missing.is_empty() {
        say(&format!("services: not here: {}", missing.join(", ")));
    }
    for client in [Client::Wrk, Client::Spinning] {
        for connections in CONNECTIONS {
            side_by_side(report, &servers, client, connections);
        }
    }
    for server in &servers {
        let is_ours = server.name == SPRAG;
        let ready = server.ready.as_secs_f64();
        let goal = is_ours.then_some(("under 50 ms", ready < 0.050));
        report.add(
            &format!("{}: first answer after the start of the process", server.name),
            ms(ready),
            String::new(),
            String::new(),
            goal,
        );
        let memory = server.memory();
        let goal = is_ours.then_some(("under 60 MB", memory < 60_000_000));
        report.add(
            &format!("{}: memory after the load", server.name),
            format!("{:.1} MB", memory as f64 / 1e6),
            String::new(),
            String::new(),
            goal,
        );
    }
    drop(servers);
    shadow::run(report, sprag, scratch, ROUNDS, SECONDS);
}

/// Loads all servers in turn. The client that never sleeps is for those that could answer it sooner than it sleeps.
fn side_by_side(report: &mut Report, servers: &[Server], client: Client, connections: u32) {
    let asked: Vec<_> =
        servers.iter().filter(|server| client == Client::Wrk || [SPRAG, BARE, FASTAPI].contains(&server.name)).collect();
    let mut loads: Vec<Vec<Load>> = asked.iter().map(|_| vec![]).collect();
    for _ in 0..ROUNDS {
        for (server, loads) in asked.iter().zip(&mut loads) {
            loads.extend(server.load(client, connections, SECONDS));
        }
    }
    let medians: Vec<(&str, Load)> =
        asked.iter().zip(loads).filter_map(|(server, loads)| Some((server.name, Load::median(loads)?))).collect();
    let Some((_, ours)) = medians.iter().find(|(name, _)| *name == SPRAG) else { return };
    let who = if client == Client::Wrk { "" } else { " that never sleep" };
    for (name, load) in &medians {
        compare(report, &format!("{name}, {connections} connections{who}"), name, load, ours);
    }
}

fn compare(report: &mut Report, what: &str, name: &str, load: &Load, ours: &Load) {
    let figure = |load: &Load| format!("{:.0} req/s, p50 {}, p99 {}", load.per_second, ms(load.p50), ms(load.p99));
    let failed = if load.failed > 0.0 { format!(", {} failed", load.failed) } else { String::new() };
    if name == SPRAG {
        report.add(what, figure(load) + &failed, String::new(), String::new(), None);
        return;
    }
    let (faster, sooner) = (ours.per_second / load.per_second, load.p50 / ours.p50);
    let goal = match name {
        FASTAPI => Some(("20 times its throughput and p50", faster >= 20.0 && sooner >= 20.0)),
        BARE => Some(("60 % of its throughput", faster >= 0.6)),
        _ => None,
    };
    let ratio = format!("sprag has {faster:.2} times its throughput, 1/{sooner:.2} of its p50");
    report.add(what, String::new(), figure(load) + &failed, ratio, goal);
}

/// A project with a registered model, and the same model as the others want it.
struct Site<'a> {
    sprag: &'a Path,
    project: PathBuf,
    scratch: &'a Path,
    cache: PathBuf,
    python: &'a Python,
}

impl<'a> Site<'a> {
    fn new(sprag: &'a Path, root: &Path, scratch: &'a Path, python: &'a Python) -> Self {
        let project = scratch.join("serving");
        copy(&root.join("examples/diabetes"), &project);
        let site = Self { sprag, cache: scratch.join("serving-cache"), project, scratch, python };
        site.call(&["run"]);
        if python.has("sklearn") && python.has("pandas") {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("serving/train.py");
            python.script(&script, &[&site.project.join("data/diabetes.csv"), scratch]);
        }
        site
    }

    fn sprag(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.arg("--project").arg(&self.project).args(arguments).env("SPRAG_CACHE_DIR", &self.cache);
        command
    }

    fn call(&self, arguments: &[&str]) {
        let status = self.sprag(Command::new(self.sprag), arguments).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "sprag {arguments:?} failed");
    }

    fn serve(&self, name: &'static str, arguments: &[&str]) -> Option<Server> {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let all = [&["serve", "diabetes@1", "--listen", &listen], arguments].concat();
        Server::start(name, &mut self.sprag(on_first_core(self.sprag), &all), port, "/score", ROWS)
    }

    fn servers(&self) -> Vec<Server> {
        // Once for the code cache: an installation compiles a model once.
        drop(self.serve(SPRAG, &[]));
        let ours = self.serve(SPRAG, &[]);
        [ours, self.bare(), self.fastapi(), self.mlflow(), self.wasmtime()].into_iter().flatten().collect()
    }

    fn bare(&self) -> Option<Server> {
        let (port, program) = (free_port(), std::env::current_exe().ok()?);
        Server::start(BARE, on_first_core(&program).args(["bare", &port.to_string()]), port, "/score", ROWS)
    }

    fn fastapi(&self) -> Option<Server> {
        let port = free_port();
        let mut command = on_first_core(self.python.program().as_ref());
        command.args([
            "-m",
            "uvicorn",
            "fastapi_app:app",
            "--workers",
            "1",
            "--no-access-log",
            "--log-level",
            "warning",
            "--port",
            &port.to_string(),
        ]);
        command.arg("--app-dir").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("serving"));
        command.env("SPRAG_BENCH_MODEL", self.scratch.join("model.joblib"));
        Server::start(FASTAPI, &mut command, port, "/score", ROWS)
    }

    fn mlflow(&self) -> Option<Server> {
        let port = free_port();
        let mut command = on_first_core(self.python.program().as_ref());
        command.args(["-m", "mlflow", "models", "serve", "--env-manager", "local", "--workers", "1", "--host", "127.0.0.1"]);
        command.args(["--port", &port.to_string(), "--model-uri"]).arg(self.scratch.join("mlflow"));
        let bin = Path::new(self.python.program()).parent().map(Path::to_owned).unwrap_or_default();
        let path =
            std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())))
                .ok()?;
        command.env("PATH", path).current_dir(self.scratch);
        Server::start(MLFLOW, &mut command, port, "/invocations", MLFLOW_ROWS)
    }

    /// The independent host is the `wasmtime` that `SPRAG_BENCH_WASMTIME` names, else that on the path.
    fn wasmtime(&self) -> Option<Server> {
        let (port, component) = (free_port(), self.scratch.join("diabetes.wasm"));
        let program = std::env::var_os("SPRAG_BENCH_WASMTIME").map_or_else(|| "wasmtime".into(), PathBuf::from);
        self.call(&["package", "diabetes@1", "--component", component.to_str()?]);
        let mut command = on_first_core(&program);
        command.args(["serve", "-Scli", &format!("--addr=127.0.0.1:{port}")]).arg(component);
        Server::start(WASMTIME, &mut command, port, "/score", ROWS)
    }
}
