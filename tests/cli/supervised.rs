//! Services of this machine under their supervisor, as `deploy-local` has them: what keeps them running, what takes over from what, and what is left when
//! any of the processes is killed.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sprag_runtime::outside::{Service, ServiceCondition, ServiceError, ServiceShare, ServiceStatus, Services as _};
use sprag_schemas::exit_code;
use sprag_schemas::package::Package;
use sprag_schemas::secrets::Secret;
use sprag_services::LocalServices;

use crate::context::http::Client;
use crate::context::{Hidden, Project, Serving};

const ROWS: &[u8] = br#"{"data":[[1,2,3,4,5,6,7,8,9,10],[10,9,8,7,6,5,4,3,2,1]]}"#;

/// No test waits for longer than this, whatever the machine is busy with.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < DEADLINE, "expected within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A project with packages, and its services, which are stopped with it.
pub(crate) struct Site {
    project: Serving,
    pub(crate) services: LocalServices,
}

impl Site {
    /// A project with packages of so many versions.
    pub(crate) fn of(versions: usize) -> (Self, Vec<String>) {
        let project = Serving::of(Project::diabetes());
        let packages = (0..versions).map(|version| {
            let _ = project.run(&["run", "--param", &format!("train.alpha={}", 0.5 - 0.1 * version as f64)]).ok();
            let package: Package = project.run(&["package", &format!("diabetes@{}", version + 1), "--json"]).ok().json();
            package.digest
        });
        let packages = packages.collect();
        let program = program(&project);
        let root = project.root().canonicalize().unwrap();
        let secret = Secret { file: Some("key".to_owned()), ..Secret::default() };
        let in_variable = Secret { env: Some("SCORING_KEY".to_owned()), ..Secret::default() };
        let secrets = BTreeMap::from([("scoring".to_owned(), secret), ("rotating".to_owned(), in_variable)]);
        let services = LocalServices::new(&program, &root, &root.join(".sprag"), &secrets);
        (Self { project, services }, packages)
    }

    fn start(&self, package: &str, port: u16) -> Result<ServiceStatus, ServiceError> {
        let shares = vec![ServiceShare { package: package.to_owned(), percent: 100 }];
        self.put(Service { name: "site".to_owned(), shares, port, keys: vec![] })
    }

    fn put(&self, service: Service) -> Result<ServiceStatus, ServiceError> {
        block_on(self.services.start(service))
    }

    fn status(&self) -> Option<ServiceStatus> {
        block_on(self.services.status("site".to_owned())).unwrap()
    }

    /// What the supervisor wrote about the service.
    fn found(&self) -> Value {
        serde_json::from_str(&self.project.read(".sprag/services/site/found.json")).unwrap()
    }

    /// The process that answers.
    pub(crate) fn server(&self) -> u64 {
        self.found()["server"]["pid"].as_u64().unwrap()
    }

    /// The process that looks after it.
    pub(crate) fn supervisor(&self) -> Option<u64> {
        supervisor(&self.project.root().canonicalize().unwrap())
    }
}

/// The process that looks after a service of a project, found by its arguments and its project (proc_pid_cmdline(5)).
pub(crate) fn supervisor(root: &Path) -> Option<u64> {
    let is_it = |dir: &Path| {
        let text = fs::read(dir.join("cmdline")).unwrap_or_default();
        let args: Vec<_> = text.split(|byte| *byte == 0).collect();
        args.contains(&root.as_os_str().as_encoded_bytes()) && args.contains(&b"supervise".as_slice())
    };
    let dirs = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    dirs.filter(|dir| is_it(dir)).find_map(|dir| dir.file_name()?.to_str()?.parse().ok())
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The program in the test's surroundings: supervisors and services outlive whoever starts them, and have the environment of that one.
fn program(project: &Project) -> PathBuf {
    let path = project.outside().join("sprag.sh");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache");
    let home = project.outside().join("home");
    let text = format!(
        "#!/bin/sh\nexec env -i PATH=\"$PATH\" HOME='{}' SPRAG_CACHE_DIR='{}' '{}' \"$@\"\n",
        home.display(),
        cache.display(),
        env!("CARGO_BIN_EXE_sprag")
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn kill(process: u64) {
    let killed = Command::new("sh").args(["-c", &format!("kill -KILL {process}")]).status().unwrap();
    assert!(killed.success());
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The version that answers on a port.
pub(crate) fn version(port: u16) -> Option<String> {
    version_with(port, "none-is-asked-for")
}

/// The same of a service that asks for a key.
fn version_with(port: u16, key: &str) -> Option<String> {
    TcpStream::connect(address(port)).ok()?;
    let mut client = Client::connect(address(port));
    let authorization = format!("Bearer {key}");
    client.send_request("POST", "/score", &[("connection", "close"), ("authorization", &authorization)], ROWS);
    let answer = client.answer()?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-sprag-model-version").map(str::to_owned)
}

#[test]
fn a_service_outlives_the_command_and_ends_when_it_is_stopped() {
    let (site, packages) = Site::of(1);
    let status = site.start(&packages[0], 0).unwrap();
    assert_eq!((status.condition, status.restarts), (ServiceCondition::Ready, 0));
    assert_eq!(version(status.port).as_deref(), Some("diabetes@1"));
    // The same again changes nothing.
    let server = site.server();
    assert_eq!(site.start(&packages[0], 0).unwrap(), status);
    assert_eq!((site.server(), site.found()["generation"].as_u64()), (server, Some(1)));
    let listed = site.project.services();
    assert_eq!((listed.len(), &listed[0]["condition"]), (1, &json!("ready")));
    assert_eq!(listed[0]["url"], json!(format!("http://127.0.0.1:{}", status.port)));
    let text = site.project.run(&["services"]).ok().stdout;
    assert!(text.starts_with(&format!("site  ready  http://127.0.0.1:{}", status.port)), "{text}");

    assert_eq!(site.project.run(&["services", "stop", "site"]).ok().stderr, "stopped site\n");
    assert!(TcpStream::connect(address(status.port)).is_err());
    assert!(!site.project.path(".sprag/services/site").exists());
    eventually("its supervisor is gone", || site.supervisor().is_none());
    let told = site.project.run(&["services", "stop", "site"]).exits(exit_code::BAD_PROJECT).error();
    assert!(told.contains("expected a service of the project (none), found `site`"), "{told}");
}

#[test]
fn another_package_takes_over_on_the_same_port_without_a_failed_request() {
    let (site, packages) = Site::of(2);
    let port = site.start(&packages[0], 0).unwrap().port;
    let (done, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        // Half of the clients keep their connection, until it is the service that ends it; half make a new one for each request.
        for keeps in [true, true, true, false, false, false] {
            let (done, answered) = (&done, &answered);
            scope.spawn(move || {
                let mut client = Client::connect(address(port));
                while !done.load(Ordering::Relaxed) {
                    let answer = client.post("/score", ROWS);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    answered.fetch_add(1, Ordering::Relaxed);
                    if !keeps || answer.header("connection") == Some("close") {
                        client = Client::connect(address(port));
                    }
                }
            });
        }
        for round in 1..6 {
            let package = &packages[round % 2];
            let status = site.start(package, 0).unwrap();
            assert_eq!((status.port, &status.shares[0].package), (port, package));
            let before = answered.load(Ordering::Relaxed);
            eventually("requests go on", || answered.load(Ordering::Relaxed) > before + 100);
            eventually("the new one answers alone", || version(port) == Some(format!("diabetes@{}", round % 2 + 1)));
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_service_that_is_killed_comes_back_by_itself() {
    let (site, packages) = Site::of(1);
    let port = site.start(&packages[0], 0).unwrap().port;
    for round in 1..=3 {
        let before = site.server();
        kill(before);
        eventually("it answers again", || version(port).is_some());
        eventually("and says so", || site.status().is_some_and(|status| status.condition == ServiceCondition::Ready));
        let status = site.status().unwrap();
        assert_eq!((status.port, status.restarts), (port, round));
        assert_ne!(site.server(), before);
    }
    let text = site.project.run(&["services"]).ok().stdout;
    assert!(text.contains("started again 3 times"), "{text}");
}

#[test]
fn a_service_whose_supervisor_is_killed_answers_on_and_is_adopted() {
    let (site, packages) = Site::of(2);
    let port = site.start(&packages[0], 0).unwrap().port;
    let orphan = site.server();
    kill(site.supervisor().unwrap());
    eventually("nobody looks after it", || site.status().is_some_and(|status| status.condition == ServiceCondition::Lost));
    assert_eq!(version(port).as_deref(), Some("diabetes@1"));
    assert_eq!(site.project.services()[0]["condition"], "lost");
    // Whoever deploys next finds it, takes its port over, and ends it when the new one answers.
    let status = site.start(&packages[1], 0).unwrap();
    assert_eq!((status.port, status.condition), (port, ServiceCondition::Ready));
    eventually("the new one answers alone", || {
        !Path::new(&format!("/proc/{orphan}")).exists() && version(port).as_deref() == Some("diabetes@2")
    });
    // Killed together, nothing is left but what should be.
    let (server, supervisor) = (site.server(), site.supervisor().unwrap());
    kill(supervisor);
    kill(server);
    eventually("nothing answers", || TcpStream::connect(address(port)).is_err());
    let status = site.start(&packages[0], 0).unwrap();
    assert_eq!((status.port, version(port).as_deref()), (port, Some("diabetes@1")));
    // And a lost one can be stopped.
    let server = site.server();
    kill(site.supervisor().unwrap());
    let _ = site.project.run(&["services", "stop", "site"]).ok();
    eventually("it ends", || TcpStream::connect(address(port)).is_err() && !Path::new(&format!("/proc/{server}")).exists());
}

#[test]
fn killed_in_the_middle_of_an_exchange_the_last_word_stands() {
    let (site, packages) = Site::of(2);
    let port = site.start(&packages[0], 0).unwrap().port;
    for round in 1..=8 {
        let package = &packages[round % 2];
        std::thread::scope(|scope| {
            let exchange = scope.spawn(|| site.start(package, 0));
            // Somewhere on the way the process that answers is killed: the old one, or the new one that has just taken over.
            std::thread::sleep(Duration::from_millis(round as u64 * 15));
            if let Some(server) = site.found()["server"]["pid"].as_u64() {
                let _gone = Command::new("sh").args(["-c", &format!("kill -KILL {server} 2>/dev/null")]).status().unwrap();
            }
            assert_eq!(exchange.join().unwrap().unwrap().shares[0].package, *package);
        });
        eventually("it answers with what was asked for last", || version(port) == Some(format!("diabetes@{}", round % 2 + 1)));
        eventually("and says so", || site.status().is_some_and(|status| status.condition == ServiceCondition::Ready));
    }
}

#[test]
fn a_port_in_use_is_told_and_costs_nothing_that_runs() {
    let (site, packages) = Site::of(1);
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let busy = taken.local_addr().unwrap().port();
    let told = |result: Result<ServiceStatus, ServiceError>| match result {
        Err(ServiceError::NotReady(why)) => why,
        other => panic!("{other:?}"),
    };
    let expected = format!("expected a free port, found that {busy} is in use; choose another `port`, or end what uses it");
    assert_eq!(told(site.start(&packages[0], busy)), expected);
    let port = site.start(&packages[0], 0).unwrap().port;
    let server = site.server();
    assert_eq!(told(site.start(&packages[0], busy)), expected);
    assert_eq!((site.server(), version(port).as_deref()), (server, Some("diabetes@1")));
    // Once it is free, the service moves there, and back.
    drop(taken);
    let moved = site.start(&packages[0], busy).unwrap();
    assert_eq!((moved.port, version(busy).as_deref()), (busy, Some("diabetes@1")));
    eventually("the old port is free", || TcpStream::connect(address(port)).is_err());
    assert_eq!(site.start(&packages[0], port).unwrap().port, port);
}

#[test]
fn a_package_that_never_gets_ready_leaves_what_is_there() {
    let (site, packages) = Site::of(1);
    let missing = format!("sha256:{}", "0".repeat(64));
    let told = |result: Result<ServiceStatus, ServiceError>| match result {
        Err(ServiceError::NotReady(why)) => why,
        other => panic!("{other:?}"),
    };
    let why = told(site.start(&missing, 0));
    assert!(why.starts_with("the service ended (exit status: "), "{why}");
    assert!(why.contains("the store has no content `sha256:000000"), "what it said is told: {why}");
    let port = site.start(&packages[0], 0).unwrap().port;
    for _ in 0..2 {
        let _ = told(site.start(&missing, 0));
        assert_eq!(version(port).as_deref(), Some("diabetes@1"));
    }
    let status = site.status().unwrap();
    assert_eq!((status.condition, status.restarts, &status.shares[0].package), (ServiceCondition::Ready, 0, &packages[0]));
    // It still is what it was: the good package again is no change that needs another process.
    assert_eq!(site.start(&packages[0], 0).unwrap().port, port);
}

#[test]
fn a_key_of_the_project_guards_a_service_and_is_in_no_argument() {
    let (site, packages) = Site::of(1);
    let key = "key-of-the-services-0123456789";
    site.project.write("key", format!("{key}\n"));
    let shares = vec![ServiceShare { package: packages[0].clone(), percent: 100 }];
    let service = Service { name: "site".to_owned(), shares, port: 0, keys: vec!["scoring".to_owned()] };
    let port = site.put(service.clone()).unwrap().port;
    assert_eq!(Client::connect(address(port)).post("/score", ROWS).status, 401);
    let headers = [("authorization", format!("Bearer {key}"))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(Client::connect(address(port)).request("POST", "/score", &headers, ROWS).status, 200);
    let hidden = Hidden::of(key);
    for process in [site.server(), site.supervisor().unwrap()] {
        for what in ["cmdline", "environ"] {
            hidden.is_not_in(what, fs::read(format!("/proc/{process}/{what}")).unwrap());
        }
    }
    assert_eq!(hidden.files(site.project.outside()), [site.project.path("key")], "where it is from");
    hidden.is_not_told(&[&site.project.run(&["services"]).ok(), &site.project.run(&["services", "--json"]).ok()]);
    let unknown = site.put(Service { keys: vec!["other".to_owned()], ..service });
    assert!(matches!(unknown, Err(ServiceError::BadService(message)) if message.contains("found `other`")));
}

pub(crate) const MONDAY: &str = "key-of-monday-0123456789/+";
pub(crate) const TUESDAY: &str = "key-of-tuesday-9876543210/+";
/// A secret of whoever deploys that is no matter of the service's.
pub(crate) const OTHER: &str = "client-secret-of-the-deployer";

fn monday(variable: &str) -> Option<String> {
    (variable == "SCORING_KEY").then(|| MONDAY.to_owned())
}

fn tuesday(variable: &str) -> Option<String> {
    (variable == "SCORING_KEY").then(|| TUESDAY.to_owned())
}

/// What a request with a key is answered.
pub(crate) fn scored(port: u16, key: &str) -> u16 {
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("connection", "close")];
    Client::connect(address(port)).request("POST", "/score", &headers, ROWS).status
}

#[test]
fn a_key_that_changed_takes_effect_with_the_next_change_and_is_on_no_disk() {
    let (site, packages) = Site::of(1);
    let shares = vec![ServiceShare { package: packages[0].clone(), percent: 100 }];
    let service = Service { name: "site".to_owned(), shares, port: 0, keys: vec!["rotating".to_owned()] };
    let put = |environment| block_on(site.services.clone().reading(environment).start(service.clone()));
    let generation = || site.found()["generation"].as_u64();
    let port = put(monday).unwrap().port;
    assert_eq!((scored(port, MONDAY), scored(port, TUESDAY)), (200, 401));
    let supervisor = site.supervisor();
    assert_eq!(put(tuesday).unwrap().port, port);
    eventually("the new key alone lets in", || (scored(port, MONDAY), scored(port, TUESDAY)) == (401, 200));
    assert_eq!((site.supervisor(), generation()), (supervisor, Some(2)), "the supervisor is the one of before");
    let server = site.server();
    put(tuesday).unwrap();
    assert_eq!((site.server(), generation()), (server, Some(2)), "the same key again changes nothing");
    assert!(matches!(put(|_| None), Err(ServiceError::BadService(message)) if message.contains("`SCORING_KEY`")));
    // The supervisor has it still when the service has to be started again, whoever deployed is long gone.
    kill(server);
    eventually("it is back with its key", || {
        site.status().is_some_and(|status| status.condition == ServiceCondition::Ready) && scored(port, TUESDAY) == 200
    });
    for key in [MONDAY, TUESDAY].map(Hidden::of) {
        key.is_nowhere_under(site.project.outside());
        key.is_not_in("the supervisor's environment", fs::read(format!("/proc/{}/environ", site.supervisor().unwrap())).unwrap());
        for process in [site.server(), site.supervisor().unwrap()] {
            key.is_not_in("arguments", fs::read(format!("/proc/{process}/cmdline")).unwrap());
        }
    }
}

#[test]
fn what_should_run_is_started_again_after_the_machine_was() {
    let (site, packages) = Site::of(1);
    let shares = vec![ServiceShare { package: packages[0].clone(), percent: 100 }];
    let service = Service { name: "site".to_owned(), shares, port: 0, keys: vec!["rotating".to_owned()] };
    let port = block_on(site.services.clone().reading(monday).start(service)).unwrap().port;
    let all_end = || {
        let (server, supervisor) = (site.server(), site.supervisor().unwrap());
        kill(supervisor);
        kill(server);
        eventually("nothing answers", || TcpStream::connect(address(port)).is_err());
    };
    all_end();
    let nothing = site.project.run(&["services", "start"]).exits(exit_code::BAD_PROJECT).error();
    assert!(
        nothing.contains("expected a bearer key of the service `site` in the environment variable `SCORING_KEY`"),
        "{nothing}"
    );
    let started = |args: &[&str], key: &str| {
        site.project.sprag(args).env("SCORING_KEY", key).env("AZURE_CLIENT_SECRET", OTHER).run().ok().stderr
    };
    assert_eq!(started(&["services", "start"], MONDAY), format!("site answers at http://127.0.0.1:{port}\n"));
    assert_eq!((scored(port, MONDAY), version_with(port, MONDAY).as_deref()), (200, Some("diabetes@1")));
    for process in [site.server(), site.supervisor().unwrap()] {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap();
        Hidden::of(OTHER).is_not_in("an environment", &environment);
        let environment = String::from_utf8(environment).unwrap();
        let names: Vec<_> = environment.split('\0').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        let allowed = ["HOME", "SPRAG_CACHE_DIR", "TMPDIR", "XDG_CACHE_HOME", "SCORING_KEY", "SPRAG_SERVICE"];
        assert!(names.iter().all(|name| allowed.contains(name)), "{names:?}");
    }
    // Again, nothing happens, with a key or without; and a key that changed is handed over.
    let server = site.server();
    let _ = started(&["services", "start", "site"], MONDAY);
    let _ = site.project.run(&["services", "start"]).ok();
    assert_eq!(site.server(), server);
    let _ = started(&["services", "start", "site"], TUESDAY);
    eventually("the new key lets in", || scored(port, TUESDAY) == 200);
    let told = site.project.run(&["services", "start", "other"]).exits(exit_code::BAD_PROJECT).error();
    assert!(told.contains("expected a service of the project (`site`), found `other`"), "{told}");
}

#[test]
fn a_supervisor_that_can_write_nothing_looks_after_its_service() {
    let (site, packages) = Site::of(1);
    let port = site.start(&packages[0], 0).unwrap().port;
    let (server, found) = (site.server(), site.project.path(".sprag/services/site/found.json"));
    // A file cannot take the place of a folder, as it could not on a disk that is full.
    fs::remove_file(&found).unwrap();
    fs::create_dir(&found).unwrap();
    kill(server);
    eventually("it answers again", || version(port).is_some());
    fs::remove_dir(&found).unwrap();
    eventually("what it could not say is said", || site.status().is_some_and(|status| status.restarts == 1));
    assert_ne!(site.server(), server);
    // Without its folder nobody could find it any more.
    let supervisor = site.supervisor().unwrap();
    fs::remove_dir_all(site.project.path(".sprag/services/site")).unwrap();
    eventually("it ends", || TcpStream::connect(address(port)).is_err() && site.supervisor() != Some(supervisor));
}

#[test]
fn many_who_start_the_same_service_at_once_get_one() {
    let (site, packages) = Site::of(1);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..4).map(|_| scope.spawn(|| site.start(&packages[0], 0))).collect();
        for started in started {
            assert_eq!(started.join().unwrap().unwrap().condition, ServiceCondition::Ready);
        }
    });
    assert_eq!(site.found()["generation"].as_u64(), Some(1), "all but the first found it there");
    assert_eq!(version(site.status().unwrap().port).as_deref(), Some("diabetes@1"));
}
