//! `sprag.toml`: the project file.
//!
//! One type per table of the file. Unknown keys are errors that list the known ones, with line and column. What a value means for a
//! run is decided in `sprag-core`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::environments::{Environment, Release};
use crate::quantity::{ByteSize, TimeSpan};
use crate::secrets::Secret;
use crate::triggers::{Pipeline, Trigger};

/// A whole project file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "sprag.toml", description = "A sprag project: data, split, stages, the gate's rule, grants and limits.")]
pub struct Manifest {
    /// The project itself.
    pub project: Project,
    /// The data that is checked, trained on and evaluated with.
    pub data: Data,
    /// How the rows are divided into training and hold-out.
    #[serde(default)]
    pub split: Split,
    /// The registered model.
    #[serde(default)]
    pub model: Model,
    /// Settings of every run.
    #[serde(default)]
    pub run: Run,
    /// Limits of every stage; a stage may set its own.
    #[serde(default)]
    pub limits: Limits,
    /// The stages by name. They run in the order of the lifecycle (sanity-check, unit-test, train, evaluate, register), and by name
    /// within one kind. A `package` stage belongs to releases.
    pub stages: BTreeMap<String, Stage>,
    /// Locked Python environments, by name: a stage runs scripts in those that it is granted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub python: BTreeMap<String, Python>,
    /// Where secrets come from, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Secret>,
    /// What `sprag provision` makes, by a name of your choice: stages of the kind `provision`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provision: BTreeMap<String, Stage>,
    /// Files that are scored with each run, or by `sprag batch`, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub batch: BTreeMap<String, Batch>,
    /// Settings of every release.
    #[serde(default)]
    pub release: Release,
    /// The places where the model serves, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, Environment>,
    /// How the runs of the published pipeline stand to each other.
    #[serde(default, skip_serializing_if = "Pipeline::is_default")]
    pub pipeline: Pipeline,
    /// What starts runs of the published pipeline on a server, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, Trigger>,
}

/// `[project]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Project {
    /// The project's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// What the project is for, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A policy that the project holds itself to, beside those of the machine and the user: a file, relative to the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// `[data]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Data {
    /// The file, relative to the project.
    pub path: String,
    /// The file's format. Default: by its extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<DataFormat>,
    /// The column to predict.
    pub target: String,
    /// The columns that a model may use. Default: all but the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Types that columns must have. A column that is not named gets its type from all of its values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnType>,
    /// The one character between the fields of a CSV file. Default: a comma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The texts that mean "no value" in a CSV file. Default: the empty text, `NA`, `N/A`, `NaN`, `nan`, `null` and `NULL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_values: Option<Vec<String>>,
    /// The longest line that a CSV file may have. Default: `16MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_line: Option<ByteSize>,
}

/// The formats that data may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataFormat {
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// 64-bit floating point.
    Float,
    /// 64-bit signed integer.
    Integer,
    /// True or false.
    Boolean,
    /// UTF-8 text.
    Text,
    /// A point in time, kept in microseconds.
    Timestamp,
}

/// `[split]`: as scikit-learn's `train_test_split` does it, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Split {
    /// The hold-out: a share between 0 and 1, or a number of rows.
    pub test_size: PartSize,
    /// The seed of the shuffle, as scikit-learn's `random_state`.
    pub random_state: u32,
    /// Whether rows are shuffled before the split. Without it the last rows are the hold-out.
    pub shuffle: bool,
    /// A part of the training rows to hand to the trainer for validation: a share between 0 and 1, or a number of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_size: Option<PartSize>,
}

impl Default for Split {
    fn default() -> Self {
        Self { test_size: PartSize::Share(0.2), random_state: 0, shuffle: true, validation_size: None }
    }
}

/// The size of a part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PartSize {
    /// A number of rows.
    Rows(u64),
    /// A share of all rows, between 0 and 1.
    Share(f64),
}

impl<'de> Deserialize<'de> for PartSize {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = PartSize;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a share between 0 and 1, such as `0.2`, or a number of rows, such as `100`")
            }
            fn visit_f64<E: serde::de::Error>(self, share: f64) -> Result<PartSize, E> {
                let inside = share > 0.0 && share < 1.0;
                inside
                    .then_some(PartSize::Share(share))
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(share), &self))
            }
            fn visit_i64<E: serde::de::Error>(self, rows: i64) -> Result<PartSize, E> {
                let rows_or = u64::try_from(rows).ok().filter(|&rows| rows > 0);
                rows_or.map(PartSize::Rows).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(rows), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, rows: u64) -> Result<PartSize, E> {
                self.visit_i64(i64::try_from(rows).unwrap_or(i64::MAX))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `[model]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Model {
    /// The name in the registry. Default: the project's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The alias whose version a candidate must beat. Default: `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub champion: Option<String>,
}

/// `[run]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Run {
    /// The seed of all chance in the stages.
    pub seed: u64,
    /// Who is told how a run ended, by a name of your choice: people, or a tracker of experiments.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub notify: BTreeMap<String, Stage>,
}

/// `[python.NAME]`: a Python environment that the host makes from a lock and keeps in the user's cache folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Python {
    /// The lock, relative to the project: a `requirements.txt` in which every requirement has one version and the SHA-256 of its files.
    pub lock: String,
    /// The version of Python, such as `3.11`.
    pub version: String,
    /// A folder of wheels to install from, relative to the project, without any network. Default: the index of the user's own configuration of pip or uv.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wheels: Option<String>,
    /// How many threads the numeric libraries start. More are faster on much data, and sums then depend on their number.
    #[serde(default = "one")]
    pub threads: u32,
    /// What is done on a machine that cannot confine processes.
    #[serde(default)]
    pub confinement: Confinement,
    /// Where its scripts run.
    #[serde(default)]
    pub tier: PythonTier,
}

/// Where the scripts of an environment run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PythonTier {
    /// As a process of this machine, in an environment that is made from the lock, confined by what the kernel offers.
    #[default]
    Supervised,
    /// In the sandbox: by a Python that is itself WebAssembly, with the packages that it holds, which `sprag python install` gets. The same bits come out on every machine. The lock, the version, the
    /// threads and the confinement are those of the other tier, and say nothing here.
    Hermetic,
}

const fn one() -> u32 {
    1
}

/// What is done on a machine that cannot confine processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confinement {
    /// Nothing is run there.
    #[default]
    Required,
    /// It is run with what confinement there is, and the record says what that was.
    BestEffort,
}

/// `[stages.NAME]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stage {
    /// The stage's kind. Default: its name, where that is a kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The plugin: the name of a built-in one, the path of a component that begins with `./`, `../` or `/`, or one of an OCI registry as
    /// `oci://HOST/REPOSITORY:TAG`.
    pub plugin: String,
    /// The plugin's parameters, checked against its schema.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Files of the project that the plugin may read, by the name that it asks for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// What the plugin may do beyond its stage's world.
    #[serde(default)]
    pub grants: Grants,
    /// Limits of this stage, in place of the project's.
    #[serde(default)]
    pub limits: Limits,
}

impl Stage {
    /// A stage that names a plugin and nothing else.
    pub fn of_plugin(plugin: &str) -> Self {
        Self {
            kind: None,
            plugin: plugin.to_owned(),
            params: serde_json::Map::new(),
            inputs: BTreeMap::new(),
            grants: Grants::default(),
            limits: Limits::default(),
        }
    }
}

/// The kinds of stage, in the order of the lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Looks at the data that is about to be trained on.
    SanityCheck,
    /// Tests the trainer's own code.
    UnitTest,
    /// Makes a model.
    Train,
    /// Judges the candidate against the model in production.
    Evaluate,
    /// Enters the candidate into the registry.
    Register,
    /// Makes the package of a registered version.
    Package,
    /// Makes, once, what the later stages need.
    Provision,
    /// Runs a package in an environment.
    Deploy,
    /// Tries a deployed service.
    SmokeTest,
    /// Tells people.
    Notify,
    /// Decides by rule whether a release may go on.
    Approve,
}

impl Kind {
    /// Every kind, in the order of the lifecycle.
    pub const ALL: [Self; 11] = [
        Self::SanityCheck,
        Self::UnitTest,
        Self::Train,
        Self::Evaluate,
        Self::Register,
        Self::Package,
        Self::Provision,
        Self::Deploy,
        Self::SmokeTest,
        Self::Notify,
        Self::Approve,
    ];

    /// The kinds that may stand under `[stages]`. The others have a place of their own in the project file.
    pub const OF_STAGES: [Self; 6] =
        [Self::SanityCheck, Self::UnitTest, Self::Train, Self::Evaluate, Self::Register, Self::Package];

    /// The kind's name, as the project file spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SanityCheck => "sanity-check",
            Self::UnitTest => "unit-test",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Register => "register",
            Self::Package => "package",
            Self::Provision => "provision",
            Self::Deploy => "deploy",
            Self::SmokeTest => "smoke-test",
            Self::Notify => "notify",
            Self::Approve => "approve",
        }
    }

    /// Whether a stage of the kind may be granted the network. Such a stage sees the real clock, since it must be able to wait.
    pub const fn may_use_network(self) -> bool {
        matches!(self, Self::Provision | Self::Deploy | Self::SmokeTest | Self::Notify)
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// `[stages.NAME.grants]`: everything is denied that is not named here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Grants {
    /// Environment variables that the plugin sees. Their values become part of the stage's cache key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The clock that the plugin sees. A stage that sees the real one is never taken from the cache.
    pub clock: Clock,
    /// The origins that the plugin may send HTTP requests to: `https://host`, `https://host:port` or `https://*.suffix`, perhaps after the only methods:
    /// `GET,HEAD https://host`. Only for the kinds `provision`, `deploy`, `smoke-test` and `notify`; a smoke test may always reach the service that it tests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<String>,
    /// The secrets that the plugin may put into its requests, by their names under `[secrets]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Whether the plugin may run scoring services on this machine. Only for the kinds `provision` and `deploy`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub services: bool,
    /// The folders of this machine that the plugin may work in, relative to the project or absolute. Only for the kind `provision`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// The mail servers that the plugin may send through: `host:port`. Only for the kind `notify`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub smtp: Vec<String>,
    /// The Python environments that the plugin may run scripts in, by their names under `[python]`. Only for the kind `train`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<String>,
    /// Whether those scripts may use the network: all of it, unrecorded. A stage that may is never taken from the cache.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub process_network: bool,
}

/// A clock for a plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// A clock that always starts at 2000-01-01T00:00:00Z and moves a microsecond with each look, so that runs replay.
    #[default]
    Frozen,
    /// The machine's clock.
    Real,
}

/// `[limits]` and `[stages.NAME.limits]`. A limit that is hit fails the stage and is named in the error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// The linear memory of the plugin, and beside it as much for the scripts that it runs. Default: `2GiB`; a component cannot use more than `4GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// The wall time of the stage. Default: `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSpan>,
    /// The handles that the plugin may hold at once. Default: 10 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handles: Option<u32>,
    /// The bytes that one call to the host may carry. Default: `128MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<ByteSize>,
    /// The log lines' total size, with their fields. Default: `1MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<ByteSize>,
    /// What is kept of standard output and error; what is written beyond is dropped. Default: `64KiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<ByteSize>,
    /// The number of measurements. Default: 10 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<u32>,
    /// The number of findings. Default: 1 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<u32>,
    /// The artifacts' total size. Default: `1GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<ByteSize>,
    /// The size of the model's state. Default: `4GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ByteSize>,
    /// What a script may have on disk. Default: `1GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<ByteSize>,
    /// The processes and threads that a script may have at once. Default: 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

impl Manifest {
    /// Reads the text of a project file.
    ///
    /// # Errors
    /// The text is not TOML or does not fit the types: the error shows the line and, for an unknown key, the known ones.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// The model's name in the registry.
    pub fn model_name(&self) -> &str {
        self.model.name.as_deref().unwrap_or(&self.project.name)
    }

    /// The alias whose version a candidate must beat.
    pub fn champion_alias(&self) -> &str {
        self.model.champion.as_deref().unwrap_or("production")
    }

    /// The JSON Schema of the project file, for editors.
    pub fn json_schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a JSON Schema is made of maps with text keys");
        text.push('\n');
        text
    }
}

/// The line, from 1, where a key or table of a TOML text begins; the line of the nearest enclosing table where the key is absent.
pub fn line_of(text: &str, path: &[&str]) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut offset = None;
    for (depth, key) in path.iter().enumerate() {
        let Some((found, value)) = table.iter().find(|(found, _)| found.get_ref() == key) else { break };
        offset = Some(found.span().start);
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ if depth + 1 < path.len() => break,
            _ => {}
        }
    }
    offset.map(|offset| text[..offset].matches('\n').count() + 1)
}

/// Where the value of a key stands in a TOML text; none where the key is absent.
pub fn value_span(text: &str, path: &[&str]) -> Option<std::ops::Range<usize>> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut span = None;
    for key in path {
        let (_, value) = table?.iter().find(|(found, _)| found.get_ref() == key)?;
        span = Some(value.span());
        table = match value.get_ref() {
            toml::de::DeValue::Table(inner) => Some(inner),
            _ => None,
        };
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str =
        "[project]\nname = \"p\"\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n[stages.train]\nplugin = \"train-ridge\"\n";

    #[test]
    fn a_small_project_gets_the_defaults() {
        let manifest = Manifest::parse(SMALL).unwrap();
        assert_eq!(manifest.split, Split::default());
        assert_eq!(manifest.champion_alias(), "production");
        assert_eq!(manifest.stages["train"].grants, Grants::default());
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_line_and_the_known_ones() {
        let error = Manifest::parse(&SMALL.replace("target", "traget")).unwrap_err();
        assert!(error.contains("line 5, column 1"), "{error}");
        assert!(error.contains("unknown field `traget`, expected one of `path`, `format`, `target`"), "{error}");
    }

    #[test]
    fn part_sizes_are_shares_or_rows() {
        let split = |size: &str| toml::from_str::<Split>(&format!("test-size = {size}"));
        assert_eq!(split("0.25").unwrap().test_size, PartSize::Share(0.25));
        assert_eq!(split("100").unwrap().test_size, PartSize::Rows(100));
        for bad in ["0.0", "1.0", "0", "-3", "\"a\"", "nan"] {
            assert!(split(bad).unwrap_err().to_string().contains("a share between 0 and 1"), "{bad}");
        }
    }

    #[test]
    fn lines_are_found_by_path() {
        assert_eq!(line_of(SMALL, &["data", "target"]), Some(5));
        assert_eq!(line_of(SMALL, &["stages", "train", "plugin"]), Some(7));
        assert_eq!(line_of(SMALL, &["stages", "train", "params", "alpha"]), Some(6));
        assert_eq!(line_of(SMALL, &["nothing"]), None);
        assert_eq!(value_span(SMALL, &["stages", "train", "plugin"]).map(|span| &SMALL[span]), Some("\"train-ridge\""));
        assert_eq!(value_span(SMALL, &["stages", "train", "kind"]), None);
    }
}
