//! A release in a cluster: the emulator of `tests/emulators/kubernetes`, which the real `kubectl` finds true, with images from a real registry; and what the
//! adapter prints, run by a container engine.

use std::process::{Command, Output, Stdio};

use emulator_kubernetes::{Cluster, Fate, Options, Server as Emulator};
use serde_json::{Value, json};
use sprag_schemas::exit_code;
use tempfile::TempDir;

use crate::client::{ask, eventually};
use crate::container::{Podman, ROWS, ready};
use crate::context::{Hidden, Project};
use crate::part::{Server, free_port, has_kubectl, is_here};
use crate::registry::{are_here, registry};

/// The token of who deploys.
const TOKEN: &str = "t0ken-of-the-deployer-5d41402abc4b2a76";

/// How short the hand-over is made here, where all nodes and gateways learn of it at once.
const HASTE: &str = "handover_seconds = 1";

/// A bearer key, and the same in base64.
const KEY: &str = "0123456789abcdef-key";
const CODED: &str = "MDEyMzQ1Njc4OWFiY2RlZi1rZXk=";

/// A cluster with its API server, and a kubeconfig for it.
pub(crate) struct Kubernetes {
    pub(crate) cluster: Cluster,
    pub(crate) server: Emulator,
    folder: TempDir,
}

impl Kubernetes {
    pub(crate) fn new() -> Self {
        let (cluster, folder) = (Cluster::new(), TempDir::new().unwrap());
        cluster.let_in(TOKEN, "deployer");
        let server = Emulator::start(&cluster, Options { tls: true, speed: 20, ..Options::default() }).unwrap();
        let authority = folder.path().join("ca.pem");
        std::fs::write(&authority, server.authority().unwrap()).unwrap();
        let kubeconfig = server.kubeconfig(TOKEN, Some(&authority.display().to_string()));
        std::fs::write(folder.path().join("config"), kubeconfig).unwrap();
        Self { cluster, server, folder }
    }

    pub(crate) fn kubeconfig(&self) -> String {
        self.folder.path().join("config").display().to_string()
    }

    fn kubectl(&self, args: &[&str], input: &str) -> Output {
        use std::io::Write;
        let mut command = Command::new("kubectl");
        // Its caches of what a server knows go with the test.
        command.args(args).env("KUBECONFIG", self.kubeconfig()).env("HOME", self.folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn says(&self, args: &[&str], input: &str) -> String {
        let output = self.kubectl(args, input);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "kubectl {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }
}

/// A trained project whose packages listen on a port and go to a registry, and from there to an environment `staging`.
fn project(registry: u16, port: u16, environment: &str) -> Project {
    let project = Project::diabetes();
    project.append(&format!(
        "\n[stages.package]\nplugin = \"package-oci\"\nparams = {{ port = {port} }}\n\n[release]\nrepository = \"127.0.0.1:{registry}/diabetes\"\n\n\
         {environment}"
    ));
    project.write("key.txt", KEY);
    let _ = project.run(&["run"]).ok();
    project
}

/// The environment in a cluster. It is tried where the parameters say where it answers.
fn in_cluster(kubernetes: &Kubernetes, params: &str) -> String {
    let (path, origin) = (kubernetes.kubeconfig(), kubernetes.server.url());
    let test = if params.contains("url") { "smoke-test = { plugin = \"smoke-test-http\" }\n" } else { "" };
    format!(
        "[secrets.kubeconfig]\nkubeconfig = {{ path = \"{path}\" }}\n\n[environments.staging]\n{test}\n\
         [environments.staging.deploy]\nplugin = \"deploy-kubernetes\"\nparams = {{ {params} }}\n\
         grants = {{ http = [\"{origin}\"], secrets = [\"kubeconfig\"] }}\n"
    )
}

/// The model behind the address that the cluster is said to answer at.
fn serving(project: &Project, port: u16, more: &[&str]) -> Server {
    let (at, mut command) = (format!("127.0.0.1:{port}"), Command::new(env!("CARGO_BIN_EXE_sprag")));
    command.args(["serve", "@production", "--log", "off", "--listen", &at]).args(more).current_dir(project.root());
    Server::start(&mut command, port, "/readyz")
}

fn environments(json: &Value) -> &Vec<Value> {
    json["environments"].as_array().unwrap()
}

#[test]
fn kubectl_finds_the_emulator_true() {
    if !has_kubectl() {
        return;
    }
    let kubernetes = Kubernetes::new();
    let container = json!({ "name": "c", "image": "example.com/i:1", "ports": [{ "containerPort": 80 }] });
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [container] } });
    let spec = json!({ "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": template });
    let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" }, "spec": spec });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    let all = format!("{namespace}\n{deployment}\n");
    let apply = ["apply", "--server-side", "--filename", "-"];
    assert_eq!(kubernetes.says(&apply, &all), "namespace/shop serverside-applied\ndeployment.apps/web serverside-applied\n");
    // A watch tells it when all is there.
    let rollout = kubernetes.says(&["--namespace", "shop", "rollout", "status", "deployment/web", "--timeout=60s"], "");
    assert!(rollout.ends_with("deployment \"web\" successfully rolled out\n"), "{rollout}");
    let pods = kubernetes.says(&["--namespace", "shop", "get", "pods", "--selector", "app in (web)", "--output", "name"], "");
    assert_eq!(pods.lines().count(), 2, "{pods}");
    let _ = kubernetes.says(&["--namespace", "shop", "scale", "deployment/web", "--replicas", "3"], "");
    let _ = kubernetes.says(&["--namespace", "shop", "set", "image", "deployment/web", "c=example.com/i:2"], "");
    let conflict = kubernetes.kubectl(&apply, &all);
    let told = String::from_utf8_lossy(&conflict.stderr).into_owned();
    assert!(!conflict.status.success());
    for words in ["Apply failed with 2 conflicts", "conflict with \"kubectl-set\" using apps/v1", ".spec.replicas"] {
        assert!(told.contains(words), "{told}");
    }
    let tried = kubernetes.says(&[&apply[..], &["--force-conflicts", "--dry-run=server"]].concat(), &all);
    assert!(tried.contains("deployment.apps/web serverside-applied (server dry run)"), "{tried}");
    let image =
        ["--namespace", "shop", "get", "deployment", "web", "--output", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert_eq!(kubernetes.says(&image, ""), "example.com/i:2", "a dry run changes nothing");
    let _ = kubernetes.says(&[&apply[..], &["--force-conflicts"]].concat(), &all);
    assert_eq!(kubernetes.says(&image, ""), "example.com/i:1");
    let _ = kubernetes.says(&["--namespace", "shop", "delete", "deployment", "web", "--timeout=60s"], "");
    eventually("no pod is left", || kubernetes.cluster.names("Pod", "shop").is_empty());
    let missing = kubernetes.kubectl(&["--namespace", "shop", "get", "deployment", "web"], "");
    assert_eq!(String::from_utf8_lossy(&missing.stderr), "Error from server (NotFound): deployments.apps \"web\" not found\n");
    let _ = kubernetes.says(&["delete", "namespace", "shop", "--timeout=60s"], "");
    let stranger = kubernetes.kubectl(&["get", "namespaces", "--token", "another"], "");
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("Unauthorized"), "{stranger:?}");
}

#[test]
fn a_release_goes_to_a_cluster() {
    if !are_here() {
        return;
    }
    let kubernetes = Kubernetes::new();
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let registry = registry(folder.path(), free_port(), false);
    let keys = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys", "namespace": "staging" } });
    kubernetes.cluster.put(keys);
    let params = format!("url = \"http://127.0.0.1:{port}\", key_secret = {{ name = \"keys\" }}");
    let environment =
        in_cluster(&kubernetes, &params).replace("[environments.staging]\n", "[environments.staging]\nkey = \"scoring\"\n");
    let scoring = "[secrets.scoring]\nfile = \"key.txt\"\nhosts = [\"127.0.0.1\"]\n\n";
    let project = project(registry.port, 8080, &format!("{scoring}{environment}"));
    let _service = serving(&project, port, &["--key-file", "key.txt"]);

    let planned: Value = project.run(&["release", "--plan", "--json"]).ok().json();
    let changes = environments(&planned)[0]["changes"].as_array().unwrap();
    let told: Vec<_> =
        changes.iter().map(|change| (change["action"].as_str().unwrap(), change["subject"].as_str().unwrap())).collect();
    let package = planned["package"].as_str().unwrap();
    let name = format!("diabetes-staging-{}", &package[7..19]);
    let (deployment, autoscaler) = (format!("Deployment {name}"), format!("HorizontalPodAutoscaler {name}"));
    let expected = [
        ("create", "Namespace staging"),
        ("create", &deployment),
        ("create", &autoscaler),
        ("create", "Service diabetes-staging"),
    ];
    assert_eq!(told, expected, "{planned}");
    assert!(kubernetes.cluster.names("Deployment", "staging").is_empty());

    let released = project.run(&["release", "--json"]).ok();
    let record: Value = released.json();
    assert_eq!(record["outcome"], "released", "{record}");
    let found = kubernetes.cluster.get("Deployment", "staging", &name).unwrap();
    let image = found["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    assert_eq!(image, format!("127.0.0.1:{}/diabetes@{package}", registry.port));
    assert_eq!(kubernetes.cluster.endpoints("staging", "diabetes-staging").len(), 1);
    // What was applied is left with the release.
    assert!(released.stdout.contains("manifests.json"), "{}", released.stdout);
    let again: Value = project.run(&["release", "--plan", "--json"]).ok().json();
    let kept = environments(&again)[0]["changes"].as_array().unwrap();
    assert!(kept.iter().all(|change| change["action"] == "keep"), "{again}");

    // Nobody is let in any longer: said in words, and without the token.
    kubernetes.cluster.shut_out(TOKEN);
    kubernetes.cluster.let_in("another", "another");
    let refused = project.run(&["release", "--plan", "--json"]);
    let all = format!("{}{}", refused.stdout, refused.stderr);
    assert!(
        all.contains("with status 401: Unauthorized; is the token or the client certificate of the secret still valid?"),
        "{all}"
    );
    let store = project.path(".sprag");
    let manifests = Hidden::of("terminationGracePeriodSeconds").files(&store);
    assert!(!manifests.is_empty(), "the artifact is in what is scanned");
    let (token, key) = (Hidden::of(TOKEN), Hidden::of(KEY));
    for secret in [&token, &key] {
        secret.is_not_told(&[&released, &refused]);
        secret.is_nowhere_under(&store);
        for kind in ["Namespace", "Deployment", "HorizontalPodAutoscaler", "Service", "Pod"] {
            for name in kubernetes.cluster.names(kind, "staging") {
                secret.is_not_in(&name, kubernetes.cluster.get(kind, "staging", &name).unwrap().to_string());
            }
        }
    }
    token.is_nowhere_under(project.outside());
    assert_eq!(key.files(project.outside()), [project.path("key.txt")], "where it is from");
}

#[test]
fn a_rollback_puts_the_package_of_before_back() {
    if !are_here() {
        return;
    }
    let kubernetes = Kubernetes::new();
    let folder = TempDir::new().unwrap();
    let registry = registry(folder.path(), free_port(), false);
    let project = project(registry.port, 8080, &in_cluster(&kubernetes, HASTE));
    let running = || kubernetes.cluster.names("Deployment", "staging");
    let _ = project.run(&["release"]).ok();
    let first = running();
    // Stronger shrinking is better here: the reference's own best value.
    project.edit("alpha = 0.5", "alpha = 0.4");
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["release"]).ok();
    let second = running();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second);
    let _ = project.run(&["rollback", "staging"]).ok();
    assert_eq!(running(), first);
    assert_eq!(kubernetes.cluster.endpoints("staging", "diabetes-staging").len(), 1);
}

#[test]
fn a_release_that_was_killed_goes_on_with_what_exists() {
    if !are_here() {
        return;
    }
    let kubernetes = Kubernetes::new();
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let registry = registry(folder.path(), free_port(), false);
    let params = format!("url = \"http://127.0.0.1:{port}\"");
    let project = project(registry.port, 8080, &in_cluster(&kubernetes, &params));
    let _service = serving(&project, port, &[]);
    // Its pods run, and do not get ready yet.
    kubernetes.cluster.set_fate("", Fate::Unready);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sprag"));
    command.args(["release"]).current_dir(project.root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut release = command.spawn().unwrap();
    eventually("a pod of the release", || !kubernetes.cluster.names("Pod", "staging").is_empty());
    release.kill().unwrap();
    let _ = release.wait().unwrap();
    let name = kubernetes.cluster.names("Deployment", "staging").pop().unwrap();
    let before = kubernetes.cluster.get("Deployment", "staging", &name).unwrap();
    kubernetes.cluster.set_fate("", Fate::Ready);
    let record: Value = project.run(&["resume", "--json"]).ok().json();
    assert_eq!(record["outcome"], "released", "{record}");
    let after = kubernetes.cluster.get("Deployment", "staging", &name).unwrap();
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"], "it is the one that was there");
    assert_eq!(kubernetes.cluster.names("Deployment", "staging"), [name]);
}

#[test]
fn a_release_that_does_not_get_ready_says_what_keeps_it() {
    if !are_here() {
        return;
    }
    let kubernetes = Kubernetes::new();
    let folder = TempDir::new().unwrap();
    let registry = registry(folder.path(), free_port(), false);
    let project = project(registry.port, 8080, &in_cluster(&kubernetes, ""));
    kubernetes.cluster.set_fate("", Fate::Crash);
    let failed = project.run(&["release"]);
    assert_ne!(failed.code, Some(i32::from(exit_code::SUCCESS.code)));
    let all = format!("{}{}", failed.stdout, failed.stderr);
    assert!(all.contains("CrashLoopBackOff: back-off restarting failed container"), "{all}");
}

/// The objects that `sprag release --plan` prints where no cluster is named.
fn printed(project: &Project) -> Vec<Value> {
    let planned: Value = project.run(&["release", "--plan", "--json"]).ok().json();
    let changes = environments(&planned)[0]["changes"].as_array().unwrap();
    changes.iter().map(|change| serde_json::from_str(change["detail"].as_str().unwrap()).unwrap()).collect()
}

#[test]
fn printed_manifests_are_what_kubectl_applies_and_a_container_engine_runs() {
    let Some(podman) = Podman::new() else { return };
    // The engine's own first process in a pod.
    if !are_here() || !has_kubectl() || !is_here("catatonit", &["--version"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let registry = registry(folder.path(), free_port(), false);
    let port = free_port();
    // No cluster is named. The origin is what every stage must have that could send something.
    let project = project(
        registry.port,
        port,
        &format!(
            "[secrets.scoring]\nfile = \"key.txt\"\nhosts = [\"127.0.0.1\"]\n\n[environments.staging]\nkey = \"scoring\"\n\n\
             [environments.staging.deploy]\nplugin = \"deploy-kubernetes\"\n\
             params = {{ output = \"manifests\", port = {port}, memory = \"512Mi\", key_secret = {{ name = \"keys\" }} }}\n\
             grants = {{ http = [\"https://nowhere.example.com\"] }}\n"
        ),
    );
    let objects = printed(&project);
    // A plan sends nothing: what the objects name is pushed apart from it.
    let _ = project.run(&["package", "--push", &format!("127.0.0.1:{}/diabetes", registry.port)]).ok();
    let lines: Vec<_> = objects.iter().map(|object| format!("{object}\n")).collect();
    assert!(!lines.concat().contains(KEY));

    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" }, "data": { "key": CODED } });
    let kubernetes = Kubernetes::new();
    let apply = ["apply", "--server-side", "--filename", "-"];
    let told = kubernetes.says(&apply, &lines.concat());
    assert_eq!(told.matches("serverside-applied").count(), 4, "{told}");
    let _ = kubernetes.says(&[&["--namespace", "staging"], &apply[..]].concat(), &secret.to_string());
    eventually("a ready pod", || kubernetes.cluster.endpoints("staging", "diabetes-staging").len() == 1);

    let mut deployment = objects.into_iter().find(|object| object["kind"] == "Deployment").unwrap();
    // On the machine's own network there are no ports to publish.
    deployment["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("ports");
    let at = registry.port;
    std::fs::write(podman.at("registries.conf"), format!("[[registry]]\nlocation = \"127.0.0.1:{at}\"\ninsecure = true\n"))
        .unwrap();
    let file = podman.at("deployment.yaml").display().to_string();
    std::fs::write(&file, format!("{secret}\n---\n{deployment}\n")).unwrap();
    let _ = podman.run(&["play", "kube", "--network", "host", &file]);
    let body: Value = ready(port).json();
    assert_eq!(body["ready"], true);
    let score = |key: &str| {
        let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {key}"))];
        ask(port, "POST", "/score", &headers, ROWS.as_bytes()).unwrap().status
    };
    assert_eq!(score("another-key-of-nobody"), 401);
    // podman 4.3 mounts a Secret without decoding it.
    assert!([KEY, CODED].into_iter().any(|key| score(key) == 200));
    let name = podman.run(&["ps", "--filter", "name=scorer", "--format", "{{.Names}}"]);
    let rights =
        "{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.HostConfig.Memory}} {{.HostConfig.SecurityOpt}} {{.EffectiveCaps}}";
    assert_eq!(
        podman.run(&["inspect", "--format", rights, name.trim()]).trim(),
        "true 65532:65532 536870912 [no-new-privileges] []"
    );
    let _ = podman.run(&["play", "kube", "--down", &file]);

    let nothing = project.run(&["release"]);
    let all = format!("{}{}", nothing.stdout, nothing.stderr);
    assert!(all.contains("`sprag release --plan --json` prints the objects, and `kubectl apply` makes them"), "{all}");
}
