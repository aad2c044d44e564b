//! `sprag plugin inspect`

use serde::Serialize;
use sprag_core::contract::{TRACK, world};
use sprag_core::params::Parameter;
use sprag_core::policy::verify_plugin;
use sprag_core::portrait::{Portrait, Reach, Right};
use sprag_schemas::exit_code::{self, ExitCode};

use super::subject::{Place, Subject};
use crate::args::PluginInspectArgs;
use crate::console::{BOLD, Console, DIM, WARN};
use crate::error::CommandError;

/// Tells of a plugin what its binary says. What is wrong with it is told, and is no error: `check` judges.
///
/// # Errors
/// There is no such plugin, or its file is no component.
pub(super) fn run(args: &PluginInspectArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let subject = Subject::find(&args.plugin)?;
    let portrait = Portrait::of(&subject.component);
    if args.json {
        console.json(&json(&subject, &portrait));
    } else {
        text(&subject, &portrait).iter().for_each(|line| console.line(line));
    }
    Ok(exit_code::SUCCESS)
}

/// A plugin as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told<'a> {
    name: Option<&'a str>,
    version: Option<&'a str>,
    summary: Option<&'a str>,
    kinds: Vec<&'static str>,
    tracks: &'a [String],
    served_tracks: [&'static str; 1],
    source: String,
    bytes: u64,
    digest: String,
    signatures: Vec<Signature>,
    params_schema: Option<&'a serde_json::Value>,
    imports: Vec<Import<'a>>,
    exports: &'a [String],
    problems: &'a [String],
}

/// One signature. Whether its key counts is for a policy to say.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Signature {
    /// The fingerprint of the key that made it, where it is a signature over this component.
    key: Option<String>,
    /// Why it is none.
    problem: Option<String>,
}

fn signatures(subject: &Subject) -> Vec<Signature> {
    let one = |text: &String| match verify_plugin(&subject.component, text) {
        Ok(key) => Signature { key: Some(key), problem: None },
        Err(error) => Signature { key: None, problem: Some(error.to_string()) },
    };
    subject.signatures.iter().map(one).collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Import<'a> {
    name: &'a str,
    meaning: &'a str,
    reach: &'static str,
}

fn json<'a>(subject: &'a Subject, portrait: &'a Portrait) -> Told<'a> {
    let info = portrait.info.as_ref();
    let import = |right: &'a Right| Import { name: &right.import, meaning: right.meaning, reach: right.reach.name() };
    Told {
        name: info.map(|info| info.name.as_str()),
        version: info.map(|info| info.version.as_str()),
        summary: info.map(|info| info.summary.as_str()),
        kinds: portrait.kinds.iter().map(|kind| kind.name()).collect(),
        tracks: &portrait.tracks,
        served_tracks: [TRACK],
        source: source(subject),
        bytes: subject.component.bytes,
        digest: subject.component.digest.to_string(),
        signatures: signatures(subject),
        params_schema: info.map(|info| &info.params_schema),
        imports: portrait.imports.iter().map(import).collect(),
        exports: &subject.component.exports,
        problems: &portrait.problems,
    }
}

fn source(subject: &Subject) -> String {
    match &subject.place {
        Place::BuiltIn(_) => "built into sprag".to_owned(),
        Place::File(path) => path.display().to_string(),
        Place::Registry(reference) => format!("oci://{reference}"),
    }
}

fn text(subject: &Subject, portrait: &Portrait) -> Vec<String> {
    let summary = portrait.info.as_ref().map_or("", |info| info.summary.as_str());
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}  {summary}", subject.title()).trim_end().to_owned()];
    let kinds: Vec<_> = portrait.kinds.iter().map(|kind| format!("{kind} (world `{}`)", world(*kind))).collect();
    let mut row = |name: &str, text: String| lines.push(format!("  {DIM}{name:<9}{DIM:#} {text}"));
    row("kind", if kinds.is_empty() { "none that sprag knows".to_owned() } else { kinds.join(", ") });
    row("contract", tracks(portrait));
    row("size", format!("{} ({} bytes)", size(subject.component.bytes), subject.component.bytes));
    row("digest", subject.component.digest.to_string());
    row("source", source(subject));
    let signed: Vec<_> = signatures(subject)
        .into_iter()
        .map(|one| {
            one.key.map_or_else(|| format!("{WARN}{}{WARN:#}", one.problem.unwrap_or_default()), |key| format!("by {key}"))
        })
        .collect();
    row("signature", if signed.is_empty() { "none".to_owned() } else { signed.join(", ") });
    lines.extend(parameters(&portrait.params));
    lines.extend(rights(&portrait.imports));
    if !portrait.problems.is_empty() {
        lines.push(String::new());
        lines.extend(portrait.problems.iter().map(|problem| format!("{WARN}problem:{WARN:#} {problem}")));
    }
    if portrait.is_of_another_track() {
        lines.push(format!(
            "{BOLD}hint:{BOLD:#} build it again with `sprag plugin build DIR`, or run it with a sprag that serves its track"
        ));
    }
    lines
}

/// The track that it was built for beside those that are served, where they differ.
fn tracks(portrait: &Portrait) -> String {
    let built = portrait.tracks.join(" and ");
    match portrait.tracks.as_slice() {
        [] => format!("none; this sprag serves track {TRACK}"),
        _ if portrait.is_of_another_track() => format!("track {built}; this sprag serves track {TRACK}"),
        _ => format!("track {built}"),
    }
}

fn parameters(params: &[Parameter]) -> Vec<String> {
    if params.is_empty() {
        return vec![String::new(), "It takes no parameters".to_owned()];
    }
    let mut lines = vec![String::new(), "Parameters".to_owned()];
    let name = params.iter().map(|param| param.name.chars().count()).max().unwrap_or(0);
    for param in params {
        let default = match &param.default {
            Some(default) => format!(", default {default}"),
            None if param.is_required => ", required".to_owned(),
            None => String::new(),
        };
        lines.push(format!("  {BOLD}{:<name$}{BOLD:#}  {}{default}", param.name, param.form));
        if !param.description.is_empty() {
            lines.push(format!("  {:<name$}  {DIM}{}{DIM:#}", "", param.description));
        }
    }
    lines
}

/// The imports, those that reach furthest first.
fn rights(imports: &[Right]) -> Vec<String> {
    let mut lines = vec![];
    for (reach, title) in [
        (Reach::Refused, "Asks for what no stage of its kind gets"),
        (Reach::Granted, "May, where the project grants it"),
        (Reach::Handed, "May, with what the run hands over"),
        (Reach::Inert, "Names, and reaches nothing with it"),
    ] {
        let some: Vec<_> = imports.iter().filter(|right| right.reach == reach).collect();
        if some.is_empty() {
            continue;
        }
        lines.extend([String::new(), title.to_owned()]);
        lines.extend(some.iter().map(|right| format!("  {:<56} {DIM}{}{DIM:#}", right.meaning, right.import)));
    }
    lines
}

/// A size for a person.
pub(super) fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "a size is shown with three digits")]
    let bytes = bytes as f64;
    for (unit, name) in [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")] {
        if bytes >= unit {
            return format!("{:.1} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}
