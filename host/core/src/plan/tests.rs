//! Plans and what is wrong with projects, case by case.

use super::*;
use crate::digest::Digest;

fn component(kind: Kind) -> Component {
    Component {
        digest: Digest::of(kind.name().as_bytes()),
        bytes: 0,
        imports: vec!["sprag:run/context@0.1.0".into()],
        exports: contract::exports(kind).iter().map(|name| format!("{name}@0.1.0")).collect(),
        plugin: Some(PluginInfo {
            name: kind.name().into(),
            version: "1.0.0".into(),
            summary: String::new(),
            params_schema: serde_json::json!({ "type": "object", "additionalProperties": false, "properties": { "alpha": { "type": "number" } } }),
            kind: None,
        }),
    }
}

fn manifest(stages: &str) -> Manifest {
    Manifest::parse(&format!("[project]\nname = \"p\"\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n{stages}")).unwrap()
}

fn plan(stages: &str) -> Result<Vec<String>, Vec<String>> {
    let manifest = manifest(stages);
    let components = entries(&manifest).into_iter().map(|entry| {
        let mut component = component(entry.kind.unwrap_or(Kind::Train));
        if entry.stage.plugin == "sends" {
            component.imports.push("wasi:http/outgoing-handler@0.2.6".into());
        }
        (entry.name, component)
    });
    match Plan::build(&manifest, &components.collect()) {
        Ok(plan) => Ok(plan.all().map(|stage| stage.name.clone()).collect()),
        Err(problems) => Err(problems.into_iter().map(|problem| problem.message).collect()),
    }
}

#[test]
fn stages_run_in_the_order_of_the_lifecycle_and_then_by_name() {
    let order = plan(
        "[stages.train]\nplugin = \"t\"\n[stages.b-check]\nkind = \"sanity-check\"\nplugin = \"c\"\n\
         [stages.a-check]\nkind = \"sanity-check\"\nplugin = \"c\"\n[stages.evaluate]\nplugin = \"e\"",
    );
    assert_eq!(order, Ok(["a-check", "b-check", "train", "evaluate"].map(String::from).to_vec()));
}

#[test]
fn wrong_projects_say_what_was_expected() {
    let first = |stages: &str| plan(stages).unwrap_err().remove(0);
    assert_eq!(
        first("[stages.fit]\nplugin = \"t\""),
        "expected `kind`, because `fit` is not itself a kind; the kinds are `sanity-check`, `unit-test`, `train`, `evaluate`, `register`, `package`"
    );
    assert_eq!(
        first("[stages.a]\nkind = \"train\"\nplugin = \"t\"\n[stages.b]\nkind = \"train\"\nplugin = \"t\""),
        "expected one stage of the kind `train`, found `a` and `b`"
    );
    assert_eq!(
        first("[stages.register]\nplugin = \"r\""),
        "expected a stage of the kind `evaluate` before one of the kind `register`, found none"
    );
    assert_eq!(
        first("[stages.train]\nplugin = \"t\"\nparams = { alpha = \"high\" }"),
        "stage `train`: plugin `train` 1.0.0: `params.alpha`: \"high\" is not of type \"number\""
    );
    assert_eq!(
        first("[stages.Train]\nkind = \"train\"\nplugin = \"t\""),
        "expected lower-case letters, digits and hyphens, beginning with a letter, found `Train`"
    );
    assert_eq!(first("[stages]"), "expected at least one stage, found none");
}

#[test]
fn references_are_told_apart_by_how_they_begin() {
    assert_eq!(PluginRef::parse("train-ridge"), PluginRef::BuiltIn("train-ridge".into()));
    assert_eq!(PluginRef::parse("./mine.wasm"), PluginRef::Path("./mine.wasm".into()));
}

const TRAIN: &str = "[stages.train]\nplugin = \"t\"\n";

#[test]
fn environments_come_in_the_order_of_a_release() {
    let deploy = |name: &str| format!("[environments.{name}]\ndeploy = {{ plugin = \"d\" }}\n");
    let project =
        format!("{TRAIN}{}{}{}[stages.package]\nplugin = \"p\"", deploy("production"), deploy("staging"), deploy("canary"));
    let expected = ["train", "package", "canary.deploy", "staging.deploy", "production.deploy"];
    assert_eq!(plan(&project), Ok(expected.map(String::from).to_vec()));
    let ordered = format!("{project}\n[release]\norder = [\"production\", \"canary\", \"staging\"]");
    let expected = ["train", "package", "production.deploy", "canary.deploy", "staging.deploy"];
    assert_eq!(plan(&ordered), Ok(expected.map(String::from).to_vec()));
    assert_eq!(
        plan(&format!("{project}\n[release]\norder = [\"production\", \"canary\"]")).unwrap_err(),
        ["expected every environment of the project once in `order`, and `staging` is not"]
    );
}

#[test]
fn every_stage_of_an_environment_has_its_name() {
    let project = format!(
        "{TRAIN}[provision.workspace]\nplugin = \"w\"\n[environments.live]\ndeploy = {{ plugin = \"d\" }}\nsmoke-test = {{ plugin = \"s\" }}\n\
         notify.hook = {{ plugin = \"n\" }}\napprove.rule = {{ plugin = \"a\" }}"
    );
    let expected = ["train", "provision.workspace", "live.notify.hook", "live.approve.rule", "live.deploy", "live.smoke-test"];
    assert_eq!(plan(&project), Ok(expected.map(String::from).to_vec()));
}

#[test]
fn grants_that_nothing_enforces_are_errors() {
    let first = |text: &str| plan(&format!("{TRAIN}{text}")).unwrap_err().remove(0);
    let live = |grants: &str| format!("[environments.live]\ndeploy = {{ plugin = \"d\", grants = {{ {grants} }} }}\n");
    assert_eq!(
        plan("[stages.train]\nplugin = \"t\"\ngrants = { http = [\"https://example.com\"] }").unwrap_err()[0],
        "stage `train`: `http` is a grant for stages of the kinds `provision`, `deploy`, `smoke-test`, `notify`, found it on one of the kind `train`"
    );
    assert_eq!(
        first(&live("http = [\"example.com\"]")),
        "stage `live.deploy`: expected an origin such as `https://example.com` or `http://127.0.0.1:8080`, perhaps after methods (`GET,HEAD https://example.com`), found `example.com`"
    );
    assert_eq!(first(&live("secrets = [\"key\"]")), "stage `live.deploy`: expected a secret of the project (none), found `key`");
    assert_eq!(
        first(&live("smtp = [\"mail:25\"]")),
        "stage `live.deploy`: `smtp` is a grant for stages of the kinds `notify`, found it on one of the kind `deploy`"
    );
    assert_eq!(
        first("[environments.live]\ndeploy = { plugin = \"sends\" }"),
        "stage `live.deploy`: plugin `sends` sends HTTP requests, and no origin is granted to it"
    );
    assert_eq!(
        first("[stages.deploy]\nplugin = \"d\""),
        "expected a kind that stands under `[stages]` (`sanity-check`, `unit-test`, `train`, `evaluate`, `register`, `package`), found `deploy`"
    );
}

#[test]
fn secrets_have_one_source_and_hosts() {
    let first = |text: &str| plan(&format!("{TRAIN}{text}")).unwrap_err().remove(0);
    assert_eq!(
        first("[secrets.key]\nhosts = [\"example.com\"]"),
        "secret `key`: expected one source (`env`, `file`, `azure` or `kubeconfig`), found 0"
    );
    assert_eq!(
        first("[secrets.key]\nenv = \"KEY\""),
        "secret `key`: expected `hosts`, the only hosts that it may be sent to, found none"
    );
    assert_eq!(
        first("[secrets.key]\nhosts = [\"h\"]\n[secrets.key.azure]\ntenant = \"t\"\nclient-id = \"c\""),
        "secret `key`: expected either `secret-env` or `federated-token-file-env`"
    );
}

#[test]
fn environments_name_what_there_is() {
    let first = |text: &str| plan(&format!("{TRAIN}{text}")).unwrap_err().remove(0);
    let live = "[environments.live]\ndeploy = { plugin = \"d\" }\n";
    assert_eq!(first(&format!("{live}key = \"k\"")), "expected a secret of the project (none), found `k`");
    assert_eq!(
        first(&format!("{live}[release]\norder = [\"dev\"]")),
        "expected an environment of the project (`live`), found `dev`"
    );
    assert_eq!(
        first(&format!("{live}[environments.live.approval]\nrequired = 0\napprovers = \"approvers\"")),
        "environment `live`: expected at least 1 required approval, found 0"
    );
}
