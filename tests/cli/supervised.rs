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
use crate::context::{Project, Serving};

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
        let secrets = BTreeMap::from([("scoring".to_owned(), secret)]);
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

    /// The process that looks after it, found by its arguments and its project (proc_pid_cmdline(5)).
    pub(crate) fn supervisor(&self) -> Option<u64> {
        let root = self.project.root().canonicalize().unwrap();
        let is_it = |dir: &Path| {
            let text = fs::read(dir.join("cmdline")).unwrap_or_default();
            let args: Vec<_> = text.split(|byte| *byte == 0).collect();
            args.contains(&root.as_os_str().as_encoded_bytes()) && args.contains(&b"supervise".as_slice())
        };
        let dirs = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        dirs.filter(|dir| is_it(dir)).find_map(|dir| dir.file_name()?.to_str()?.parse().ok())
    }
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
    TcpStream::connect(address(port)).ok()?;
    let mut client = Client::connect(address(port));
    client.send_request("POST", "/score", &[("connection", "close")], ROWS);
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
    for process in [site.server(), site.supervisor().unwrap()] {
        let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap();
        assert!(!String::from_utf8_lossy(&arguments).contains(key));
    }
    for file in fs::read_dir(site.project.path(".sprag/services/site")).unwrap() {
        let path = file.unwrap().path();
        assert!(!fs::read_to_string(&path).unwrap().contains(key), "{}", path.display());
    }
    let unknown = site.put(Service { keys: vec!["other".to_owned()], ..service });
    assert!(matches!(unknown, Err(ServiceError::BadService(message)) if message.contains("found `other`")));
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
