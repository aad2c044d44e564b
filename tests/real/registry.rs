//! Packages in a real registry, Debian's `docker-registry`, read back by `skopeo`, which knows nothing of sprag.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sprag_core::digest::Digest;
use sprag_schemas::exit_code;
use sprag_schemas::package::Package;

use crate::context::{Outcome, Project};
use crate::part::{Server, free_port, is_here, output};

/// A user of the registry, and the password as bcrypt has it.
const USER: &str = "ci";
const PASSWORD: &str = "correct horse";
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";

pub(crate) fn are_here() -> bool {
    is_here("docker-registry", &["--version"]) && is_here("skopeo", &["--version"])
}

/// A registry that keeps its files in a folder, where an earlier one with that folder may have left some.
pub(crate) fn registry(folder: &Path, port: u16, has_users: bool) -> Server {
    std::fs::create_dir_all(folder).unwrap();
    let at = folder.display();
    let mut config = format!(
        "version: 0.1\nlog: {{ level: error, accesslog: {{ disabled: true }} }}\nstorage: {{ filesystem: {{ rootdirectory: {at}/data }} }}\n\
         http: {{ addr: 127.0.0.1:{port} }}\n"
    );
    if has_users {
        std::fs::write(folder.join("users"), format!("{USER}:{HASH}\n")).unwrap();
        config = format!("{config}auth: {{ htpasswd: {{ realm: test, path: {at}/users }} }}\n");
    }
    let file = folder.join("registry.yml");
    std::fs::write(&file, config).unwrap();
    // It takes what it does not have for an error worth a line.
    Server::start(Command::new("docker-registry").arg("serve").arg(&file).stderr(Stdio::null()), port, "/v2/")
}

/// A project with one registered version.
fn trained() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    project
}

/// A folder with docker's configuration, which knows a user of a registry.
fn docker_config(project: &Project, host: &str, password: &str) -> PathBuf {
    let folder = project.outside().join("docker");
    std::fs::create_dir_all(&folder).unwrap();
    // What `docker login` writes where there is no helper for secrets.
    let auth = base64(&format!("{USER}:{password}"));
    std::fs::write(folder.join("config.json"), format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#)).unwrap();
    folder
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let letter = |at: usize| char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]);
        coded.extend((0..4).map(|at| if at <= three.len() { letter(at) } else { '=' }));
    }
    coded
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

#[test]
fn another_client_reads_what_was_pushed() {
    if !are_here() {
        return;
    }
    let project = trained();
    let server = registry(&project.outside().join("registry"), free_port(), false);
    let repository = format!("127.0.0.1:{}/team/diabetes", server.port);
    let pushed = project.run(&["package", "diabetes@1", "--push", &repository, "--component", "diabetes.wasm", "--json"]).ok();
    let package: Package = pushed.json();
    let record = package.pushed.clone().unwrap();
    assert_eq!(record.reference, format!("{repository}@{}", package.digest));
    assert_eq!((record.tagged, record.component), (format!("{repository}:1"), Some(format!("{repository}:1-wasm"))));

    let read = |args: &[&str]| output("skopeo", &[args, &["--tls-verify=false"]].concat());
    let raw = |name: &str| read(&["inspect", "--raw", &format!("docker://{repository}{name}")]);
    let index = raw(":1");
    assert_eq!((sha256(index.as_bytes()), raw(&format!("@{}", package.digest))), (package.digest.clone(), index.clone()));
    let index: Value = serde_json::from_str(&index).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 3);

    // The image is what a client gets that asks for one of its own platform.
    let image: Value = serde_json::from_str(&read(&["inspect", &format!("docker://{repository}:1")])).unwrap();
    let labels = &image["Labels"];
    assert_eq!(
        (&labels["org.opencontainers.image.title"], &labels["org.opencontainers.image.version"]),
        (&"diabetes".into(), &"1".into())
    );
    assert_eq!(labels["sprag.model.digest"], package.model.as_str());

    // The component is an artefact by the guidance for WebAssembly, and its one layer is the file itself.
    let copy = project.path("copy");
    let to = format!("oci:{}:wasm", copy.display());
    let _ = output(
        "skopeo",
        &["copy", "--preserve-digests", "--src-tls-verify=false", &format!("docker://{repository}:1-wasm"), &to],
    );
    let manifest: Value = serde_json::from_str(&raw(":1-wasm")).unwrap();
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!((layers.len(), &layers[0]["mediaType"]), (1, &"application/wasm".into()));
    let blob = copy.join("blobs").join(layers[0]["digest"].as_str().unwrap().replace(':', "/"));
    let component = std::fs::read(project.path("diabetes.wasm")).unwrap();
    assert_eq!((sha256(&component), &std::fs::read(blob).unwrap()), (package.component.unwrap(), &component));

    // The bill of materials is found from the image, by the specification's scheme for registries without an interface for it.
    let image = package.image.unwrap();
    let referrers: Value = serde_json::from_str(&raw(&format!(":{}", image.replace(':', "-")))).unwrap();
    let bill = &referrers["manifests"][0];
    assert_eq!(bill["artifactType"], "application/vnd.cyclonedx+json");
    let bill: Value = serde_json::from_str(&raw(&format!("@{}", bill["digest"].as_str().unwrap()))).unwrap();
    assert_eq!(bill["subject"]["digest"], image.as_str());

    // All of it, copied on, is the same.
    let whole = format!("oci:{}:all", project.path("whole").display());
    let _ = output(
        "skopeo",
        &["copy", "--all", "--preserve-digests", "--src-tls-verify=false", &format!("docker://{repository}:1"), &whole],
    );
    let layout: Value = serde_json::from_str(&project.read("whole/index.json")).unwrap();
    assert_eq!(layout["manifests"][0]["digest"], package.digest.as_str());

    // Pushed again, no file is sent twice; another time and another copy of the project change nothing.
    let again = project.run(&["package", "--push", &format!("{repository}:stable")]).ok();
    assert!(again.stdout.contains(&package.digest) && again.stdout.contains(":stable-wasm"), "{}", again.stdout);
    assert_eq!(raw(":stable"), raw(":1"));
}

#[test]
fn credentials_are_those_of_docker() {
    if !are_here() {
        return;
    }
    let project = trained();
    let server = registry(&project.outside().join("registry"), free_port(), true);
    let host = format!("127.0.0.1:{}", server.port);
    let reference = format!("{host}/diabetes:1");
    let push = |password: Option<&str>| -> Outcome {
        let sprag = project.sprag(&["package", "--push", &reference]);
        match password {
            Some(password) => sprag.env("DOCKER_CONFIG", docker_config(&project, &host, password)).run(),
            None => sprag.run(),
        }
    };
    let nobody = push(None).exits(exit_code::BAD_PROJECT);
    assert!(
        nobody.stderr.contains(&format!("at the registry `{host}`: it wants credentials, and there are none")),
        "{}",
        nobody.stderr
    );
    assert!(nobody.stderr.contains(&format!("hint: run `docker login {host}`")), "{}", nobody.stderr);
    let wrong = push(Some("battery staple")).exits(exit_code::BAD_PROJECT);
    assert!(wrong.stderr.contains("it refused the credentials"), "{}", wrong.stderr);
    assert!(!format!("{}{}", wrong.stdout, wrong.stderr).contains("battery"), "{}", wrong.stderr);
    let right = push(Some(PASSWORD)).ok();
    assert!(right.stdout.contains(&format!("{host}/diabetes@sha256:")), "{}", right.stdout);
    let seen = format!("docker://{reference}");
    let raw = output("skopeo", &["inspect", "--raw", "--tls-verify=false", "--creds", &format!("{USER}:{PASSWORD}"), &seen]);
    assert!(right.stdout.contains(&sha256(raw.as_bytes())), "{}", right.stdout);
}

/// Stands before the registry and lets it die once it was sent so many bytes.
struct Way {
    port: u16,
    server: Arc<Mutex<Option<Server>>>,
}

impl Way {
    fn new(server: Server, most: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (port, registry) = (listener.local_addr().unwrap().port(), server.port);
        let server = Arc::new(Mutex::new(Some(server)));
        let (shared, passed) = (server.clone(), Arc::new(AtomicU64::new(0)));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                // Without a registry a connection is closed at once.
                let Ok(to) = TcpStream::connect((Ipv4Addr::LOCALHOST, registry)) else { continue };
                let (back, client_back) = (to.try_clone().unwrap(), client.try_clone().unwrap());
                let (shared, passed) = (shared.clone(), passed.clone());
                std::thread::spawn(move || {
                    let _ = pass(&client, &to, |bytes| {
                        if passed.fetch_add(bytes, Ordering::Relaxed) + bytes > most {
                            // Dropped, it is killed.
                            drop(shared.lock().unwrap().take());
                        }
                    });
                });
                std::thread::spawn(move || pass(&back, &client_back, |_| {}));
            }
        });
        Self { port, server }
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, mut told: impl FnMut(u64)) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let done = loop {
        match from.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                told(count as u64);
                if let Err(error) = to.write_all(&buffer[..count]) {
                    break Err(error);
                }
            }
            Err(error) => break Err(error),
        }
    };
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
    done
}

#[test]
fn a_registry_that_is_killed_in_the_middle_of_a_push() {
    if !are_here() {
        return;
    }
    let project = trained();
    let (folder, port) = (project.outside().join("registry"), free_port());
    let way = Way::new(registry(&folder, port, false), 3 << 20);
    let broken = project.run(&["package", "--push", &format!("127.0.0.1:{}/diabetes", way.port)]).exits(exit_code::INTERNAL);
    assert!(way.server.lock().unwrap().is_none(), "the registry was killed");
    assert!(broken.stderr.contains(" files had arrived"), "{}", broken.stderr);
    assert!(broken.stderr.contains("hint: push again: what has arrived is not sent twice"), "{}", broken.stderr);

    // Up again, it has no tag and no manifest, and the next push completes what it has.
    let server = registry(&folder, port, false);
    let repository = format!("127.0.0.1:{}/diabetes", server.port);
    let seen =
        Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false", &format!("docker://{repository}:1")]).output();
    assert!(!seen.unwrap().status.success(), "nothing names half a package");
    let again = project.run(&["package", "--push", &repository]).ok();
    assert!(again.stdout.contains("there already") && !again.stdout.contains(" 0 there already"), "{}", again.stdout);
    let raw = output("skopeo", &["inspect", "--raw", "--tls-verify=false", &format!("docker://{repository}:1")]);
    assert!(again.stdout.contains(&sha256(raw.as_bytes())), "{}", again.stdout);
}

#[test]
fn what_cannot_be_pushed_to() {
    let project = trained();
    for (reference, expected) in [
        ("diabetes:1", "it has no `/` between registry and repository"),
        ("https://r.example.com/a", "it begins with a scheme"),
        ("r.example.com/Diabetes", "the repository is lower-case letters"),
    ] {
        let refused = project.run(&["package", "--push", reference]).exits(exit_code::BAD_PROJECT);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
    let digest = format!("r.example.com/a@sha256:{}", "ab".repeat(32));
    let refused = project.run(&["package", "--push", &digest]).exits(exit_code::BAD_PROJECT);
    assert!(
        refused.stderr.contains("expected a repository to push to, perhaps with a tag, found a digest"),
        "{}",
        refused.stderr
    );
    let down = project.run(&["package", "--push", &format!("127.0.0.1:{}/a", free_port())]).exits(exit_code::INTERNAL);
    assert!(down.stderr.contains("Connection refused") && down.stderr.contains("0 of "), "{}", down.stderr);
    assert!(down.stderr.contains("hint: see that the registry runs and is reached from here"), "{}", down.stderr);
}
