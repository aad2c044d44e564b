//! The program: `sprag provision` and `sprag release` with Azure at the other end.

use std::time::{Duration, Instant};

use emulator_azure::{Asked, Running, Settings};
use serde_json::{Value, json};

use super::{GROUP, azure};
use crate::context::{Hidden, Outcome, Project, Sprag, root};
use crate::part::{Server, free_port, is_here};
use crate::registry::registry;

const KEY: &str = "bearer-key-of-the-callers";

/// The container group of the service.
const CONTAINERS: &str = "Microsoft.ContainerInstance/containerGroups/diabetes-staging";

/// The project with Azure's secrets.
fn project(azure: &Running) -> Project {
    let project = Project::diabetes();
    let Settings { tenant, client_id, .. } = Settings::default();
    let url = azure.url();
    project.append(&format!(
        "\n[secrets.azure]\nazure = {{ tenant = \"{tenant}\", client-id = \"{client_id}\", secret-env = \"AZURE_CLIENT_SECRET\", authority = \"{url}\" }}\n\
         hosts = [\"127.0.0.1\"]\n\n[secrets.scoring]\nenv = \"SCORING_KEY\"\nhosts = [\"127.0.0.1\"]\n"
    ));
    project
}

/// The table of the account, for a project file.
fn account(azure: &Running) -> String {
    let subscription = Settings::default().subscription;
    format!(
        "{{ subscription = \"{subscription}\", resource_group = \"{GROUP}\", location = \"westeurope\", endpoint = \"{}\" }}",
        azure.url()
    )
}

fn with_secrets(sprag: Sprag<'_>) -> Sprag<'_> {
    sprag.env("AZURE_CLIENT_SECRET", Settings::default().client_secret).env("SCORING_KEY", KEY)
}

fn run(sprag: Sprag<'_>) -> Outcome {
    with_secrets(sprag).run()
}

/// Nothing that the program said or left has the value of a secret in it.
#[track_caller]
fn scan(project: &Project, outcomes: &[&Outcome]) {
    for secret in [KEY, &Settings::default().client_secret, "emulated.1.token"] {
        let secret = Hidden::of(secret);
        secret.is_not_told(outcomes);
        secret.is_nowhere_under(project.outside());
    }
}

#[test]
fn what_the_guide_shows_is_a_project() {
    let guide = std::fs::read_to_string(root().join("docs/guides/azure.md")).unwrap();
    let fragments: Vec<_> = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(fragments.len(), 6);
    for fragment in fragments {
        let project = Project::diabetes();
        project.append(&format!("\n{fragment}"));
        let checked = project.run(&["check"]);
        assert_eq!(checked.code, Some(0), "{fragment}\n{}", checked.stderr);
    }
}

#[test]
fn a_workspace_is_provisioned_once() {
    let azure = azure();
    let project = project(&azure);
    project.append(&format!(
        "\n[provision.azure]\nplugin = \"provision-azure\"\n\
         params = {{ base = \"diabetes\", azure = {}, compute = {{ train-cluster = {{ max_nodes = 4 }} }} }}\n\
         grants = {{ http = [\"{}\"], secrets = [\"azure\"] }}\n",
        account(&azure),
        azure.url()
    ));
    let told = |args: &[&str]| {
        let outcome = run(project.sprag(args)).ok();
        let stages: Value = outcome.json();
        let changes = stages[0]["changes"].as_array().unwrap().clone();
        (outcome, changes.into_iter().map(|change| change["action"].clone()).collect::<Vec<_>>())
    };
    let (plan, planned) = told(&["provision", "--plan", "--json"]);
    assert_eq!(planned, [vec![json!("keep")], vec![json!("create"); 7]].concat());
    assert_eq!(azure.azure().count(), 0, "a plan changes nothing");
    let (made, changes) = told(&["provision", "--json"]);
    assert_eq!(changes, planned);
    let (again, changes) = told(&["provision", "--json"]);
    assert_eq!(changes, vec![json!("keep"); 8]);
    scan(&project, &[&plan, &made, &again]);
}

/// A trained project that releases to a container group, and the registry that it pushes to. None where there is no registry on this machine.
fn released(azure: &Running) -> Option<(Project, Server, String)> {
    if !is_here("docker-registry", &["--version"]) {
        return None;
    }
    let project = project(azure);
    let registry = registry(&project.outside().join("registry"), free_port(), false);
    let repository = format!("127.0.0.1:{}/team/diabetes", registry.port);
    project.append("\n[stages.package]\nplugin = \"package-oci\"\n");
    project.append(&format!(
        "\n[release]\nrepository = \"{repository}\"\n\n[environments.staging]\nkey = \"scoring\"\n\
         deploy = {{ plugin = \"deploy-aci\", params = {{ azure = {} }}, grants = {{ http = [\"{}\"], secrets = [\"azure\", \"scoring\"] }} }}\n",
        account(azure),
        azure.url()
    ));
    let trained = run(project.sprag(&["run"])).ok();
    scan(&project, &[&trained]);
    Some((project, registry, repository))
}

/// How many `PUT`s of the group Azure took.
fn puts(azure: &Running) -> usize {
    let is_put = |asked: &&Asked| asked.method == "PUT" && asked.target.contains("/containerGroups/") && asked.status < 300;
    azure.azure().asked.iter().filter(is_put).count()
}

#[test]
fn a_release_runs_in_a_container_group_by_the_digest_that_was_pushed() {
    let azure = azure();
    let Some((project, _registry, repository)) = released(&azure) else { return };
    let planned = run(project.sprag(&["release", "--plan"])).ok();
    assert_eq!(azure.azure().count(), 0, "a plan changes nothing");
    let released = run(project.sprag(&["release"])).ok();
    let container = azure.azure().resource(GROUP, CONTAINERS).cloned().unwrap();
    let image = container["properties"]["containers"][0]["properties"]["image"].as_str().unwrap().to_owned();
    let package = container["tags"]["sprag-package"].as_str().unwrap().to_owned();
    assert_eq!(image, format!("{repository}@{package}"));
    let shown = run(project.sprag(&["environments"])).ok();
    assert!(shown.stdout.contains("staging"), "{}", shown.stdout);
    scan(&project, &[&planned, &released, &shown]);
}

#[test]
fn a_release_that_is_killed_goes_on_with_the_group_that_it_began() {
    /// No test waits longer for what it waits for.
    const DEADLINE: Duration = Duration::from_secs(120);
    let azure = azure();
    let Some((project, _registry, _)) = released(&azure) else { return };
    // Azure takes its time, so that the program is killed while it waits.
    azure.azure().settings.looks = u32::MAX;
    let running = with_secrets(project.sprag(&["release"])).start();
    let until = Instant::now() + DEADLINE;
    while puts(&azure) == 0 {
        assert!(Instant::now() < until, "expected a container group to be begun within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    running.kill();
    assert_eq!(puts(&azure), 1);
    azure.azure().edit(GROUP, CONTAINERS, |group| {
        group["properties"]["provisioningState"] = json!("Succeeded");
        let view = &mut group["properties"]["containers"][0]["properties"]["instanceView"];
        view["currentState"] = json!({ "state": "Running", "detailStatus": "" });
    });
    let resumed = run(project.sprag(&["resume"])).ok();
    assert_eq!(puts(&azure), 1, "the group is adopted, and not made again");
    scan(&project, &[&resumed]);
}
