//! `sprag serve`

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use sprag_core::limits::Limits;
use sprag_egress::Vault;
use sprag_runtime::{Runtime, StageFailure};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::secrets::Secret;
use sprag_serve::drift::Drift;
use sprag_serve::{Config, KeySource, Listen, Log, ServeError, ServeLimits, Server, TlsFiles};
use tokio::sync::oneshot;

use crate::args::{LimitArgs, ListenAt, LogTo, ServeArgs, ServeKeyArgs};
use crate::console::{BOLD, Console, WARN};
use crate::error::CommandError;
use crate::serving::{drift, set_up, sources};

/// The environment variable whose value is a bearer key wherever it is set, so that an image takes one without another argument.
const KEY_VARIABLE: &str = "SPRAG_SERVE_KEY";

/// Answers scoring requests until it is asked to stop.
///
/// # Errors
/// There is no such model, it cannot be loaded, the port is taken, or the certificate, the keys or the log will not do.
pub fn run(args: &ServeArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    if let Some(path) = &args.ready_file {
        forget(path)?;
    }
    let runtime = Runtime::with_prepared(super::run::code_dir().as_deref(), args.compiled.as_deref());
    let runtime = runtime.map_err(|error| CommandError::internal(error.to_string()))?;
    let mut config = config(args, project)?;
    let sources = sources(&args.what, project, &runtime)?;
    let catalog = set_up(&args.challengers, sources, &mut config, project, &runtime)?;
    let drift = if args.no_drift { None } else { Some(drift(&args.what, project, console)?) };
    config.observers.extend(drift.as_ref().map(Drift::observer));
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let tokio = tokio.map_err(|error| CommandError::internal(format!("failed to start: {error}")))?;
    tokio.block_on(async {
        let (asked, stop) = oneshot::channel();
        // Nobody waits for the word once the service has ended.
        tokio::spawn(super::run::on_signal(move || _ = asked.send(()))?);
        let server = Server::bind(config, runtime, catalog).await?;
        for warning in server.warnings() {
            console.note(&format!("{WARN}warning:{WARN:#} {warning}"));
        }
        console.note(&format!("{BOLD}{}{BOLD:#} answers at {}", server.release(), server.url()));
        if let Some(path) = &args.ready_file {
            write_whole(path, &format!("{}\n", server.url()))?;
        }
        let all_answered = server.run(async { _ = stop.await }).await;
        drift.iter().for_each(Drift::finish);
        if all_answered {
            return Ok(exit_code::SUCCESS);
        }
        console.note(&format!("{WARN}warning:{WARN:#} requests were cut off after {}; `--drain` gives them longer", args.drain));
        Ok(exit_code::CANCELLED)
    })
}

/// Removes a file that an earlier process left: it would say that this one is ready.
pub(super) fn forget(path: &Path) -> Result<(), CommandError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(CommandError::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Writes a file that is never seen in part.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), CommandError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| CommandError::io("write", path, &error))
}

fn config(args: &ServeArgs, project: Option<&Path>) -> Result<Config, CommandError> {
    let ServeArgs {
        what: _,
        challengers: _,
        no_drift: _,
        listen,
        ready_file: _,
        compiled: _,
        tls_certificate,
        tls_key,
        keys,
        limits,
        log,
        notice,
        drain,
    } = args;
    let scorer = Limits { memory: limits.memory.0, ..Limits::default() };
    Ok(Config {
        listen: match listen {
            ListenAt::Address(address) => Listen::Address(*address),
            ListenAt::Stdin => Listen::Socket(handed_socket()?),
        },
        tls: tls_certificate.clone().zip(tls_key.clone()).map(|(certificate, key)| TlsFiles { certificate, key }),
        keys: key_sources(keys, project)?,
        open_metrics: keys.open_metrics,
        limits: serve_limits(limits),
        scorer,
        log: match log {
            LogTo::Stderr => Log::Stderr,
            LogTo::Off => Log::Off,
            LogTo::File(path) => Log::File(path.clone()),
        },
        notice: notice.0,
        drain: drain.0,
        ..Config::default()
    })
}

fn serve_limits(args: &LimitArgs) -> ServeLimits {
    let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let count = |count: u32| size(u64::from(count));
    let defaults = ServeLimits::default();
    let body = size(args.max_body.0);
    ServeLimits {
        body,
        // A body that may come must also have room for what becomes of it.
        bodies: defaults.bodies.max(body.saturating_mul(8)),
        rows: args.max_rows,
        time: args.timeout.0,
        body_time: args.body_timeout.0,
        head_time: defaults.head_time,
        connections: count(args.connections),
        concurrency: args.concurrency.map_or(defaults.concurrency, count),
        queue: count(args.queue),
    }
}

/// The listening socket that a supervisor hands over.
fn handed_socket() -> Result<TcpListener, CommandError> {
    sprag_services::handed_over().map_err(|error| {
        CommandError::user(format!("expected a listening socket through the standard input, found none: {error}"))
            .hint("`stdin` is for the supervisor that `sprag services` tells of; `--listen ADDRESS:PORT` opens a socket")
    })
}

/// Where the bearer keys come from. What is named must be there: a service whose key is missing would be open.
fn key_sources(args: &ServeKeyArgs, project: Option<&Path>) -> Result<Vec<KeySource>, CommandError> {
    let mut sources: Vec<_> = args.files.iter().cloned().map(KeySource::File).collect();
    let given = |key: String, origin: String| KeySource::Given { keys: vec![key], origin };
    let is_set = std::env::var_os(KEY_VARIABLE).is_some() && !args.variables.iter().any(|name| name == KEY_VARIABLE);
    for variable in args.variables.iter().map(String::as_str).chain(is_set.then_some(KEY_VARIABLE)) {
        let origin = format!("the environment variable `{variable}`");
        let value = std::env::var(variable).map_err(|_| {
            CommandError::user(format!("expected a bearer key in {origin}, found none"))
                .hint(format!("set `{variable}` where sprag runs"))
        })?;
        sources.push(given(value, origin));
    }
    if !args.secrets.is_empty() {
        let (root, secrets) = (super::project_dir(project)?, super::manifest(project)?.secrets);
        sources.extend(secret_sources(&args.secrets, &secrets, &root)?);
    }
    Ok(sources)
}

fn secret_sources(names: &[String], secrets: &BTreeMap<String, Secret>, root: &Path) -> Result<Vec<KeySource>, CommandError> {
    let vault = Vault::open(secrets, names.iter().map(String::as_str), &|name| std::env::var(name).ok(), root)?;
    let source = |name: &String| match secrets.get(name).and_then(|secret| secret.file.as_ref()) {
        // Read again when it changes, which a value would not be.
        Some(file) => Ok(KeySource::File(root.join(file))),
        None => {
            let wrong = || {
                CommandError::user(format!(
                    "expected a bearer key from `env` or `file`, found another source of the secret `{name}`"
                ))
            };
            let value = vault.value(name).ok_or_else(wrong)?;
            Ok(KeySource::Given { keys: vec![value.to_string()], origin: format!("the secret `{name}`") })
        }
    };
    names.iter().map(source).collect()
}

impl From<ServeError> for CommandError {
    fn from(error: ServeError) -> Self {
        let code = match &error {
            ServeError::Model { failure: StageFailure::Limit(_), .. } => exit_code::LIMIT,
            ServeError::Model { failure: StageFailure::Host(_), .. } => exit_code::INTERNAL,
            ServeError::Model { .. } | ServeError::Signature { .. } | ServeError::Columns { .. } => exit_code::PLUGIN_FAILED,
            _ => exit_code::BAD_PROJECT,
        };
        Self { code, message: error.to_string(), hints: error.hint().map(str::to_owned).into_iter().collect() }
    }
}
