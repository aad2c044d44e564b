//! Policies, case by case: what is asked, what decides, and that what a refusal says to add is enough.

use std::collections::BTreeMap;

use sprag_schemas::manifest::{Kind, Manifest};

use super::*;
use crate::approval::SigningKey;
use crate::component::{Component, PluginInfo};
use crate::contract;
use crate::digest::Digest;
use crate::entries::entries;
use crate::plan::Plan;

const PROJECT: &str = "[project]\nname = \"diabetes\"\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n";
const TRAIN: &str = "[stages.train]\nplugin = \"train-ridge\"\n";
const DEPLOY: &str = "[stages.train]\nplugin = \"train-ridge\"\n[secrets.token]\nenv = \"T\"\nhosts = [\"a.com\"]\n\
                      [environments.staging.deploy]\nplugin = \"deploy-aci\"\n";

fn component(kind: Kind) -> Component {
    Component {
        digest: Digest::of(kind.name().as_bytes()),
        bytes: 0,
        imports: vec![],
        exports: contract::exports(kind).iter().map(|name| format!("{name}@0.1.0")).collect(),
        plugin: Some(PluginInfo {
            name: kind.name().into(),
            version: "1.0.0".into(),
            summary: String::new(),
            params_schema: serde_json::json!({}),
            kind: None,
        }),
    }
}

fn trainer() -> Provenance {
    Provenance { repository: Some("r.example.com/team/train-x".into()), signatures: vec![] }
}

/// What the policies say of a project, refused or not.
fn decided(project: &str, policies: &[&str], train: &Provenance) -> Vec<Decision> {
    let manifest = Manifest::parse(&format!("{PROJECT}{project}")).unwrap();
    let components: BTreeMap<_, _> =
        entries(&manifest).into_iter().map(|entry| (entry.name.clone(), component(entry.kind.unwrap()))).collect();
    let plan = Plan::build(&manifest, &components).unwrap();
    let read = |(at, text): (usize, &&str)| PolicyFile::parse(&format!("{at}.toml"), text).unwrap();
    let policies: Vec<_> = policies.iter().enumerate().map(read).collect();
    let provenance = BTreeMap::from([("train".to_owned(), train.clone())]);
    decide(&policies, &manifest.project.name, plan.all(), &provenance)
}

/// The refusals, each as what was asked, the line and the rule.
fn refused(project: &str, policies: &[&str]) -> Vec<String> {
    refusals(&decided(project, policies, &trainer()))
}

fn refusals(decisions: &[Decision]) -> Vec<String> {
    let line = |decision: &Decision| {
        let line = decision.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{} {}{line} {}", decision.asked, decision.policy, decision.rule)
    };
    decisions.iter().filter(|decision| !decision.is_allowed).map(line).collect()
}

const ANY: &str = "[[plugins]]\nfrom = [\"any\"]\n";

#[test]
fn what_no_rule_allows_is_refused_and_without_a_policy_all_is_allowed() {
    let project = format!("{TRAIN}grants = {{ env = [\"SEASON\"], clock = \"real\" }}\n");
    assert_eq!(refused(&project, &[]), [""; 0]);
    assert_eq!(
        refused(&project, &[""]),
        [
            "to run 0.toml no `[[plugins]]` is for `train` stages of `diabetes`",
            "env=SEASON 0.toml no `[[grants]]` for `train` stages of `diabetes` names `env`",
            "clock=real 0.toml no `[[grants]]` for `train` stages of `diabetes` names `clock`",
        ]
    );
    let wide = format!("{ANY}[[grants]]\nenv = [\"SEA*\"]\n[[grants]]\nclock = \"real\"\n");
    assert_eq!(refused(&project, &[&wide]), [""; 0]);
    // A rule for other kinds or other projects is none.
    for narrowed in ["kinds = [\"deploy\"]", "projects = [\"churn\", \"dia\"]"] {
        assert_eq!(refused(&project, &[&wide.replace("[[grants]]", &format!("[[grants]]\n{narrowed}"))]).len(), 2, "{narrowed}");
    }
    let mine = wide.replace("[[grants]]", "[[grants]]\nprojects = [\"dia*\"]\nkinds = [\"train\"]");
    assert_eq!(refused(&project, &[&mine]), [""; 0]);
}

#[test]
fn of_several_policies_all_must_allow() {
    let project = format!("{TRAIN}grants = {{ env = [\"SEASON\"] }}\n");
    let wide = format!("{ANY}[[grants]]\nenv = [\"*\"]\n");
    assert_eq!(refused(&project, &[&wide, &wide]), [""; 0]);
    assert_eq!(
        refused(&project, &[ANY, &wide]),
        ["env=SEASON 0.toml no `[[grants]]` for `train` stages of `diabetes` names `env`"]
    );
}

#[test]
fn the_rule_that_decided_is_named_with_its_line() {
    let project = format!("{TRAIN}grants = {{ env = [\"B\"] }}\nlimits = {{ memory = \"4GiB\", time = \"20m\" }}\n");
    let policy = "[[plugins]]\nfrom = [\n  \"file\",\n  \"train-ridge\",\n]\n\n[[grants]]\nenv = [\"A\"]\nmemory = \"3GiB\"\n";
    let decisions = decided(&project, &[policy], &trainer());
    assert_eq!((decisions[0].line, decisions[0].rule.as_str()), (Some(4), "from `train-ridge`"));
    assert_eq!(
        refusals(&decisions),
        [
            "env=B 0.toml:8 `env = [\"A\"]`",
            "memory=4GiB 0.toml:9 `memory = \"3GiB\"`",
            "time=20m 0.toml no rule names `time`, so the most is 10m",
        ]
    );
}

#[test]
fn network_grants_are_held_against_origins_and_methods() {
    let project = |grants: &str| format!("{DEPLOY}grants = {{ {grants} }}\n");
    let policy = format!("{ANY}[[grants]]\nkinds = [\"deploy\"]\nhttp = [\"GET https://*.a.com\", \"https://b.com\"]\n");
    let refused = |grants: &str| refused(&project(grants), &[&policy]).len();
    assert_eq!(refused("http = [\"GET https://x.a.com\", \"https://b.com\"]"), 0);
    assert_eq!(refused("http = [\"https://x.a.com\", \"GET,PUT https://y.a.com\", \"https://c.com\", \"http://b.com\"]"), 4);
    assert_eq!(refused("secrets = [\"token\"]"), 1);
    assert_eq!(refused("services = true"), 1);
}

#[test]
fn plugins_are_told_by_source_digest_and_signer() {
    let key = SigningKey::from_seed(&[7; 32], "platform");
    let signature = sign_plugin(&key, &PluginStatement::of(&component(Kind::Train)).unwrap()).unwrap();
    let signed = Provenance { signatures: vec![signature], ..trainer() };
    let signers = format!("[signers]\nplatform = \"{}\"\n", key.public());
    let project = TRAIN.replace("train-ridge", "oci://r.example.com/team/train-x:1");
    let judge = |from: &Provenance, rule: &str| refusals(&decided(&project, &[&format!("{signers}{rule}")], from));
    let digest = Digest::of(b"train");
    for rule in [
        "[[plugins]]\nfrom = [\"oci://r.example.com\"]".to_owned(),
        "[[plugins]]\nfrom = [\"oci://r.example.com/team/\"]".to_owned(),
        "[[plugins]]\nfrom = [\"oci://r.example.com/team\"]\nsigned-by = [\"platform\"]".to_owned(),
        "[[plugins]]\nsigned-by = [\"platform\"]".to_owned(),
        format!("[[plugins]]\nfrom = [\"{digest}\"]"),
    ] {
        assert_eq!(judge(&signed, &rule), [""; 0], "{rule}");
    }
    assert_eq!(
        judge(&trainer(), "[[plugins]]\nsigned-by = [\"platform\"]"),
        [format!(
            "to run 0.toml:4 expected a plugin signed by `platform`, found one from `oci://r.example.com/team/train-x`, {digest}, unsigned"
        )]
    );
    // A beginning that ends within a word is another place, and who does not know where a copy came from cannot say.
    assert_eq!(judge(&signed, "[[plugins]]\nfrom = [\"oci://r.example.com/te\", \"built-in\", \"file\"]").len(), 1);
    let unknown = judge(&Provenance::default(), "[[plugins]]\nfrom = [\"oci://r.example.com\"]");
    assert!(unknown[0].contains("found a copy that does not show where it came from"), "{unknown:?}");
    // A revoked signer taints what another one signed too.
    for revoked in ["platform".to_owned(), key.fingerprint()] {
        let rule = format!("[revoked]\nsigners = [\"{revoked}\"]\n{ANY}");
        assert_eq!(judge(&signed, &rule), [format!("to run 0.toml:4 the signer `{revoked}`, who signed it, is revoked")]);
    }
    let rule = format!("[revoked]\ndigests = [\"{digest}\"]\n{ANY}");
    assert_eq!(judge(&signed, &rule), [format!("to run 0.toml:4 the component {digest} is revoked")]);
}

#[test]
fn a_signature_is_over_one_component_and_for_one_purpose() {
    let key = SigningKey::from_seed(&[7; 32], "");
    let of = |kind| PluginStatement::of(&component(kind)).unwrap();
    let signature = sign_plugin(&key, &of(Kind::Train)).unwrap();
    assert_eq!(verify_plugin(&component(Kind::Train), &signature), Ok(key.fingerprint()));
    assert_eq!(verify_plugin(&component(Kind::Notify), &signature), Err(SignatureError::Forged(key.fingerprint())));
    let renamed = Component {
        plugin: Some(PluginInfo { name: "q".into(), ..component(Kind::Train).plugin.unwrap() }),
        ..component(Kind::Train)
    };
    assert_eq!(verify_plugin(&renamed, &signature), Err(SignatureError::Forged(key.fingerprint())));
    let other = key.sign_text("sprag-approval", &of(Kind::Train).text()).unwrap();
    assert_eq!(verify_plugin(&component(Kind::Train), &other), Err(SignatureError::Namespace("sprag-approval".into())));
    assert!(matches!(verify_plugin(&component(Kind::Train), "x"), Err(SignatureError::Malformed(_))));
}

/// What a refusal says to add is the file's own form, and is enough for all that was refused.
#[test]
fn what_a_refusal_says_to_add_allows_it() {
    let projects = [
        format!(
            "{TRAIN}grants = {{ env = [\"A \\\"B\\\"\", \"*C\"], clock = \"real\" }}\nlimits = {{ memory = \"4GiB\", time = \"2h\" }}\n"
        ),
        format!(
            "{DEPLOY}grants = {{ http = [\"GET,PUT https://*.a.com:8443\", \"http://[::1]:9\"], secrets = [\"token\"], services = true }}\n"
        ),
        format!("{TRAIN}[provision.w]\nplugin = \"./p.wasm\"\ngrants = {{ folders = [\"../w/x\"] }}\n"),
        format!(
            "{DEPLOY}[environments.staging.notify.mail]\nplugin = \"notify-email\"\ngrants = {{ smtp = [\"smtp.a.com:587\"] }}\n"
        ),
        TRAIN.replace("train-ridge", "oci://r.example.com/a/b:1"),
    ];
    for project in projects {
        for policy in ["", "[[grants]]\nmemory = \"1MiB\"\ntime = \"1s\"\nenv = [\"X\"]\n"] {
            let decisions = decided(&project, &[policy], &trainer());
            let remedies: Vec<_> = decisions
                .iter()
                .filter(|decision| !decision.is_allowed)
                .map(|decision| decision.remedy.clone().unwrap())
                .collect();
            assert!(!remedies.is_empty());
            for remedy in &remedies {
                let read = sprag_schemas::policy::Policy::parse(remedy).unwrap();
                assert_eq!(&read.to_text(), remedy);
            }
            let mended = format!("{policy}\n{}", remedies.join("\n"));
            // A name that has a star of its own is no pattern that a policy can have: it says so, and nothing runs by it.
            if mended.contains("*C") {
                assert!(mended.contains("\"*C\""));
                let error = PolicyFile::parse("p", &mended).unwrap_err();
                assert!(error.message.contains("one `*` at its end, found `*C`"), "{error}");
                continue;
            }
            assert_eq!(refused(&project, &[&mended]), [""; 0], "{mended}");
            // Each is for this project alone.
            let elsewhere = mended.replace("diabetes", "other");
            assert!(!refused(&project, &[&elsewhere]).is_empty());
        }
    }
}

#[test]
fn a_policy_that_means_nothing_is_an_error_with_its_line() {
    let key = SigningKey::from_seed(&[7; 32], "").public();
    for (text, line, words) in [
        ("[[plugins]]\nkinds = [\"train\"]\n", Some(1), "expected `from` or `signed-by`"),
        ("[[plugins]]\nfrom = [\"./a.wasm\"]\n", Some(2), "`from`: expected `any`, `built-in`"),
        ("[[plugins]]\nfrom = [\"oci://r.example.com/a:1\"]\n", Some(2), "found `oci://r.example.com/a:1`"),
        ("[[plugins]]\nfrom = [\"oci://*.example.com\"]\n", Some(2), "found `oci://*.example.com`"),
        ("[[plugins]]\nfrom = []\n", Some(2), "`from`: expected at least one entry"),
        ("[[plugins]]\nfrom = [\"any\"]\nkinds = []\n", Some(3), "`kinds`: expected at least one entry"),
        ("[[plugins]]\nsigned-by = [\"nobody\"]\n", Some(2), "expected a signer of the policy (none), found `nobody`"),
        ("[signers]\na = \"ssh-rsa AAAA\"\n", Some(2), "signer `a`: expected a public key"),
        ("[signers]\nA = \"x\"\n", Some(2), "signer: expected lower-case letters"),
        (&format!("[signers]\na = \"{key}\"\nb = \"{key}\"\n"), Some(3), "expected a key of its own, found that of `a`"),
        ("[revoked]\nsigners = [\"x\"]\n", Some(2), "expected a signer of the policy (none) or a fingerprint"),
        ("[revoked]\ndigests = [\"sha256:12\"]\n", Some(2), "expected a digest"),
        ("[[grants]]\nhttp = [\"a.com\"]\n", Some(2), "expected an origin"),
        ("[[grants]]\nenv = [\"A*B\"]\n", Some(2), "`env`: expected a name, perhaps with one `*` at its end, found `A*B`"),
        ("[[grants]]\nprojects = [\"*a\"]\n", Some(2), "`projects`: expected a name"),
        ("[[grants]]\nfolders = [\"\"]\n", Some(2), "`folders`"),
        ("[[grants]]\nsockets = true\n", None, "unknown field `sockets`"),
    ] {
        let error = PolicyFile::parse("p.toml", text).unwrap_err();
        assert_eq!(error.line, line, "{text}");
        assert!(error.message.contains(words), "{text}: {error}");
    }
}
