//! A project on disk: `sprag.toml`, and the components that it names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sprag_core::component;
use sprag_core::digest::Digest;
use sprag_core::entries::entries;
use sprag_core::plan::{self, Plan, PluginRef, Problem};
use sprag_schemas::manifest::{Kind, Manifest, Stage, line_of};

/// The name of the project file.
pub(crate) const FILE: &str = "sprag.toml";

/// The plugin that packages where a project names none.
const PACKAGER: &str = "package-oci";

/// The plugins that are built into the program, by name: the component's bytes and their digest.
pub type BuiltIns = [(&'static str, &'static [u8], Digest)];

/// The binary of a component.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Their digest.
    pub digest: Digest,
}

/// A project that was read and planned.
#[derive(Debug)]
pub struct Project {
    /// The folder of the project file.
    pub root: PathBuf,
    /// The project file, with the overrides of the command line.
    pub manifest: Manifest,
    /// The stages.
    pub plan: Plan,
    /// The components' binaries, by stage.
    pub components: BTreeMap<String, Component>,
}

/// What is wrong with a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no project file.
    #[error("expected a project file `{FILE}` in `{}`, found none", .dir.display())]
    Missing {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// A file of the project cannot be read.
    #[error("failed to read `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the project cannot be written.
    #[error("failed to write `{}`: {}", .path.display(), if is_full(.source) { "the disk is full".to_owned() } else { .source.to_string() })]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The project file is not TOML or has wrong keys or types.
    #[error("{}: {message}", .path.display())]
    Parse {
        /// The project file.
        path: PathBuf,
        /// What is wrong, with the line.
        message: String,
    },
    /// What the project file says cannot be done.
    #[error("{}", .problems.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>().join("\n"))]
    Problems {
        /// Everything that is wrong.
        problems: Vec<LocatedProblem>,
    },
    /// An override of the command line makes no sense.
    #[error("{0}")]
    Override(String),
}

/// A problem with its place in the project file.
#[derive(Debug)]
pub struct LocatedProblem {
    line: Option<usize>,
    /// `file:line: message`
    text: String,
    hint: Option<String>,
    is_refusal: bool,
}

impl ProjectError {
    /// Whether a component asks for more than it may have, and nothing else is wrong.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Problems { problems } if problems.iter().all(|problem| problem.is_refusal))
    }

    /// What to do about it, each hint once.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing { .. } => vec!["make one with `sprag new`, or name the folder with `--project`".to_owned()],
            Self::Problems { problems } => {
                let mut hints: Vec<_> = problems.iter().filter_map(|problem| problem.hint.clone()).collect();
                hints.dedup();
                hints
            }
            Self::Override(_) => vec!["write `--param STAGE.NAME=VALUE`, such as `--param train.alpha=0.4`".to_owned()],
            Self::Write { source, .. } if is_full(source) => vec!["free some space and run again".to_owned()],
            Self::Read { .. } | Self::Write { .. } | Self::Parse { .. } => vec![],
        }
    }
}

/// Whether there is no room left, or a quota or a limit on file sizes was hit.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl Project {
    /// Reads the project in a folder. Components are read and held against their stages; none is run.
    ///
    /// `overrides` are parameters as `STAGE.NAME=VALUE`, where the value is JSON or else a text.
    ///
    /// # Errors
    /// Everything that is wrong with the project, with file and line.
    pub fn load(root: &Path, built_ins: &BuiltIns, overrides: &[String]) -> Result<Self, ProjectError> {
        let path = root.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ProjectError::Missing { dir: root.to_owned() });
            }
            Err(source) => return Err(ProjectError::Read { path, source }),
        };
        let mut manifest = Manifest::parse(&text).map_err(|message| ProjectError::Parse { path: path.clone(), message })?;
        for text in overrides {
            apply_override(&mut manifest, text)?;
        }
        if !manifest.environments.is_empty() {
            add_packager(&mut manifest);
        }
        Self::planned(root, &text, manifest, built_ins)
    }

    /// The same project, with the usual packager where it names none: what a command needs that packages a version of a project without environments.
    ///
    /// # Errors
    /// The packager is not among the plugins that are built in.
    pub fn with_packager(mut self, built_ins: &BuiltIns) -> Result<Self, ProjectError> {
        if self.plan.package.is_some() {
            return Ok(self);
        }
        add_packager(&mut self.manifest);
        Self::planned(&self.root, "", self.manifest, built_ins)
    }

    /// Finds the components of a project file and plans its stages. `text` is the file, where lines are counted.
    fn planned(root: &Path, text: &str, manifest: Manifest, built_ins: &BuiltIns) -> Result<Self, ProjectError> {
        let path = root.join(FILE);
        let locate = |problems: Vec<Problem>| ProjectError::Problems {
            problems: in_order(problems.into_iter().map(|problem| located(problem, text, &path)).collect()),
        };
        plan::stage_kinds(&manifest).map_err(locate)?;
        let mut components = BTreeMap::new();
        let mut infos = BTreeMap::new();
        let mut problems = vec![];
        for entry in entries(&manifest) {
            match find_component(root, built_ins, &entry.stage.plugin) {
                Ok((component, info)) => {
                    components.insert(entry.name.clone(), component);
                    infos.insert(entry.name, info);
                }
                Err((message, hint)) => {
                    let path = entry.path.iter().copied().chain(["plugin"]).map(str::to_owned).collect();
                    let message = format!("stage `{}`: plugin `{}`: {message}", entry.name, entry.stage.plugin);
                    problems.push(Problem { path, message, hint, is_refusal: false });
                }
            }
        }
        if !problems.is_empty() {
            return Err(locate(problems));
        }
        let plan = Plan::build(&manifest, &infos).map_err(locate)?;
        Ok(Self { root: root.to_owned(), manifest, plan, components })
    }

    /// The folder of the store.
    pub fn store_dir(&self) -> PathBuf {
        self.root.join(".sprag")
    }

    /// The one stage of the kind `train`, with its binary.
    pub(crate) fn trainer(&self) -> Option<(&plan::PlannedStage, &Component)> {
        let stage = self.plan.stage_of(Kind::Train)?;
        Some((stage, &self.components[&stage.name]))
    }
}

/// What is deployed or pushed must be packaged first, and there is one usual way.
fn add_packager(manifest: &mut Manifest) {
    let is_package = |(name, stage): (&String, &Stage)| stage.kind.or(Kind::from_name(name)) == Some(Kind::Package);
    if !manifest.stages.iter().any(is_package) {
        manifest.stages.insert(Kind::Package.name().to_owned(), Stage::of_plugin(PACKAGER));
    }
}

fn find_component(
    root: &Path,
    built_ins: &BuiltIns,
    plugin: &str,
) -> Result<(Component, component::Component), (String, Option<String>)> {
    let with_hint = |error: component::ComponentError| {
        let hint = error.hint().map(str::to_owned);
        (error.to_string(), hint)
    };
    match PluginRef::parse(plugin) {
        PluginRef::BuiltIn(name) => {
            let Some((_, bytes, digest)) = built_ins.iter().find(|(known, ..)| *known == name) else {
                let known: Vec<_> = built_ins.iter().map(|(known, ..)| format!("`{known}`")).collect();
                let hint = format!("a component file is named by a path: `./{name}.wasm`");
                return Err((format!("expected a built-in plugin ({}), found `{name}`", known.join(", ")), Some(hint)));
            };
            let info = component::Component::read_as(bytes, *digest).map_err(with_hint)?;
            Ok((Component { bytes: Cow::Borrowed(bytes), digest: *digest }, info))
        }
        PluginRef::Path(relative) => {
            let path = root.join(relative.strip_prefix("./").unwrap_or(&relative));
            let bytes = std::fs::read(&path).map_err(|error| (format!("failed to read `{}`: {error}", path.display()), None))?;
            let info = component::Component::read(&bytes).map_err(with_hint)?;
            component::Component::validate(&bytes).map_err(with_hint)?;
            Ok((Component { bytes: Cow::Owned(bytes), digest: info.digest }, info))
        }
    }
}

fn apply_override(manifest: &mut Manifest, text: &str) -> Result<(), ProjectError> {
    let wrong = |what: String| ProjectError::Override(format!("`--param {text}`: {what}"));
    let (path, value) = text.split_once('=').ok_or_else(|| wrong("expected `STAGE.NAME=VALUE`, found no `=`".to_owned()))?;
    let (stage, name) = path.split_once('.').ok_or_else(|| wrong("expected `STAGE.NAME=VALUE`, found no `.`".to_owned()))?;
    let known: Vec<_> = manifest.stages.keys().map(|name| format!("`{name}`")).collect();
    let stage = manifest
        .stages
        .get_mut(stage)
        .ok_or_else(|| wrong(format!("expected a stage of the project ({}), found `{stage}`", known.join(", "))))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    stage.params.insert(name.to_owned(), value);
    Ok(())
}

fn located(problem: Problem, text: &str, path: &Path) -> LocatedProblem {
    let keys: Vec<_> = problem.path.iter().map(String::as_str).collect();
    let line = line_of(text, &keys);
    let place = line.map(|line| format!("{line}: ")).unwrap_or_else(|| " ".to_owned());
    LocatedProblem {
        line,
        text: format!("{}:{place}{}", path.display(), problem.message),
        hint: problem.hint,
        is_refusal: problem.is_refusal,
    }
}

/// The problems in the order in which the file has them.
fn in_order(mut problems: Vec<LocatedProblem>) -> Vec<LocatedProblem> {
    problems.sort_by_key(|problem| problem.line);
    problems
}
