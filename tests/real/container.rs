//! The image as container engines run it: loaded from an archive, as nobody in particular, with no rights and nothing to write to.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sprag_schemas::package::Package;
use tempfile::TempDir;

use crate::client::{Answer, eventually, get, get_until, post};
use crate::context::Project;
use crate::part::{Server, free_port, is_here};

/// Two rows of the diabetes data.
pub(crate) const ROWS: &str =
    r#"{"data":[[59,2,32.1,101.0,157,93.2,38.0,4.0,4.8598,87],[48,1,21.6,87.0,183,103.2,70.0,3.0,3.8918,69]]}"#;

/// A container engine with files of its own, so that no test meets another.
pub(crate) struct Podman {
    folder: TempDir,
}

impl Podman {
    pub(crate) fn new() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let (at, podman) = (folder.path().display().to_string(), Self { folder });
        let write = |name: &str, text: String| std::fs::write(podman.at(name), text).unwrap();
        write("storage.conf", format!("[storage]\ndriver = \"overlay\"\nrunroot = \"{at}/run\"\ngraphroot = \"{at}/graph\"\n"));
        write(
            "containers.conf",
            "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\nnetns = \"host\"\n[engine]\nruntime = \"runc\"\n\
             cgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n"
                .to_owned(),
        );
        write("registries.conf", String::new());
        (is_here("podman", &["--version"]) && is_here("runc", &["--version"])).then_some(podman)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command.args(args).stdin(Stdio::null());
        for (variable, file) in [
            ("CONTAINERS_STORAGE_CONF", "storage.conf"),
            ("CONTAINERS_CONF", "containers.conf"),
            ("CONTAINERS_REGISTRIES_CONF", "registries.conf"),
        ] {
            command.env(variable, self.at(file));
        }
        command
    }

    fn try_run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = self.try_run(args);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "podman {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Containers and mounts are gone before the folder is.
        let _ = self.try_run(&["rm", "--all", "--force", "--time", "0"]);
        let _ = self.try_run(&["rmi", "--all", "--force"]);
    }
}

/// A trained project whose image listens on this port.
fn trained(port: u16) -> Project {
    let project = Project::diabetes();
    project.append(&format!("\n[stages.package]\nplugin = \"package-oci\"\nparams = {{ port = {port} }}\n"));
    let _ = project.run(&["run"]).ok();
    project
}

fn expected(project: &Project) -> Value {
    // What the service on this machine answers is what the image must answer.
    let port = free_port();
    let (at, mut command) = (format!("127.0.0.1:{port}"), Command::new(env!("CARGO_BIN_EXE_sprag")));
    command.args(["serve", "diabetes@1", "--listen", &at]).current_dir(project.root()).stderr(Stdio::null());
    let server = Server::start(&mut command, port, "/readyz");
    post(server.port, "/score", ROWS).json()
}

pub(crate) fn ready(port: u16) -> Answer {
    get_until(port, "/readyz", |answer| answer.status == 200)
}

#[test]
fn an_image_runs_without_any_right() {
    let Some(podman) = Podman::new() else { return };
    let port = free_port();
    let project = trained(port);
    let package: Package = project.run(&["package", "--output", "diabetes.tar", "--json"]).ok().json();
    let archive = project.path("diabetes.tar").display().to_string();
    let loaded = podman.run(&["load", "--input", &archive]);
    assert!(loaded.contains("localhost/diabetes:1"), "{loaded}");
    let inspected: Value = serde_json::from_str(&podman.run(&["image", "inspect", "localhost/diabetes:1"])).unwrap();
    let image = &inspected[0];
    assert_eq!((&image["Config"]["User"], &image["Os"]), (&"65532:65532".into(), &"linux".into()));
    let digests = image["RepoDigests"].to_string();
    assert!(digests.contains(&package.digest) && digests.contains(package.image.as_deref().unwrap()), "{digests}");
    let locked = [
        "run",
        "--detach",
        "--name",
        "it",
        "--read-only",
        "--cap-drop",
        "all",
        "--security-opt",
        "no-new-privileges",
        "--memory",
        "64m",
    ];
    let _ = podman.run(&[&locked[..], &["localhost/diabetes:1"]].concat());
    let body: Value = ready(port).json();
    assert_eq!((&body["ready"], &body["digest"]), (&true.into(), &package.model.as_str().into()));
    assert_eq!(post(port, "/score", ROWS).json::<Value>(), expected(&project));
    assert_eq!(get(port, "/openapi.json").status, 200);
    let wrong = post(port, "/score", r#"{"data":[[1]]}"#);
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    // Nobody in particular, with no capability.
    let top = podman.run(&["inspect", "--format", "{{.State.Pid}}", "it"]);
    let status = std::fs::read_to_string(Path::new("/proc").join(top.trim()).join("status")).unwrap();
    assert!(status.contains("\nUid:\t65532\t65532") && status.contains("\nCapEff:\t0000000000000000"), "{status}");
    // Asked to stop, it ends its work and says that all is well.
    let _ = podman.run(&["stop", "--time", "20", "it"]);
    assert_eq!(podman.run(&["inspect", "--format", "{{.State.ExitCode}}", "it"]).trim(), "0");
}

#[test]
fn docker_s_client_runs_it_too() {
    let Some(podman) = Podman::new() else { return };
    if !is_here("docker", &["--version"]) {
        return;
    }
    let port = free_port();
    let project = trained(port);
    let _ = project.run(&["package", "--output", "diabetes.tar"]).ok();
    let socket = podman.at("docker.sock");
    let address = format!("unix://{}", socket.display());
    let mut service = podman.command(&["system", "service", "--time=0", &address]).stderr(Stdio::null()).spawn().unwrap();
    let docker =
        |args: &[&str]| Command::new("docker").args(args).env("DOCKER_HOST", &address).stdin(Stdio::null()).output().unwrap();
    eventually("the engine's socket", || docker(&["version"]).status.success());
    let ran = (|| {
        let text = |output: Output| {
            let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            if output.status.success() { Ok(all) } else { Err(all) }
        };
        text(docker(&["load", "--input", &project.path("diabetes.tar").display().to_string()]))?;
        text(docker(&[
            "run",
            "--detach",
            "--name",
            "it",
            "--read-only",
            "--cap-drop",
            "ALL",
            "--network",
            "host",
            "localhost/diabetes:1",
        ]))?;
        let answer = ready(port).status;
        text(docker(&["rm", "--force", "it"]))?;
        Ok::<_, String>(answer)
    })();
    let _ = service.kill();
    let _ = service.wait();
    assert_eq!(ran, Ok(200));
}
