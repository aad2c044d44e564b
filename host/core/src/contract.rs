//! Which imports and exports each stage kind has: the worlds of `wit/stage`, as the host enforces them.
//!
//! A component's imports are its complete power, so this check, which needs only the binary, is the first line of the sandbox. The
//! second is the runtime's linker, which offers a stage nothing but the same interfaces.

use std::collections::BTreeSet;

use sprag_schemas::manifest::Kind;

use crate::component::Component;

pub mod shape;
pub mod texts;

/// The track of the `sprag:*` packages that this host serves.
pub const TRACK: &str = "0.1.0";

/// The packages of WASI 0.2 that every world may import. The host serves them inert: see `wit/README.md`.
const WASI_PACKAGES: [&str; 5] = ["cli", "clocks", "filesystem", "io", "random"];

/// What the kinds that may use the network may import of `wasi:http`: a client, and no server. The host's sender lets granted origins through.
const HTTP_INTERFACES: [&str; 2] = ["wasi:http/types", "wasi:http/outgoing-handler"];

/// What every plugin may import: types and handles that open nothing, and the session.
const COMMON_IMPORTS: [&str; 3] = ["sprag:run/context", "sprag:run/blobs", "sprag:stage/types"];

/// The name of the kind's world in `wit/stage/worlds.wit`.
pub const fn world(kind: Kind) -> &'static str {
    match kind {
        Kind::SanityCheck => "sanity-checker",
        Kind::UnitTest => "unit-tester",
        Kind::Train => "trainer",
        Kind::Evaluate => "evaluator",
        Kind::Register => "registrar",
        Kind::Package => "packager",
        Kind::Provision => "provisioner",
        Kind::Deploy => "deployer",
        Kind::SmokeTest => "smoke-tester",
        Kind::Notify => "notifier",
        Kind::Approve => "approver",
    }
}

/// The interfaces that a component of the kind must export, beside `sprag:stage/plugin`.
pub const fn exports(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::SanityCheck => &["sprag:stage/sanity-check"],
        Kind::UnitTest => &["sprag:stage/unit-test"],
        Kind::Train => &["sprag:stage/train", "sprag:stage/score"],
        Kind::Evaluate => &["sprag:stage/evaluate"],
        Kind::Register => &["sprag:stage/register"],
        Kind::Package => &["sprag:stage/package"],
        Kind::Provision => &["sprag:stage/provision"],
        Kind::Deploy => &["sprag:stage/deploy"],
        Kind::SmokeTest => &["sprag:stage/smoke-test"],
        Kind::Notify => &["sprag:stage/notify"],
        Kind::Approve => &["sprag:stage/approve"],
    }
}

/// The interfaces that a component of the kind may import, beside the common ones and WASI.
pub const fn imports(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::SanityCheck => &["sprag:run/artifacts", "sprag:data/tables", "sprag:linalg/kernels"],
        Kind::Train => &["sprag:run/artifacts", "sprag:run/processes", "sprag:data/tables", "sprag:linalg/kernels"],
        Kind::UnitTest => &["sprag:stage/harness", "sprag:stage/train", "sprag:stage/score", "sprag:data/tables"],
        Kind::Evaluate => &["sprag:run/artifacts", "sprag:data/tables", "sprag:linalg/kernels", "sprag:stage/models"],
        Kind::Register => &["sprag:stage/models", "sprag:stage/registry", "sprag:data/tables"],
        Kind::Package => &["sprag:run/artifacts", "sprag:stage/parts"],
        Kind::Provision => &["sprag:run/secrets", "sprag:run/services", "sprag:run/folders"],
        Kind::Deploy => &["sprag:run/artifacts", "sprag:run/secrets", "sprag:run/services"],
        Kind::SmokeTest => &["sprag:run/secrets", "sprag:data/tables"],
        Kind::Notify => &["sprag:run/secrets", "sprag:run/mail"],
        Kind::Approve => &[],
    }
}

/// Why a component does not fit a stage. Nothing of it was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// It does not export what the kind needs.
    #[error("expected a component of the world `{world}`, which exports `{missing}@{TRACK}`; found {found}")]
    WrongWorld {
        /// The kind's world.
        world: &'static str,
        /// The first interface that is missing.
        missing: &'static str,
        /// The kinds that it would fit, or its exports.
        found: String,
    },
    /// It exports or imports another track of the contract.
    #[error("expected track {TRACK} of `{package}`, found `{found}`")]
    WrongTrack {
        /// The package.
        package: String,
        /// The name in the component.
        found: String,
    },
    /// It imports more than the kind's world has.
    #[error("asks for `{import}` ({meaning}), which the world `{world}` does not have")]
    ForbiddenImport {
        /// The import.
        import: String,
        /// What the import would allow.
        meaning: &'static str,
        /// The kind's world.
        world: &'static str,
    },
    /// It says that it is of another kind than its exports are.
    #[error("its section `sprag:plugin` says that it is of the kind `{claimed}`, and what it exports is of the kind `{kind}`")]
    LyingSection {
        /// What it says.
        claimed: String,
        /// What it is.
        kind: Kind,
    },
    /// It has no plugin section.
    #[error("expected a section `sprag:plugin` that says who the plugin is, found none")]
    NoPluginSection,
}

impl ContractError {
    /// Whether the component asks for too much, rather than being of the wrong make.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::ForbiddenImport { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::WrongWorld { .. } => {
                "name a plugin of this stage's kind, or set `kind` of the stage to the plugin's".to_owned()
            }
            Self::WrongTrack { .. } => {
                format!("build the plugin again, with the SDK of a sprag that serves track {TRACK}: `sprag plugin build DIR`")
            }
            Self::LyingSection { .. } => "name the kind of the exports in the section, or none".to_owned(),
            Self::ForbiddenImport { import, .. } if import.starts_with("wasi:") => {
                "no grant gives a stage of this kind that right; build the plugin without it".to_owned()
            }
            Self::ForbiddenImport { .. } => {
                "a stage of this kind never gets that interface; build the plugin without it".to_owned()
            }
            Self::NoPluginSection => "build the plugin with the sprag SDK, which writes the section".to_owned(),
        }
    }
}

/// Checks that a component fits a stage of a kind: its exports are there and its imports are all allowed.
///
/// # Errors
/// Every reason why it does not fit, the ones about its make first.
pub fn check(component: &Component, kind: Kind) -> Result<(), Vec<ContractError>> {
    let mut errors = vec![];
    for &missing in exports(kind) {
        match find(&component.exports, missing) {
            Found::Track => {}
            Found::OtherTrack(found) => errors.push(ContractError::WrongTrack { package: package(missing), found }),
            Found::Nothing => {
                // What such a component imports beside is no help to whoever named the wrong one.
                return Err(vec![ContractError::WrongWorld { world: world(kind), missing, found: account(component) }]);
            }
        }
    }
    if errors.is_empty() {
        match &component.plugin {
            None => errors.push(ContractError::NoPluginSection),
            Some(info) => {
                let lie = info.kind.clone().filter(|claimed| claimed != kind.name());
                errors.extend(lie.map(|claimed| ContractError::LyingSection { claimed, kind }));
            }
        }
    }
    for import in &component.imports {
        errors.extend(judge_import(import, kind).err());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Whether a component can send HTTP requests.
pub fn sends_http(component: &Component) -> bool {
    component.imports.iter().any(|import| import.starts_with("wasi:http/outgoing-handler@"))
}

/// Whether a component can run scripts on the machine.
pub fn runs_processes(component: &Component) -> bool {
    component.imports.iter().any(|import| import.starts_with("sprag:run/processes@"))
}

/// Whether an import gives a component nothing that it could not compute by itself from what it is handed, in more time.
pub fn is_pure(import: &str) -> bool {
    import.starts_with("sprag:linalg/kernels@")
}

/// Whether a component of the kind may have an import.
pub fn may_import(import: &str, kind: Kind) -> bool {
    !matches!(judge_import(import, kind), Err(ContractError::ForbiddenImport { .. }))
}

/// The kinds whose exports a component has.
pub fn kinds_of(component: &Component) -> Vec<Kind> {
    let has = |kind: &Kind| exports(*kind).iter().all(|name| matches!(find(&component.exports, name), Found::Track));
    Kind::ALL.into_iter().filter(has).collect()
}

/// The kinds whose interfaces a component exports, of whatever track: what it is meant for, even where this host cannot run it.
pub fn kinds_meant(component: &Component) -> Vec<Kind> {
    let has = |kind: &Kind| exports(*kind).iter().all(|name| !matches!(find(&component.exports, name), Found::Nothing));
    Kind::ALL.into_iter().filter(has).collect()
}

/// The tracks of the `sprag:*` packages that a component was built for, sorted. One is usual.
pub fn tracks(component: &Component) -> BTreeSet<String> {
    let names = component.imports.iter().chain(&component.exports);
    let ours = names.filter(|name| name.starts_with("sprag:"));
    ours.filter_map(|name| name.split_once('@')).map(|(_, version)| version.to_owned()).collect()
}

/// What an import would allow, in plain words.
pub fn meaning(import: &str) -> &'static str {
    let (interface, _) = import.split_once('@').unwrap_or((import, ""));
    match interface {
        "sprag:data/tables" => "read the tables that it is handed",
        "sprag:linalg/kernels" => "have the host compute with matrices and with those tables",
        "sprag:run/context" => "read its parameters; write logs, metrics and findings",
        "sprag:run/blobs" => "read and write the byte streams that it is handed",
        "sprag:run/artifacts" => "leave files with the run",
        "sprag:stage/types" => "name the contract's types",
        "sprag:stage/models" => "ask the models that it is handed for predictions",
        "sprag:stage/registry" => "register this run's candidate and move aliases",
        "sprag:run/secrets" => "put granted secrets into its requests, without seeing them",
        "sprag:run/mail" => "send mail through granted servers",
        "sprag:run/folders" => "read and write in granted folders of this machine",
        "sprag:run/services" => "run scoring services on this machine, where granted",
        "sprag:run/processes" => "run scripts in granted Python environments of this machine",
        "sprag:stage/parts" => "read the parts of the package",
        "sprag:stage/harness" => "make tables and sessions for a test",
        "sprag:stage/train" => "call the trainer under test",
        "sprag:stage/score" => "score with the model under test",
        _ if interface.starts_with("wasi:http/") => "send HTTP requests to granted origins",
        _ if interface.starts_with("wasi:sockets/") => "open network sockets",
        _ if interface.starts_with("wasi:filesystem/") => "name files; no directory is there",
        _ if interface.starts_with("wasi:clocks/") => "look at a clock; it is frozen unless granted",
        _ if interface.starts_with("wasi:random/") => "draw seeded random numbers",
        _ if interface.starts_with("wasi:cli/") => "write to captured standard streams; no arguments, and only granted variables",
        _ if interface.starts_with("wasi:io/") => "use streams and polling",
        _ => "do something that sprag does not know",
    }
}

fn judge_import(import: &str, kind: Kind) -> Result<(), ContractError> {
    let forbidden = || ContractError::ForbiddenImport { import: import.to_owned(), meaning: meaning(import), world: world(kind) };
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    if let Some(rest) = interface.strip_prefix("wasi:") {
        let package = rest.split('/').next().unwrap_or_default();
        let is_inert = WASI_PACKAGES.contains(&package);
        let is_http = kind.may_use_network() && HTTP_INTERFACES.contains(&interface);
        return if (is_inert || is_http) && version.starts_with("0.2.") { Ok(()) } else { Err(forbidden()) };
    }
    if !COMMON_IMPORTS.contains(&interface) && !imports(kind).contains(&interface) {
        return Err(forbidden());
    }
    if version == TRACK {
        return Ok(());
    }
    Err(ContractError::WrongTrack { package: package(interface), found: import.to_owned() })
}

enum Found {
    Track,
    OtherTrack(String),
    Nothing,
}

fn find(names: &[String], interface: &str) -> Found {
    let of_interface = |name: &&String| name.split('@').next() == Some(interface);
    let mut tracks = names.iter().filter(of_interface).peekable();
    let Some(&first) = tracks.peek() else { return Found::Nothing };
    let served = tracks.any(|name| name.split_once('@').is_some_and(|(_, version)| version == TRACK));
    if served { Found::Track } else { Found::OtherTrack(first.clone()) }
}

fn package(interface: &str) -> String {
    interface.split('/').next().unwrap_or(interface).to_owned()
}

/// What a component is, for an error that expected something else.
fn account(component: &Component) -> String {
    let quote = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let kinds = kinds_of(component);
    if !kinds.is_empty() {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        return format!("a plugin of the kind {}", quote(&names));
    }
    if component.exports.is_empty() {
        return "a component that exports nothing".to_owned();
    }
    let shown: Vec<_> = component.exports.iter().take(5).map(String::as_str).collect();
    format!("a component that exports {}", quote(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::PluginInfo;
    use crate::digest::Digest;

    fn component(exports: &[&str], imports: &[&str]) -> Component {
        Component {
            digest: Digest::of(b""),
            bytes: 0,
            imports: imports.iter().map(|name| (*name).to_owned()).collect(),
            exports: exports.iter().map(|name| (*name).to_owned()).collect(),
            plugin: Some(PluginInfo {
                name: "p".into(),
                version: "1.0.0".into(),
                summary: String::new(),
                params_schema: serde_json::json!({}),
                kind: None,
            }),
        }
    }

    fn messages(component: &Component, kind: Kind) -> Vec<String> {
        check(component, kind).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    const TRAINER: [&str; 3] = ["sprag:stage/plugin@0.1.0", "sprag:stage/train@0.1.0", "sprag:stage/score@0.1.0"];

    #[test]
    fn a_trainer_may_import_its_world_and_inert_wasi() {
        let imports = [
            "sprag:run/context@0.1.0",
            "sprag:data/tables@0.1.0",
            "sprag:linalg/kernels@0.1.0",
            "wasi:io/streams@0.2.6",
            "wasi:cli/stderr@0.2.3",
        ];
        assert_eq!(messages(&component(&TRAINER, &imports), Kind::Train), [""; 0]);
    }

    #[test]
    fn each_excess_import_is_named() {
        let imports =
            ["wasi:sockets/tcp@0.2.6", "sprag:stage/registry@0.1.0", "wasi:http/outgoing-handler@0.2.6", "evil:x/y@1.0.0"];
        assert_eq!(
            messages(&component(&TRAINER, &imports), Kind::Train),
            [
                "asks for `wasi:sockets/tcp@0.2.6` (open network sockets), which the world `trainer` does not have",
                "asks for `sprag:stage/registry@0.1.0` (register this run's candidate and move aliases), which the world `trainer` does not have",
                "asks for `wasi:http/outgoing-handler@0.2.6` (send HTTP requests to granted origins), which the world `trainer` does not have",
                "asks for `evil:x/y@1.0.0` (do something that sprag does not know), which the world `trainer` does not have",
            ]
        );
    }

    #[test]
    fn the_wrong_kind_says_which_kind_it_is() {
        assert_eq!(
            messages(&component(&TRAINER, &[]), Kind::Evaluate),
            [
                "expected a component of the world `evaluator`, which exports `sprag:stage/evaluate@0.1.0`; found a plugin of the kind `train`"
            ]
        );
        assert_eq!(
            messages(&component(&["wasi:cli/run@0.2.6"], &[]), Kind::Train),
            [
                "expected a component of the world `trainer`, which exports `sprag:stage/train@0.1.0`; found a component that exports `wasi:cli/run@0.2.6`"
            ]
        );
    }

    #[test]
    fn a_section_that_names_another_kind_is_a_lie() {
        let mut trainer = component(&TRAINER, &[]);
        trainer.plugin.as_mut().unwrap().kind = Some("evaluate".to_owned());
        assert_eq!(
            messages(&trainer, Kind::Train),
            ["its section `sprag:plugin` says that it is of the kind `evaluate`, and what it exports is of the kind `train`"]
        );
        trainer.plugin.as_mut().unwrap().kind = Some("train".to_owned());
        assert_eq!(messages(&trainer, Kind::Train), [""; 0]);
    }

    #[test]
    fn another_track_is_named() {
        let newer = component(&["sprag:stage/train@0.2.0", "sprag:stage/score@0.2.0"], &["sprag:run/context@0.2.0"]);
        assert_eq!(messages(&newer, Kind::Train)[0], "expected track 0.1.0 of `sprag:stage`, found `sprag:stage/train@0.2.0`");
        assert_eq!(messages(&newer, Kind::Train)[2], "expected track 0.1.0 of `sprag:run`, found `sprag:run/context@0.2.0`");
        assert_eq!(kinds_meant(&newer), [Kind::Train]);
        assert_eq!(kinds_of(&newer), []);
        assert_eq!(tracks(&newer).into_iter().collect::<Vec<_>>(), ["0.2.0"]);
    }
}
