//! A project on disk: `sprag.toml`, and the components that it names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sprag_core::digest::Digest;
use sprag_core::entries::entries;
use sprag_core::plan::{self, Plan, PluginRef, Problem};
use sprag_core::policy::{Decision, PolicyFile, Provenance, decide, problems};
use sprag_python::LockFault;
use sprag_schemas::manifest::{Kind, Manifest, Stage, line_of};
use sprag_schemas::record::PolicyRecord;

use crate::files::write_whole;
use crate::lock::read_lock;
use crate::plugins::{Found, PluginSource, find_component};
use crate::policies::policies;

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

/// What a project is read with: what the machine and the user have, and the project has no say in.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The plugins that are built in.
    pub built_ins: &'a BuiltIns,
    /// The policies of the machine and the user. Each is read, and all must allow what the project asks for.
    pub policies: &'a [PathBuf],
    /// Where the plugins of registries are.
    pub plugins: &'a dyn PluginSource,
}

/// A project that was read and planned.
#[derive(Debug)]
pub struct Project {
    /// The folder of the project file.
    pub root: PathBuf,
    /// The folder whose data it reads and whose store it fills: its own, but for a published pipeline, whose files lie apart.
    pub home: PathBuf,
    /// The project file, with the overrides of the command line.
    pub manifest: Manifest,
    /// The stages.
    pub plan: Plan,
    /// The components' binaries, by stage.
    pub components: BTreeMap<String, Component>,
    /// The manifests of the plugins that come from a registry, by stage.
    pub manifests: BTreeMap<String, Digest>,
    /// The digests of the locks of its Python environments, by name.
    pub locks: BTreeMap<String, Digest>,
    /// The policies in force.
    pub policies: Vec<PolicyFile>,
    /// What they say of each thing that a stage asks for.
    pub decisions: Vec<Decision>,
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
    /// A policy makes no sense: nothing runs by a rule that was not understood.
    #[error(transparent)]
    Policy(#[from] sprag_core::policy::PolicyError),
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
            Self::Read { .. } | Self::Write { .. } | Self::Parse { .. } | Self::Policy(_) => vec![],
        }
    }
}

/// Whether there is no room left, or a quota or a limit on file sizes was hit.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl Project {
    /// Reads the project in a folder. Components are read and held against their stages and the policies; none is run or compiled.
    ///
    /// `overrides` are parameters as `STAGE.NAME=VALUE`, where the value is JSON or else a text.
    ///
    /// # Errors
    /// Everything that is wrong with the project, with file and line, and everything that a policy refuses.
    pub fn load(root: &Path, surroundings: Surroundings<'_>, overrides: &[String]) -> Result<Self, ProjectError> {
        let text = read_file(root)?;
        Self::read(root, &text, surroundings, overrides)?.judged(&text)
    }

    /// The project as it would be with another text of its file: for who wants to change it, and to know first what comes of that.
    ///
    /// # Errors
    /// As [`Project::load`].
    pub fn load_text(root: &Path, text: &str, surroundings: Surroundings<'_>) -> Result<Self, ProjectError> {
        Self::read(root, text, surroundings, &[])?.judged(text)
    }

    /// The same whatever the policies say: for who wants to know what they say.
    ///
    /// # Errors
    /// Everything that is wrong with the project, with file and line.
    pub fn load_unjudged(root: &Path, surroundings: Surroundings<'_>) -> Result<Self, ProjectError> {
        Self::read(root, &read_file(root)?, surroundings, &[])
    }

    /// Plans the project of a text, whatever the policies say.
    fn read(root: &Path, text: &str, surroundings: Surroundings<'_>, overrides: &[String]) -> Result<Self, ProjectError> {
        let parse = |message| ProjectError::Parse { path: root.join(FILE), message };
        let mut manifest = Manifest::parse(text).map_err(parse)?;
        for text in overrides {
            apply_override(&mut manifest, text)?;
        }
        if !manifest.environments.is_empty() {
            add_packager(&mut manifest);
        }
        let policies = policies(root, &manifest, surroundings.policies)?;
        Self::planned(root, text, manifest, surroundings, policies)
    }

    /// The same project, with the usual packager where it names none: what a command needs that packages a version of a project without environments.
    ///
    /// # Errors
    /// The packager is not among the plugins that are built in, or a policy refuses it.
    pub fn with_packager(mut self, surroundings: Surroundings<'_>) -> Result<Self, ProjectError> {
        if self.plan.package.is_some() {
            return Ok(self);
        }
        add_packager(&mut self.manifest);
        Self::planned(&self.root, "", self.manifest, surroundings, self.policies)?.judged("")
    }

    /// Finds the components of a project file and plans its stages. `text` is the file, where lines are counted.
    fn planned(
        root: &Path,
        text: &str,
        manifest: Manifest,
        surroundings: Surroundings<'_>,
        policies: Vec<PolicyFile>,
    ) -> Result<Self, ProjectError> {
        let path = root.join(FILE);
        let locate = |problems: Vec<Problem>| locate(problems, text, &path);
        plan::stage_kinds(&manifest).map_err(locate)?;
        let mut components = BTreeMap::new();
        let mut infos = BTreeMap::new();
        let (mut provenance, mut manifests) = (BTreeMap::<String, Provenance>::new(), BTreeMap::new());
        let mut problems = vec![];
        let is_from_registry = |stage: &Stage| matches!(PluginRef::parse(&stage.plugin), PluginRef::Registry(_));
        // Only pins are looked for here; a project without plugins of registries is read without its lockfile.
        let needs_pins = root.join("vendor").is_dir() || entries(&manifest).iter().any(|entry| is_from_registry(entry.stage));
        let lock = if needs_pins { read_lock(root)? } else { None };
        for entry in entries(&manifest) {
            let locked = lock.as_ref().and_then(|lock| lock.stage(&entry.name));
            match find_component(root, surroundings, &entry.stage.plugin, locked) {
                Ok(Found { component, info, manifest, provenance: from }) => {
                    manifests.extend(manifest.map(|manifest| (entry.name.clone(), manifest)));
                    provenance.insert(entry.name.clone(), from);
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
        let locks = sprag_python::locks(root, &manifest.python).unwrap_or_else(|faults| {
            problems.extend(faults.iter().map(lock_problem));
            BTreeMap::new()
        });
        if !problems.is_empty() {
            return Err(locate(problems));
        }
        let plan = Plan::build(&manifest, &infos).map_err(locate)?;
        let decisions = decide(&policies, &manifest.project.name, plan.all(), &provenance);
        Ok(Self {
            root: root.to_owned(),
            home: root.to_owned(),
            manifest,
            plan,
            components,
            manifests,
            locks,
            policies,
            decisions,
        })
    }

    /// The project, unless a policy refuses something that it asks for.
    fn judged(self, text: &str) -> Result<Self, ProjectError> {
        let refusals = problems(&self.decisions, &entries(&self.manifest));
        if refusals.is_empty() { Ok(self) } else { Err(locate(refusals, text, &self.root.join(FILE))) }
    }

    /// The policies in force, for a record.
    pub fn policy_records(&self) -> Vec<PolicyRecord> {
        let record = |policy: &PolicyFile| PolicyRecord { path: policy.path.clone(), digest: policy.digest.to_string() };
        self.policies.iter().map(record).collect()
    }

    /// The folder of the store.
    pub fn store_dir(&self) -> PathBuf {
        self.home.join(".sprag")
    }

    /// The same project over the data and the store of another folder.
    #[must_use]
    pub fn at_home_in(self, home: &Path) -> Self {
        Self { home: home.to_owned(), ..self }
    }

    /// The one stage of the kind `train`, with its binary.
    pub(crate) fn trainer(&self) -> Option<(&plan::PlannedStage, &Component)> {
        let stage = self.plan.stage_of(Kind::Train)?;
        Some((stage, &self.components[&stage.name]))
    }
}

/// The text of the project file in a folder.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn read_file(root: &Path) -> Result<String, ProjectError> {
    let path = root.join(FILE);
    std::fs::read_to_string(&path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ProjectError::Missing { dir: root.to_owned() },
        _ => ProjectError::Read { path, source },
    })
}

/// Replaces the project file in a folder, whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn write_file(root: &Path, text: &str) -> Result<(), ProjectError> {
    write_whole(&root.join(FILE), text)
}

/// What is deployed or pushed must be packaged first, and there is one usual way.
fn add_packager(manifest: &mut Manifest) {
    let is_package = |(name, stage): (&String, &Stage)| stage.kind.or(Kind::from_name(name)) == Some(Kind::Package);
    if !manifest.stages.iter().any(is_package) {
        manifest.stages.insert(Kind::Package.name().to_owned(), Stage::of_plugin(PACKAGER));
    }
}

fn lock_problem(fault: &LockFault) -> Problem {
    let path = ["python", fault.name(), "lock"].map(str::to_owned).to_vec();
    Problem { path, message: fault.to_string(), hint: Some(fault.hint()), is_refusal: false }
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

fn locate(problems: Vec<Problem>, text: &str, path: &Path) -> ProjectError {
    ProjectError::Problems { problems: in_order(problems.into_iter().map(|problem| located(problem, text, path)).collect()) }
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
