//! `sprag package`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use sprag_lifecycle::{Cancel, accept_lock, with_causes};
use sprag_package::registry::{Progress, Pushed, Reference, Registry, RegistryError, Transport, push};
use sprag_package::{ExportError, MakeError, export, export_file};
use sprag_release::PackagingError;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::package::{Package, PushRecord};
use sprag_store::Store;

use super::{driving, release, run};
use crate::args::{DriveArgs, PackageArgs};
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// Packages a version, and writes or pushes what was made.
///
/// # Errors
/// There is no such version, it cannot be packaged, or the package cannot be written or pushed. Nothing half is left then: what a registry has of it is named by nothing.
pub fn run(args: &PackageArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let target = args.push.as_ref().map(|reference| target(reference, args.insecure_registry)).transpose()?;
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    accept_lock(&project, args.locked)?;
    let version = release::find(&project, &store, args.model.as_deref())?;
    let project = super::with_surroundings(|surroundings| project.with_packager(surroundings))?;
    let runtime = run::tokio_runtime()?;
    let cancel = Cancel::default();
    {
        let _inside = runtime.enter();
        runtime.spawn(run::stop_on_signal(cancel.clone())?);
    }
    let drive = DriveArgs { server: args.server.clone(), json: args.json, verbose: args.verbose, ..DriveArgs::default() };
    let secrets = driving::granted(project.plan.package.iter());
    let stages = driving::stages_with(&project, store.clone(), secrets, &drive, &cancel, console)?;
    let (mut package, _) = runtime.block_on(stages.make_package(&version))?;
    // With it goes the line that shows the packager at work.
    drop(stages);
    if let Some(path) = &args.output {
        export(&store, &package, path)?;
    }
    if let Some(path) = &args.component {
        let component = package.component.as_deref().ok_or_else(|| {
            CommandError::user(format!("expected a self-contained component in the package of {}, found none", version.version))
                .hint("the packager was told to make none: see its parameter `component` in the project file")
        })?;
        export_file(&store, component, path)?;
    }
    let mut counts = None;
    if let Some((registry, reference)) = &target {
        let bar = (console.is_live() && !args.json).then(bar);
        let tell = |progress| bar.iter().for_each(|bar| show(bar, reference, progress));
        let pushed = runtime.block_on(pushed(&store, &package, registry, reference, tell, &cancel));
        bar.iter().for_each(ProgressBar::finish_and_clear);
        let Pushed { reference, tagged, component, sent, present } = pushed?;
        package.pushed = Some(PushRecord { reference, tagged, component });
        counts = Some((sent, present));
    }
    if args.json {
        console.json(&package);
    } else {
        lines(&package, &store, args, counts).iter().for_each(|line| console.line(line));
    }
    Ok(exit_code::SUCCESS)
}

/// The repository to push to, before anything is made for it.
fn target(reference: &Reference, insecure: bool) -> Result<(Registry, Reference), CommandError> {
    if reference.digest.is_some() {
        let message = format!("expected a repository to push to, perhaps with a tag, found a digest: `{reference}`");
        return Err(CommandError::user(message).hint("the digest is that of the package; leave it out"));
    }
    let transport = if insecure { Transport::Plain } else { Transport::for_host(&reference.host) };
    Ok((Registry::new(reference, transport)?, reference.clone()))
}

/// Pushes until it is done or somebody asks for an end: what has arrived until then is not sent again.
async fn pushed(
    store: &Store,
    package: &Package,
    registry: &Registry,
    reference: &Reference,
    progress: impl Fn(Progress),
    cancel: &Cancel,
) -> Result<Pushed, CommandError> {
    tokio::select! {
        pushed = push(store, package, registry, reference, progress) => Ok(pushed?),
        _ = cancel.requested() => {
            let error = CommandError { code: exit_code::CANCELLED, ..CommandError::user("the push was cancelled") };
            Err(error.hint("push again: what has arrived is not sent twice"))
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is fixed and good");
    bar.set_style(style);
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}

fn show(bar: &ProgressBar, reference: &Reference, Progress { done, all, sent }: Progress) {
    bar.set_message(format!("pushing to {}: {done} of {all} files, {} sent", reference.name(), size(sent)));
}

fn lines(package: &Package, store: &Store, args: &PackageArgs, counts: Option<(usize, usize)>) -> Vec<String> {
    let bytes: u64 = package.files.iter().map(|file| file.bytes).sum();
    let mut lines = vec![format!("{BOLD}{}{BOLD:#} packaged {DIM}{}{DIM:#}", package.version, size(bytes))];
    let mut line = |what: &str, text: &str| lines.push(format!("  {DIM}{what:<9}{DIM:#} {text}"));
    line("package", &package.digest);
    if let Some(image) = &package.image {
        line("image", image);
    }
    if let Some(component) = &package.component {
        line("component", component);
    }
    let written: Vec<&PathBuf> = args.output.iter().chain(&args.component).collect();
    for path in &written {
        line("written", &path.display().to_string());
    }
    if let Some(pushed) = &package.pushed {
        line("pushed", &pushed.reference);
        for tag in [Some(&pushed.tagged), pushed.component.as_ref()].into_iter().flatten() {
            line("tag", tag);
        }
    }
    if let Some((sent, present)) = counts {
        line("files", &format!("{sent} sent, {present} there already"));
    }
    if written.is_empty() && package.pushed.is_none() {
        line("kept in", &store.root().display().to_string());
    }
    lines
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

impl From<PackagingError> for CommandError {
    fn from(error: PackagingError) -> Self {
        let error = match error {
            PackagingError::Host(message) => return Self::internal(message),
            PackagingError::Make(error) => error,
        };
        let hints = error.hint().into_iter().collect();
        match error {
            MakeError::Store(error) => error.into(),
            MakeError::Packager { failure, .. } => Self { hints, ..Self::stage("package", &failure) },
            MakeError::Compose(_) | MakeError::Compile(_) => Self { hints, ..Self::user(with_causes(&error)) },
            MakeError::OtherModel { .. } => Self { hints, ..Self::internal(with_causes(&error)) },
            MakeError::NotAPackage(_) | MakeError::NoSuchArtifact { .. } => {
                Self { code: exit_code::PLUGIN_FAILED, hints, ..Self::user(with_causes(&error)) }
            }
        }
    }
}

impl From<ExportError> for CommandError {
    fn from(error: ExportError) -> Self {
        let code = match &error {
            ExportError::Exists { .. } => exit_code::BAD_PROJECT,
            ExportError::Package(_) | ExportError::Write { .. } => exit_code::INTERNAL,
        };
        Self { code, message: with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}

impl From<RegistryError> for CommandError {
    fn from(error: RegistryError) -> Self {
        let code = if error.is_usage() { exit_code::BAD_PROJECT } else { exit_code::INTERNAL };
        Self { code, message: with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}
