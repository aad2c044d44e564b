//! What can be told of a plugin from its binary alone: who it is, what it is for, what it may do, and what is wrong with it.

use sprag_schemas::manifest::Kind;

use crate::component::{Component, PluginInfo};
use crate::contract::{self, TRACK};
use crate::params::{self, Parameter};
use crate::plan::is_name;

/// A plugin as its binary shows it. Nothing of it was run or compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct Portrait {
    /// Its own account; none where the binary has no section `sprag:plugin`.
    pub info: Option<PluginInfo>,
    /// The kinds of stage that it is made for. One is usual.
    pub kinds: Vec<Kind>,
    /// The tracks of the contract that it was built for. One is usual.
    pub tracks: Vec<String>,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// What it asks for, by the name of the import.
    pub imports: Vec<Right>,
    /// What is wrong with it, whatever stage it is meant for.
    pub problems: Vec<String>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Its name, such as `sprag:data/tables@0.1.0`.
    pub import: String,
    /// What it lets the plugin do, in plain words.
    pub meaning: &'static str,
    /// How far it reaches.
    pub reach: Reach,
}

/// How far an import reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Out of the sandbox, where the project grants it.
    Granted,
    /// To what the run hands over.
    Handed,
    /// Nowhere: the host serves it inert.
    Inert,
    /// Unknown or in no world: no stage gets it.
    Refused,
}

impl Reach {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Handed => "handed",
            Self::Inert => "inert",
            Self::Refused => "refused",
        }
    }
}

impl Portrait {
    /// Looks at a component.
    pub fn of(component: &Component) -> Self {
        let info = component.plugin.clone();
        let schema = info.as_ref().map(|info| &info.params_schema);
        let kinds = contract::kinds_meant(component);
        let imports = component.imports.iter().map(|import| Right {
            import: import.clone(),
            meaning: contract::meaning(import),
            reach: reach(import, &kinds),
        });
        Self {
            tracks: contract::tracks(component).into_iter().collect(),
            params: schema.map(params::list).unwrap_or_default(),
            imports: imports.collect(),
            problems: problems(component, &kinds),
            info,
            kinds,
        }
    }

    /// Whether it was built for another track of the contract than this host serves.
    pub fn is_of_another_track(&self) -> bool {
        self.tracks.iter().any(|track| track != TRACK)
    }
}

fn reach(import: &str, kinds: &[Kind]) -> Reach {
    let interface = import.split('@').next().unwrap_or(import);
    let is_in_a_world = |kind: &Kind| contract::may_import(import, *kind);
    if kinds.is_empty() || !kinds.iter().all(is_in_a_world) {
        return Reach::Refused;
    }
    match interface {
        "sprag:run/secrets" | "sprag:run/mail" | "sprag:run/folders" | "sprag:run/services" | "sprag:run/processes" => {
            Reach::Granted
        }
        _ if interface.starts_with("wasi:http/") => Reach::Granted,
        _ if interface.starts_with("wasi:") => Reach::Inert,
        _ => Reach::Handed,
    }
}

/// What is wrong with a plugin, whatever stage it is meant for.
fn problems(component: &Component, kinds: &[Kind]) -> Vec<String> {
    let mut problems = vec![];
    match kinds {
        [] if component.exports.is_empty() => problems.push("expected the exports of a stage kind, found none".to_owned()),
        [] => {
            let shown: Vec<_> = component.exports.iter().take(5).map(|name| format!("`{name}`")).collect();
            problems.push(format!("expected the exports of a stage kind, found {}", shown.join(", ")));
        }
        [kind] => problems.extend(contract::check(component, *kind).err().into_iter().flatten().map(|error| error.to_string())),
        several => {
            let names: Vec<_> = several.iter().map(|kind| format!("`{kind}`")).collect();
            problems.push(format!("expected the exports of one stage kind, found those of {}", names.join(", ")));
        }
    }
    problems.extend(component.plugin.as_ref().map(section_problems).unwrap_or_default());
    problems
}

/// What is wrong with a plugin's account of itself.
pub fn section_problems(info: &PluginInfo) -> Vec<String> {
    let mut problems = vec![];
    if !is_name(&info.name) {
        problems.push(format!(
            "section `sprag:plugin`: `name`: expected lower-case letters, digits and hyphens, beginning with a letter, found `{}`",
            info.name
        ));
    }
    if !is_version(&info.version) {
        problems.push(format!("section `sprag:plugin`: `version`: expected a version such as `1.0.0`, found `{}`", info.version));
    }
    let schema = params::schema_problem(&info.params_schema);
    problems.extend(schema.map(|problem| format!("section `sprag:plugin`: `params-schema`: {problem}")));
    problems
}

/// Whether a text is a semantic version: three numbers, and what may follow them.
fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3 && core.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn component(exports: &[&str], imports: &[&str], info: PluginInfo) -> Component {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Component { digest: Digest::of(b""), bytes: 0, imports: own(imports), exports: own(exports), plugin: Some(info) }
    }

    fn info() -> PluginInfo {
        PluginInfo {
            name: "tell".into(),
            version: "1.0.0".into(),
            summary: "Tells".into(),
            params_schema: serde_json::json!({ "type": "object" }),
            kind: None,
        }
    }

    const NOTIFIER: [&str; 2] = ["sprag:stage/plugin@0.1.0", "sprag:stage/notify@0.1.0"];

    #[test]
    fn each_import_reaches_as_far_as_its_kind_lets_it() {
        let imports = [
            "sprag:run/context@0.1.0",
            "sprag:run/mail@0.1.0",
            "wasi:http/types@0.2.6",
            "wasi:cli/stderr@0.2.6",
            "wasi:sockets/tcp@0.2.6",
        ];
        let portrait = Portrait::of(&component(&NOTIFIER, &imports, info()));
        let reach: Vec<_> = portrait.imports.iter().map(|right| right.reach).collect();
        assert_eq!(reach, [Reach::Handed, Reach::Granted, Reach::Granted, Reach::Inert, Reach::Refused]);
        assert_eq!(portrait.problems.len(), 1, "{:?}", portrait.problems);
    }

    #[test]
    fn another_track_is_still_known_for_what_it_is() {
        let portrait = Portrait::of(&component(&["sprag:stage/plugin@0.9.0", "sprag:stage/notify@0.9.0"], &[], info()));
        assert_eq!((portrait.kinds.as_slice(), portrait.tracks.as_slice()), (&[Kind::Notify][..], &["0.9.0".to_owned()][..]));
        assert!(portrait.is_of_another_track());
        assert_eq!(portrait.problems, ["expected track 0.1.0 of `sprag:stage`, found `sprag:stage/notify@0.9.0`"]);
    }

    #[test]
    fn an_account_that_makes_no_sense_is_a_problem_each() {
        let wrong =
            PluginInfo { name: "Tell Me".into(), version: "1.0".into(), params_schema: serde_json::json!("{}"), ..info() };
        assert_eq!(
            Portrait::of(&component(&NOTIFIER, &[], wrong)).problems,
            [
                "section `sprag:plugin`: `name`: expected lower-case letters, digits and hyphens, beginning with a letter, found `Tell Me`",
                "section `sprag:plugin`: `version`: expected a version such as `1.0.0`, found `1.0`",
                "section `sprag:plugin`: `params-schema`: expected a JSON Schema of an object, found a text",
            ]
        );
        assert!(is_version("1.2.3-rc.1+build") && !is_version("1.2.x"));
    }
}
