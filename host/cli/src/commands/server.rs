//! `sprag server`

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use sprag_core::approval::SigningKey;
use sprag_core::digest::Digest;
use sprag_egress::Vault;
use sprag_lifecycle::{Project, RunOptions, SeenBy, drift_of_services, kept_baseline, origin, with_causes};
use sprag_pipelines::PipelineError;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Manifest;
use sprag_server::api::{Shared, router};
use sprag_server::auth::Doorkeeper;
use sprag_server::ground::Ground;
use sprag_server::listen::{Listening, TlsAcceptor, serve};
use sprag_server::site::{Site, SiteError, TakenUp};
use sprag_server::triggers::Triggers;
use sprag_server::worker;
use sprag_store::Store;
use sprag_tls::{Identity, TlsFiles};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::args::ServerArgs;
use crate::console::{BOLD, Console, WARN};
use crate::error::CommandError;

/// How often triggers are looked at.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

/// How often it is looked whether the certificate is another.
const FOLLOW: std::time::Duration = std::time::Duration::from_secs(1);

/// From which population stability index on a column has drifted, as for `sprag drift`.
const DRIFTED: f64 = 0.25;

/// How many days of traffic a trigger of drift looks at.
const DAYS: u32 = 1;

/// Looks after projects until it is asked to stop.
///
/// # Errors
/// The address is taken or open to everybody, or another server has one of the projects.
pub fn run(args: &ServerArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    if let Some(path) = &args.ready_file {
        super::serve::forget(path)?;
    }
    let homes = homes(args, project)?;
    let own = Arc::new(Store::open(&homes[0].join(".sprag"))?);
    let is_local = args.listen.ip().is_loopback() && !args.behind_proxy && args.tls_certificate.is_none();
    if !is_local {
        check_open(args, &own)?;
    }
    let identity = identity(args, console)?;
    let login = args.oidc.as_deref().map(super::login::read).transpose()?.map(Arc::new);
    let owner = (is_local && login.is_none()).then(|| origin(&homes[0]).by);
    let here = Here { console: *console, keys: keys(&args.approver_keys)? };
    let name = format!("sprag server at {}, process {}", args.listen, std::process::id());
    let (site, taken_up) = Site::open(&homes, own.clone(), Arc::new(here), &name)?;
    tell(&taken_up, console);
    let site = Arc::new(site);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::internal(format!("failed to start: {error}")))?;
    let workers = worker::start(&site, args.jobs, runtime.handle())
        .map_err(|error| CommandError::internal(format!("failed to start: {error}")))?;
    let served = runtime.block_on(async {
        let (asked, mut stop) = watch::channel(false);
        tokio::spawn(super::run::on_signal(move || _ = asked.send(true))?);
        let listener = TcpListener::bind(args.listen).await.map_err(|error| taken(args.listen, &error))?;
        let address = listener.local_addr().map_err(|error| taken(args.listen, &error))?;
        let door = Doorkeeper::new(own, owner);
        let has_tls = identity.is_some();
        let door = if args.behind_proxy || has_tls { door.behind_tls() } else { door };
        let url = format!("{}://{address}", if has_tls { "https" } else { "http" });
        let routes = router(Shared { site: site.clone(), door: Arc::new(door), login });
        let triggers = std::thread::spawn({
            let site = site.clone();
            move || look(&site)
        });
        console.note(&format!("{BOLD}sprag server{BOLD:#} answers at {url}"));
        if let Some(path) = &args.ready_file {
            super::serve::write_whole(path, &format!("{url}\n"))?;
        }
        let tls = identity.as_ref().map(|(_, identity)| TlsAcceptor::from(Arc::new(sprag_tls::config(identity.clone()))));
        if let Some((files, identity)) = identity {
            tokio::spawn(follow(files, identity, *console));
        }
        let how = Listening { tls, is_behind_proxy: args.behind_proxy, drain: args.drain.0 };
        let stopping = {
            let site = site.clone();
            async move {
                let _asked = stop.changed().await;
                site.stop();
            }
        };
        serve(listener, routes, how, stopping).await;
        let _ended = triggers.join();
        Ok(exit_code::SUCCESS)
    });
    site.stop();
    for worker in workers {
        let _ended = worker.join();
    }
    served
}

/// What clients are shown, with the files that it comes from.
fn identity(args: &ServerArgs, console: &Console) -> Result<Option<(TlsFiles, Arc<Identity>)>, CommandError> {
    let files = args.tls_certificate.clone().zip(args.tls_key.clone());
    let Some(files) = files.map(|(certificate, key)| TlsFiles { certificate, key }) else { return Ok(None) };
    let read = sprag_tls::read(&files, chrono::Utc::now()).map_err(|error| CommandError::user(error.to_string()))?;
    if let Some(warning) = &read.warning {
        console.note(&format!("{WARN}warning:{WARN:#} {warning}"));
    }
    Ok(Some((files, Arc::new(Identity::new(read)))))
}

/// Shows another certificate when the files are others. One that will not do is told of, and the one before stays.
async fn follow(files: TlsFiles, identity: Arc<Identity>, console: Console) {
    let stamp = || {
        let of = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified()).ok();
        (of(&files.certificate), of(&files.key))
    };
    let mut seen = stamp();
    loop {
        tokio::time::sleep(FOLLOW).await;
        let now = stamp();
        if now == seen {
            continue;
        }
        match sprag_tls::read(&files, chrono::Utc::now()) {
            Ok(read) => identity.replace(read),
            Err(error) => console.note(&format!("{WARN}warning:{WARN:#} {error}; the certificate before is shown on")),
        }
        seen = now;
    }
}

/// The folders, each once, as they are on this machine.
fn homes(args: &ServerArgs, project: Option<&Path>) -> Result<Vec<PathBuf>, CommandError> {
    let named = if args.projects.is_empty() { vec![super::project_dir(project)?] } else { args.projects.clone() };
    let mut homes: Vec<PathBuf> = vec![];
    for folder in named {
        let home = folder.canonicalize().map_err(|error| CommandError::io("find", &folder, &error))?;
        if !home.join("sprag.toml").is_file() {
            let message = format!("expected a project in `{}`, found no `sprag.toml`", folder.display());
            return Err(CommandError::user(message));
        }
        if !homes.contains(&home) {
            homes.push(home);
        }
    }
    Ok(homes)
}

/// Whoever can reach the server from elsewhere must not be let in without a token, and no token may cross a network in the open.
fn check_open(args: &ServerArgs, own: &Store) -> Result<(), CommandError> {
    if !args.behind_proxy && args.tls_certificate.is_none() {
        let found = format!("found `--listen {}`", args.listen);
        let message = format!("expected an address on loopback, `--tls-certificate` or `--behind-proxy`, {found}");
        let error = CommandError { code: exit_code::REFUSED, ..CommandError::user(message) };
        return Err(error
            .hint("tokens would cross the network in the open: give it a certificate, or put a proxy with TLS before it, and say so by `--behind-proxy`"));
    }
    if args.oidc.is_none() && !own.has_tokens()? {
        let message = "expected `--oidc`, or at least one token, where others can reach the server, found neither";
        let error = CommandError { code: exit_code::REFUSED, ..CommandError::user(message) };
        return Err(error.hint("`sprag token add NAME --role admin` makes one"));
    }
    Ok(())
}

fn taken(address: SocketAddr, error: &std::io::Error) -> CommandError {
    CommandError::user(format!("failed to listen at {address}: {error}"))
        .hint("`--listen` takes another address; port 0 is a free one")
}

/// Says what an earlier server left.
fn tell(taken_up: &TakenUp, console: &Console) {
    for (home, recovered) in taken_up {
        for id in &recovered.again {
            console.note(&format!("{id} was under way when the last server of `{}` ended: it waits again", home.display()));
        }
        for id in &recovered.given_up {
            console.note(&format!("{WARN}warning:{WARN:#} {id} of `{}` was begun too often and is given up", home.display()));
        }
    }
}

/// Looks at the triggers until the site stops.
fn look(site: &Arc<Site>) {
    let mut triggers = Triggers::new(site.clone());
    while !site.is_stopping() {
        if let Err(error) = triggers.look(chrono::Utc::now(), Instant::now()) {
            site.ground.tell(&with_causes(&error));
        }
        std::thread::sleep(LOOK);
    }
}

/// The keys of approvers, by their names.
fn keys(texts: &[String]) -> Result<BTreeMap<String, Arc<SigningKey>>, CommandError> {
    let one = |text: &String| {
        let pair = text.split_once('=').filter(|(user, file)| !user.is_empty() && !file.is_empty());
        let (user, file) = pair.ok_or_else(|| {
            CommandError::user(format!("`--approver-key {text}`: expected `USER=KEYFILE`, found no name or no file"))
        })?;
        let (key, _) = super::keys::find(Some(&PathBuf::from(file)))?;
        Ok((user.to_owned(), Arc::new(key)))
    };
    texts.iter().map(one).collect()
}

/// What a server of this program stands on.
struct Here {
    console: Console,
    keys: BTreeMap<String, Arc<SigningKey>>,
}

impl Ground for Here {
    fn open(&self, home: &Path, store: &Store, digest: &Digest, overrides: &[String]) -> Result<Project, PipelineError> {
        super::with_surroundings(|surroundings| sprag_pipelines::open(home, store, digest, surroundings, overrides))
    }

    fn project(&self, home: &Path) -> Result<Project, PipelineError> {
        Ok(super::with_surroundings(|surroundings| Project::load(home, surroundings, &[]))?)
    }

    fn key_of(&self, user: &str) -> Option<Arc<SigningKey>> {
        self.keys.get(user).cloned()
    }

    fn resume(&self, home: &Path, release: &str) {
        // A process of its own: what it deploys outlives this one, and whatever ends this one leaves a release that can be resumed.
        let started = std::env::current_exe().and_then(|program| {
            let mut command = Command::new(program);
            command.arg("--project").arg(home).args(["resume", release]).stdin(Stdio::null()).stdout(Stdio::null());
            command.spawn()
        });
        match started {
            // Nobody but this thread waits for it, so that none is left as a zombie.
            Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
            Err(error) => self.tell(&format!("failed to resume {release}: {error}; `sprag resume {release}` goes on")),
        }
    }

    fn secret(&self, home: &Path, manifest: &Manifest, name: &str) -> Result<String, String> {
        let variable = |name: &str| std::env::var(name).ok();
        let vault = Vault::open(&manifest.secrets, std::iter::once(name), &variable, home)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        vault
            .value(name)
            .map(|value| value.to_string())
            .ok_or_else(|| format!("the secret `{name}` is no text that others could sign with"))
    }

    fn listed(&self, address: &str, secret: Option<&str>) -> Result<String, String> {
        super::listing::listed(address, secret)
    }

    fn drifted(
        &self,
        _home: &Path,
        store: &Arc<Store>,
        manifest: &Manifest,
        environment: &str,
    ) -> Result<Option<(String, String)>, String> {
        let alias = manifest.environments.get(environment).and_then(|environment| environment.alias.as_deref());
        let alias = alias.ok_or_else(|| format!("expected the environment `{environment}` to move an alias, found none"))?;
        let model = manifest.model_name();
        let Some(number) = store.alias(model, alias).map_err(|error| with_causes(&error))? else { return Ok(None) };
        let Some(version) = store.version(model, number).map_err(|error| with_causes(&error))? else { return Ok(None) };
        let Some(training) = kept_baseline(store, &version).map_err(|error| with_causes(&error))? else { return Ok(None) };
        let by = SeenBy { days: DAYS, service: None };
        let report = drift_of_services(store, &version, &training, &by, DRIFTED).map_err(|error| with_causes(&error))?;
        let why = format!("the traffic of `{environment}` has drifted from the training rows of {model}@{number}");
        Ok(report.drifted.then(|| (format!("{model}@{number}"), why)))
    }

    fn tell(&self, fault: &str) {
        self.console.note(&format!("{WARN}warning:{WARN:#} {fault}"));
    }

    fn options(&self) -> RunOptions {
        // Each run is part of the trace of whoever asked for it, and not of one that the server was started in.
        RunOptions { traceparent: None, ..super::running::options(&self.console) }
    }
}

impl From<SiteError> for CommandError {
    fn from(error: SiteError) -> Self {
        match error {
            SiteError::Store(error) => error.into(),
            SiteError::Run(error) => error.into(),
            SiteError::Pipeline(error) => error.into(),
            SiteError::Taken { .. } => Self { code: exit_code::BUSY, ..Self::user(error.to_string()) }
                .hint("end the other one first, or hand requests to it by `sprag trigger`"),
            SiteError::Twice { .. } => {
                Self::user(error.to_string()).hint("give one of the projects another `name`, and publish it")
            }
        }
    }
}
