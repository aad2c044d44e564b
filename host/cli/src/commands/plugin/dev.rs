//! `sprag plugin dev`

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sprag_authoring::{BUILT, Language, Snapshot, build, snapshot};
use sprag_core::entries::entries;
use sprag_core::plan::PluginRef;
use sprag_lifecycle::{Cancel, RunOptions};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Kind;

use super::check::{Target, fit};
use super::subject::Subject;
use crate::args::{Format, PluginDevArgs};
use crate::commands::{manifest, project_dir, run as running};
use crate::console::{BOLD, Console, DIM, GOOD};
use crate::error::CommandError;
use crate::report;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// Builds a plugin and runs its stage, and again whenever a file is saved. What goes wrong is shown, and the next save is another try. Ctrl-C is the way to end it.
///
/// # Errors
/// There is no such project or stage, or the stage has another plugin.
pub(super) fn run(args: &PluginDevArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let _language = Language::of(&args.dir)?;
    let root = project_dir(project)?;
    takes_it(args, &root, project)?;
    let cancel = Cancel::default();
    let runtime = running::tokio_runtime()?;
    {
        let _inside = runtime.enter();
        runtime.spawn(running::stop_on_signal(cancel.clone())?);
    }
    let mut seen: Option<(Snapshot, Option<Vec<u8>>)> = None;
    while !cancel.is_requested() {
        // The project file counts as well: a parameter that is changed there is tried at once.
        let now = (snapshot(&args.dir), fs::read(root.join("sprag.toml")).ok());
        if seen.as_ref() == Some(&now) {
            runtime.block_on(async {
                tokio::select! {
                    _ = cancel.requested() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            });
            continue;
        }
        seen = Some(now);
        match turn(args, project, &cancel, &runtime, console) {
            Ok(()) => {}
            Err(_) if cancel.is_requested() => break,
            Err(error) => console.error(&error),
        }
        if !cancel.is_requested() {
            console.note(&format!("{DIM}watching `{}`; Ctrl-C ends it{DIM:#}", args.dir.display()));
        }
    }
    console.note("ended");
    Ok(exit_code::SUCCESS)
}

/// One build, and the stage.
fn turn(
    args: &PluginDevArgs,
    project: Option<&Path>,
    cancel: &Cancel,
    runtime: &tokio::runtime::Runtime,
    console: &Console,
) -> Result<(), CommandError> {
    let built = build(&args.dir, &|| cancel.is_requested())?;
    if built.is_new {
        console.note(&format!("built `{}`", built.component.display()));
    }
    let target = Target::of_stage(&manifest(project)?, &args.stage)?;
    if !is_of_a_run(target.kind) {
        return held(&built.component, &target, console);
    }
    let project = crate::commands::load(project, &[])?;
    let options = RunOptions {
        code_dir: running::code_dir(),
        machine: crate::commands::confined::machine(),
        until: Some(args.stage.clone()),
        ..RunOptions::default()
    };
    let observer = report::live::observer(Format::Text, args.verbose, *console);
    let _record = runtime.block_on(sprag_lifecycle::run(&project, &options, observer, cancel.clone()))?;
    Ok(())
}

/// The kinds that a run has, of which none changes anything outside of it. To register at each save would fill the registry.
fn is_of_a_run(kind: Kind) -> bool {
    matches!(kind, Kind::SanityCheck | Kind::UnitTest | Kind::Train | Kind::Evaluate)
}

/// Holds a component against a stage that is not run: one that registers, packages, deploys or sends.
fn held(component: &Path, target: &Target, console: &Console) -> Result<(), CommandError> {
    let subject = Subject::read(component)?;
    let fit = fit(&subject, target);
    if !fit.problems.is_empty() {
        return Err(fit.error(&subject, target));
    }
    let kind = target.kind;
    console.line(&format!(
        "{GOOD}ok{GOOD:#}: {} fits; a stage of the kind {BOLD}{kind}{BOLD:#} is not run at each save",
        subject.title()
    ));
    Ok(())
}

/// Makes sure that the stage has the plugin that will be built.
fn takes_it(args: &PluginDevArgs, root: &Path, project: Option<&Path>) -> Result<(), CommandError> {
    let manifest = manifest(project)?;
    let _known = Target::of_stage(&manifest, &args.stage)?;
    let all = entries(&manifest);
    let plugin = all.iter().find(|entry| entry.name == args.stage).map_or("", |entry| entry.stage.plugin.as_str());
    let whole = |path: PathBuf| {
        // The component may not be built yet, so that only its folder can be looked up.
        let folder = path.parent().and_then(Path::parent).and_then(|folder| fs::canonicalize(folder).ok());
        folder.map(|folder| folder.join(BUILT))
    };
    let built = whole(args.dir.join(BUILT));
    let is_it = match PluginRef::parse(plugin) {
        PluginRef::Path(path) => path.ends_with(BUILT) && whole(root.join(path)) == built,
        _ => false,
    };
    if is_it {
        return Ok(());
    }
    let expected = built.unwrap_or_else(|| args.dir.join(BUILT));
    let message = format!("stage `{}`: expected the plugin `{}`, found `{plugin}`", args.stage, expected.display());
    let line = fs::canonicalize(root).ok().and_then(|root| Some(format!("./{}", expected.strip_prefix(root).ok()?.display())));
    let line = line.unwrap_or_else(|| expected.display().to_string());
    Err(CommandError::user(message)
        .hint(format!("set `plugin = \"{line}\"` of the stage in `{}`", root.join("sprag.toml").display())))
}
