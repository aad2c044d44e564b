//! `sprag swap`

use std::io::{BufRead, IsTerminal};
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use sprag_authoring::{Language, build};
use sprag_core::contract;
use sprag_core::entries::entries;
use sprag_core::lock::{LockDiff, RightsDiff, lockfile};
use sprag_lifecycle::{Project, read_file, read_lock, write_file, write_lock};
use sprag_plugins::Plugins;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::lockfile::LockedStage;
use sprag_schemas::manifest::{Manifest, value_span};

use super::plugin::subject::BUILT;
use crate::args::SwapArgs;
use crate::commands::{project_dir, surroundings, with_plugins};
use crate::console::{BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;

/// Gives a stage another plugin: a file, the folder of a plugin's project, one of a registry, or a built-in one.
///
/// # Errors
/// There is no such stage or plugin, it does not fit, or it may do more than the one before and nobody agreed to that.
pub fn run(args: &SwapArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let root = project_dir(project)?;
    let plugin = name_in_project(&args.plugin, &root, console)?;
    let wish = Wish { stage: &args.stage, plugin: &plugin, yes: args.yes, dry_run: args.dry_run, json: args.json };
    swap(&wish, &root, console)
}

/// What is to be swapped, and how.
pub(crate) struct Wish<'a> {
    /// The stage.
    pub(crate) stage: &'a str,
    /// The plugin as the project file names it.
    pub(crate) plugin: &'a str,
    /// Whether more rights are agreed to.
    pub(crate) yes: bool,
    /// Whether nothing is to be changed.
    pub(crate) dry_run: bool,
    /// Whether the account is JSON.
    pub(crate) json: bool,
}

/// Changes the project file and the lockfile, or neither.
///
/// # Errors
/// As [`run`].
pub(crate) fn swap(wish: &Wish<'_>, root: &Path, console: &Console) -> Result<ExitCode, CommandError> {
    let text = read_file(root)?;
    let after = edited(&text, root, wish)?;
    // The tag of another plugin than the one that is locked is asked for anew; all others stay pinned.
    let wanted = wish.plugin.strip_prefix("oci://").map(str::to_owned);
    let fresh = surroundings::plugins().resolving(move |text| wanted.as_deref() == Some(text));
    let locked = locked(root, &fresh)?;
    let project = with_plugins(&fresh, |surroundings| Project::load_text(root, &after, surroundings))
        .map_err(|error| with_advice(CommandError::from(error), wish))?;
    let now = lockfile(&project.plan, &project.manifests);
    let entry = now.stage(wish.stage).expect("a planned stage is locked");
    let others = locked.as_ref().map(|locked| LockDiff::between(locked, &now)).unwrap_or_default();
    if let Some(other) = others.widened.iter().find(|line| !line.starts_with(&format!("stage `{}`", wish.stage))) {
        let message = format!("another stage has more rights than `sprag.lock` accepts\n  {other}");
        let error = CommandError { code: exit_code::REFUSED, ..CommandError::user(message) };
        return Err(error.hint("look at what each component may do, then accept it with `sprag lock`"));
    }
    let before = locked.as_ref().and_then(|locked| locked.stage(wish.stage));
    let diff = before.map(|before| RightsDiff::between(before, entry));
    let is_agreed = wish.yes || !diff.as_ref().is_some_and(RightsDiff::widens);
    let report = Report::new(before, entry, diff.as_ref());
    if !wish.json {
        report.lines().iter().for_each(|line| console.line(line));
    }
    let changes = !wish.dry_run && (is_agreed || (!wish.json && agrees(console)));
    if changes {
        // The project file first: with it alone, a run still holds the plugin against what was locked.
        write_file(root, &after)?;
        if let Err(error) = write_lock(&project) {
            write_file(root, &text)?;
            return Err(error.into());
        }
    }
    if wish.json {
        console.json(&Report { changed: changes, ..report });
    } else if changes {
        console.line(&format!("{GOOD}changed:{GOOD:#} sprag.toml and sprag.lock"));
    } else if wish.dry_run {
        console.note("nothing was changed: `--dry-run`");
    }
    if changes || wish.dry_run {
        return Ok(exit_code::SUCCESS);
    }
    let message =
        format!("stage `{}`: `{}` may do more than the plugin before, and nothing was changed", wish.stage, wish.plugin);
    let error = CommandError { code: exit_code::REFUSED, ..CommandError::user(message) };
    Err(error.hint("look at what it may do, then agree with `--yes`"))
}

/// What a person reads, or a script with `--json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    stage: String,
    before: Option<Side>,
    after: Side,
    /// What the plugin may do that the one before may not, and the other way round.
    more: Rights,
    less: Rights,
    changed: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Side {
    plugin: String,
    version: String,
    manifest: Option<String>,
    digest: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Rights {
    imports: Vec<Import>,
    grants: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Import {
    name: String,
    meaning: &'static str,
}

impl Rights {
    fn new(imports: &[String], grants: &[String]) -> Self {
        let import = |name: &String| Import { name: name.clone(), meaning: contract::meaning(name) };
        Self { imports: imports.iter().map(import).collect(), grants: grants.to_vec() }
    }

    fn is_empty(&self) -> bool {
        self.imports.is_empty() && self.grants.is_empty()
    }

    fn lines(&self, sign: &str) -> Vec<String> {
        // Many imports may mean one thing, such as all that writes to standard streams.
        let mut meanings: Vec<(&str, Vec<&str>)> = vec![];
        for Import { name, meaning } in &self.imports {
            match meanings.iter_mut().find(|(known, _)| known == meaning) {
                Some((_, names)) => names.push(name),
                None => meanings.push((meaning, vec![name])),
            }
        }
        let imports = meanings.into_iter().map(|(meaning, names)| {
            let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
            format!("  {sign} {meaning:<60} {DIM}{}{more}{DIM:#}", names[0])
        });
        imports.chain(self.grants.iter().map(|grant| format!("  {sign} is granted {grant}"))).collect()
    }
}

impl Report {
    fn new(before: Option<&LockedStage>, now: &LockedStage, diff: Option<&RightsDiff>) -> Self {
        let side = |stage: &LockedStage| Side {
            plugin: stage.plugin.clone(),
            version: stage.version.clone(),
            manifest: stage.manifest.clone(),
            digest: stage.digest.clone(),
        };
        let none = &RightsDiff { imports: (now.imports.clone(), vec![]), grants: (now.grants.clone(), vec![]) };
        // Where nothing is known of the plugin before, all rights are shown.
        let RightsDiff { imports, grants } = diff.unwrap_or(none);
        Self {
            stage: now.name.clone(),
            before: before.map(side),
            after: side(now),
            more: Rights::new(&imports.0, &grants.0),
            less: Rights::new(&imports.1, &grants.1),
            changed: false,
        }
    }

    fn lines(&self) -> Vec<String> {
        let named = |side: &Side| format!("{} {}", side.plugin, side.version);
        let before = self.before.as_ref().map(|before| format!("{} -> ", named(before))).unwrap_or_default();
        let mut lines = vec![format!("{BOLD}{}{BOLD:#}: {before}{}", self.stage, named(&self.after))];
        if let Some(manifest) = &self.after.manifest {
            lines.push(format!("  {DIM}manifest {DIM:#} {manifest}"));
        }
        lines.push(format!("  {DIM}component{DIM:#} {}", self.after.digest));
        if self.more.is_empty() && self.less.is_empty() {
            lines.push("It may do what the plugin before may, and no more.".to_owned());
        }
        for (title, rights, sign) in [("may do more", &self.more, "+"), ("may no longer", &self.less, "-")] {
            if !rights.is_empty() {
                let title = if self.before.is_none() { "may do" } else { title };
                lines.push(format!("{WARN}{title}:{WARN:#}"));
                lines.extend(rights.lines(sign));
            }
        }
        lines
    }
}

/// What the project is locked to: the lockfile, or where there is none the project as it stands, as far as it can be read.
fn locked(root: &Path, plugins: &Plugins) -> Result<Option<sprag_schemas::lockfile::Lockfile>, CommandError> {
    if let Some(locked) = read_lock(root)? {
        return Ok(Some(locked));
    }
    // A project that does not stand may be what the swap is to mend.
    let project = with_plugins(plugins, |surroundings| Project::load_unjudged(root, surroundings)).ok();
    Ok(project.map(|project| lockfile(&project.plan, &project.manifests)))
}

/// The project file with the other plugin.
fn edited(text: &str, root: &Path, wish: &Wish<'_>) -> Result<String, CommandError> {
    let parse = |message: String| CommandError::user(format!("{}: {message}", root.join("sprag.toml").display()));
    let manifest = Manifest::parse(text).map_err(parse)?;
    let all = entries(&manifest);
    let Some(entry) = all.iter().find(|entry| entry.name == wish.stage) else {
        let known: Vec<_> = all.iter().map(|entry| format!("`{}`", entry.name)).collect();
        return Err(CommandError::user(format!(
            "expected a stage of the project ({}), found `{}`",
            known.join(", "),
            wish.stage
        )));
    };
    let keys: Vec<_> = entry.path.iter().copied().chain(["plugin"]).collect();
    let span = value_span(text, &keys).ok_or_else(|| {
        CommandError::user(format!("expected `plugin` of the stage `{}` in the project file, found none", wish.stage))
    })?;
    let mut after = text.to_owned();
    after.replace_range(span, &toml_text(wish.plugin));
    Ok(after)
}

/// A text as TOML: in double quotes, with what they give a meaning to escaped.
fn toml_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Parameters stay, and may be none of the other plugin's.
fn with_advice(error: CommandError, wish: &Wish<'_>) -> CommandError {
    if !error.message.contains("params") {
        return error;
    }
    error.hint(format!(
        "nothing was changed; give the stage `{}` the parameters of the other plugin (`sprag plugin inspect`), then swap",
        wish.stage
    ))
}

/// Asks the person at the terminal.
fn agrees(console: &Console) -> bool {
    if !std::io::stdin().is_terminal() || !console.is_live() {
        return false;
    }
    console.note("Give it these rights? [y/N]");
    let mut answer = String::new();
    let is_read = std::io::stdin().lock().read_line(&mut answer).is_ok();
    is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// The plugin that a person means, as the project file names it: paths are relative to the project.
fn name_in_project(text: &str, root: &Path, console: &Console) -> Result<String, CommandError> {
    if let Some(reference) = text.strip_prefix("oci://") {
        return Ok(format!("oci://{}", super::plugin::registry::reference(reference)?));
    }
    let path = Path::new(text);
    if sprag_builtin::PLUGINS.iter().any(|(name, ..)| *name == text) {
        return Ok(text.to_owned());
    }
    let component = if path.is_dir() { of_folder(path, console)? } else { path.to_owned() };
    if !component.is_file() {
        let known: Vec<_> = sprag_builtin::PLUGINS.iter().map(|(name, ..)| *name).collect();
        let error = CommandError::user(format!(
            "expected a component file, the folder of a plugin, `oci://` with a reference, or a built-in plugin, found `{text}`"
        ));
        return Err(error.hint(format!("the built-in plugins: {}", known.join(", "))));
    }
    let whole = |path: &Path| path.canonicalize().map_err(|error| CommandError::io("find", path, &error));
    let relative = relative(&whole(&component)?, &whole(root)?);
    let relative = relative.to_str().ok_or_else(|| CommandError::user(format!("expected a path in UTF-8, found `{text}`")))?;
    Ok(if relative.starts_with("../") { relative.to_owned() } else { format!("./{relative}") })
}

/// The component of a plugin's folder, built where there are sources.
fn of_folder(folder: &Path, console: &Console) -> Result<PathBuf, CommandError> {
    if Language::of(folder).is_err() {
        let built = folder.join(BUILT);
        if built.is_file() {
            return Ok(built);
        }
    }
    let built = build(folder, &|| false)?;
    if built.is_new {
        console.note(&format!("built `{}`", built.component.display()));
    }
    Ok(built.component)
}

/// The way from a folder to a file, both absolute and without links.
fn relative(file: &Path, folder: &Path) -> PathBuf {
    let (file, folder): (Vec<Component<'_>>, Vec<Component<'_>>) = (file.components().collect(), folder.components().collect());
    let common = file.iter().zip(&folder).take_while(|(a, b)| a == b).count();
    let up = folder[common..].iter().map(|_| Component::ParentDir);
    up.chain(file[common..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_file() {
        let way = |file: &str, folder: &str| relative(Path::new(file), Path::new(folder)).display().to_string();
        assert_eq!(way("/a/b/c.wasm", "/a/b"), "c.wasm");
        assert_eq!(way("/a/mine/build/c.wasm", "/a/project"), "../mine/build/c.wasm");
        assert_eq!(way("/c.wasm", "/a/b"), "../../c.wasm");
    }

    #[test]
    fn a_text_is_quoted() {
        assert_eq!(toml_text(r#"./a"b\c"#), r#""./a\"b\\c""#);
    }
}
