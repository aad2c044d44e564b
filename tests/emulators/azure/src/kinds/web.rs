//! `Microsoft.Web`: plans, sites, slots and their configuration. <https://learn.microsoft.com/rest/api/appservice/web-apps>.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Draft, Kind, PLAIN, default, show_identity};
use crate::azure::{Azure, Resource, missing};
use crate::message::{Refusal, Request, Response, refuse};
use crate::operation::Effect;
use crate::path::Id;
use crate::schemas::Schema;

const FILE: &str = "2024-11-01_Microsoft.Web.json";
const VERSIONS: &[&str] = &["2023-12-01", "2024-11-01"];

/// The members of a site's configuration that a `GET` of the site shows. The others are in `config/web` alone.
const SHOWN: [&str; 7] = [
    "numberOfWorkers",
    "linuxFxVersion",
    "acrUseManagedIdentityCreds",
    "acrUserManagedIdentityID",
    "alwaysOn",
    "http20Enabled",
    "minimumElasticInstanceCount",
];

/// What stays where it is when slots are swapped.
const STAYS: [&str; 2] = ["experiments", "alwaysOn"];

pub(crate) static PLAN: Kind = Kind {
    key: "microsoft.web/serverfarms",
    shown: "Microsoft.Web/serverfarms",
    versions: VERSIONS,
    schema: Some(Schema { file: FILE, name: "serverfarms" }),
    fill: |_, draft| {
        let capacity = draft.document["sku"].get("capacity").cloned().unwrap_or(json!(1));
        draft.document["sku"]["capacity"] = capacity;
        let properties = &mut draft.document["properties"];
        default(properties, "reserved", json!(false));
        properties["status"] = json!("Ready");
    },
    keep: |azure, id, _| {
        if sites_of(azure, &id.key()) == 0 {
            return Ok(());
        }
        refuse(
            409,
            "Conflict",
            format!("Server farm '{}' cannot be deleted because it has web app(s) assigned to it.", id.name()),
        )
    },
    ..PLAIN
};

pub(crate) static SITE: Kind = Kind {
    key: "microsoft.web/sites",
    shown: "Microsoft.Web/sites",
    versions: VERSIONS,
    schema: Some(Schema { file: FILE, name: "sites" }),
    has_state: false,
    refuse: refuse_site,
    fill: |id, draft| fill(id.name(), draft),
    ..PLAIN
};

pub(crate) static SLOT: Kind = Kind {
    key: "microsoft.web/sites/slots",
    shown: "Microsoft.Web/sites/slots",
    schema: Some(Schema { file: FILE, name: "sites_slots" }),
    refuse: |azure, id, body, before| {
        refuse_site(azure, id, body, before)?;
        let plan = body["properties"]["serverFarmId"].as_str().unwrap_or_default().to_ascii_lowercase();
        let tier = azure.resources.get(&plan).map(|plan| plan.document["sku"]["name"].as_str().unwrap_or_default().to_owned());
        if tier.is_some_and(|tier| matches!(tier.chars().next(), Some('F' | 'D' | 'B'))) {
            return refuse(
                409,
                "Conflict",
                "Cannot complete the operation because the site will exceed the number of slots allowed for the SKU.",
            );
        }
        Ok(())
    },
    fill: |id, draft| fill(&format!("{}-{}", id.names[0], id.name()), draft),
    ..SITE
};

fn refuse_site(azure: &Azure, id: &Id, body: &Value, _: Option<&Value>) -> Result<(), Refusal> {
    let plan = body["properties"]["serverFarmId"].as_str().unwrap_or_default().to_ascii_lowercase();
    if !azure.resources.contains_key(&plan) {
        return refuse(404, "NotFound", format!("Cannot find ServerFarm with name {plan}."));
    }
    let mut first = id.name().chars();
    if !first.next().is_some_and(|c| c.is_ascii_alphanumeric()) || id.name().len() > 60 {
        return refuse(400, "BadRequest", format!("The name '{}' is not valid.", id.name()));
    }
    check_rules(&body["properties"]["siteConfig"])
}

fn check_rules(config: &Value) -> Result<(), Refusal> {
    let rules = config["experiments"]["rampUpRules"].as_array().into_iter().flatten();
    let sum: f64 = rules.map(|rule| rule["reroutePercentage"].as_f64().unwrap_or(0.0)).sum();
    if sum <= 100.0 { Ok(()) } else { refuse(400, "BadRequest", "The sum of reroute percentages cannot exceed 100.") }
}

/// Divides a body into what is shown and what is kept: the settings of a site are shown to nobody who only reads it.
fn fill(host: &str, draft: &mut Draft) {
    show_identity(&mut draft.document);
    let mut config = draft.document["properties"]["siteConfig"].take();
    if !config.is_object() {
        config = json!({});
    }
    let settings = config.as_object_mut().and_then(|config| config.remove("appSettings"));
    if draft.hidden.is_null() {
        draft.hidden = json!({ "config": {}, "settings": {} });
    }
    if let Some(settings) = settings.as_ref().and_then(Value::as_array) {
        let settings: Map<_, _> =
            settings.iter().filter_map(|pair| Some((pair["name"].as_str()?.to_owned(), pair["value"].clone()))).collect();
        draft.hidden["settings"] = Value::Object(settings);
    }
    if let (Some(kept), Some(config)) = (draft.hidden["config"].as_object_mut(), config.as_object()) {
        kept.extend(config.clone());
    }
    let properties = &mut draft.document["properties"];
    default(properties, "enabled", json!(true));
    properties["state"] = json!("Running");
    properties["availabilityState"] = json!("Normal");
    properties["defaultHostName"] = json!(format!("{host}.azurewebsites.net"));
    properties["hostNames"] = json!([format!("{host}.azurewebsites.net")]);
    properties["siteConfig"] = shown(&draft.hidden["config"]);
}

fn shown(config: &Value) -> Value {
    SHOWN.iter().map(|name| ((*name).to_owned(), config[*name].clone())).collect::<Map<_, _>>().into()
}

/// How many sites a plan has.
fn sites_of(azure: &Azure, plan: &str) -> usize {
    let on = |resource: &&Resource| {
        resource.document["properties"]["serverFarmId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(plan))
    };
    azure.resources.values().filter(on).count()
}

/// A plan without sites goes with its last one, unless the request says otherwise.
pub(crate) fn after_delete(azure: &mut Azure, id: &Id, request: &Request) {
    if !id.kind().starts_with("microsoft.web/sites") || request.parameter("deleteEmptyServerFarm").as_deref() == Some("false") {
        return;
    }
    let plans: Vec<_> =
        azure.resources.iter().filter(|(_, resource)| resource.kind.key == PLAN.key).map(|(key, _)| key.clone()).collect();
    for plan in plans {
        if sites_of(azure, &plan) == 0 {
            azure.resources.remove(&plan);
        }
    }
}

/// `config/web`, `config/appsettings` and `config/slotConfigNames` of a site or slot; none where the id is of nothing like that.
pub(crate) fn config(azure: &mut Azure, id: &Id, request: &Request) -> Option<Result<Response, Refusal>> {
    let (site, _) = id.split_action()?;
    let kind = match id.kind().as_str() {
        "microsoft.web/sites/config" => "sites_config",
        "microsoft.web/sites/slots/config" => "sites_slots_config",
        _ => return None,
    };
    Some(config_of(azure, id, &site, kind, request))
}

fn config_of(azure: &mut Azure, id: &Id, site: &Id, kind: &'static str, request: &Request) -> Result<Response, Refusal> {
    azure.check_version("Microsoft.Web/sites/config", VERSIONS, request)?;
    // A configuration is at `SITE/config/NAME`: what is under the site is two parts longer.
    let key = id.parent().to_ascii_lowercase();
    let place = id.name().to_ascii_lowercase();
    let member = match place.as_str() {
        "web" => "config",
        "appsettings" => "settings",
        "slotconfignames" => "sticky",
        _ => return refuse(404, "NotFound", format!("There is no configuration '{place}'.")),
    };
    if azure.at_work(&key).is_some() && request.method != "GET" {
        return refuse(409, "Conflict", "Cannot modify this site because another operation is in progress.");
    }
    if request.method != "GET" {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let properties = body["properties"].clone();
        check_rules(&properties)?;
        check_config(azure, id, kind, &body, request)?;
        let Some(resource) = azure.resources.get_mut(&key) else { return missing(site) };
        match (request.method.as_str(), member) {
            ("PATCH", "config") | ("PUT", "config") => {
                if let (Some(kept), Some(new)) = (resource.hidden["config"].as_object_mut(), properties.as_object()) {
                    kept.extend(new.clone());
                }
            }
            ("PUT", member) => resource.hidden[member] = properties,
            (other, _) => return refuse(405, "HttpMethodNotAllowed", format!("The method '{other}' is not allowed here.")),
        }
        resource.document["properties"]["siteConfig"] = shown(&resource.hidden["config"]);
    }
    let Some(resource) = azure.resources.get(&key) else { return missing(site) };
    if request.method == "GET" && member == "settings" {
        return refuse(405, "HttpMethodNotAllowed", "Settings are read by POST config/appsettings/list.");
    }
    let shown = if member == "settings" { json!({}) } else { resource.hidden[member].clone() };
    let document = json!({ "id": id.text, "name": id.name(), "type": "Microsoft.Web/sites/config", "properties": shown });
    Ok(Response::new(200, document))
}

fn check_config(azure: &Azure, id: &Id, name: &'static str, body: &Value, request: &Request) -> Result<(), Refusal> {
    let shown = if name == "sites_config" { "Microsoft.Web/sites/config" } else { "Microsoft.Web/sites/slots/config" };
    let kind = Kind { shown, schema: Some(Schema { file: FILE, name }), ..PLAIN };
    // The schema tells the configurations apart by the end of the name.
    let named = Id { names: vec![format!("site/{}", id.name())], ..id.clone() };
    azure.check_schema(&named, &kind, body, request)
}

/// `POST config/appsettings/list`.
pub(crate) fn settings_list(azure: &Azure, owner: &Id, action: &str) -> Option<Result<Response, Refusal>> {
    let is_settings = owner.kind().ends_with("/config")
        && owner.name().eq_ignore_ascii_case("appsettings")
        && action.eq_ignore_ascii_case("list");
    is_settings.then(|| match azure.resources.get(&owner.parent().to_ascii_lowercase()) {
        Some(resource) => Ok(Response::new(200, json!({ "id": owner.text, "properties": resource.hidden["settings"] }))),
        None => missing(owner),
    })
}

/// `instances` of a site or slot: one, whose container runs or does not.
pub(crate) fn instances(azure: &Azure, id: &Id) -> Option<Result<Response, Refusal>> {
    let (site, what) = id.split_action()?;
    if what != "instances" {
        return None;
    }
    let Some(resource) = azure.resources.get(&site.key()) else { return Some(missing(&site)) };
    let image = resource.hidden["config"]["linuxFxVersion"].as_str().unwrap_or_default();
    let state = if azure.health.crashes(image) || azure.health.is_missing(image) { "STOPPED" } else { "READY" };
    let instance = json!({ "name": "i0", "properties": { "state": state } });
    Some(Ok(Response::new(200, json!({ "value": [instance] }))))
}

/// Begins to swap a slot with production.
pub(crate) fn begin_swap(
    azure: &mut Azure,
    site: &Id,
    body: &Value,
    now: Duration,
    fails: Option<(&str, &str)>,
) -> Result<Response, Refusal> {
    let name = body["targetSlot"].as_str().unwrap_or_default();
    let slot = format!("{}/slots/{name}", site.key()).to_ascii_lowercase();
    let Some(resource) = azure.resources.get(&slot) else {
        return refuse(404, "NotFound", format!("Cannot find slot with name {name}."));
    };
    if !body["preserveVnet"].is_boolean() {
        return refuse(400, "BadRequest", "The property 'preserveVnet' is required.");
    }
    if azure.at_work(&site.key()).is_some() || azure.at_work(&slot).is_some() {
        return refuse(409, "Conflict", "Cannot modify this site because another operation is in progress.");
    }
    let image = resource.hidden["config"]["linuxFxVersion"].as_str().unwrap_or_default();
    let crashes = azure.health.crashes(image) || azure.health.is_missing(image);
    let message =
        format!("Cannot swap site slots for site '{}' because the '{name}' slot did not respond to http ping.", site.name());
    let error = fails.map(|(code, message)| (code.to_owned(), message.to_owned()));
    let error = error.or_else(|| crashes.then(|| ("Conflict".to_owned(), message)));
    for key in [&site.key(), &slot] {
        if let Some(resource) = azure.resources.get_mut(key) {
            resource.document["properties"]["inProgressOperationId"] = json!("99999999-0000-0000-0000-000000000000");
        }
    }
    let number = azure.begin(site.key(), Effect::Swapped { slot }, error, now);
    let request = Request { target: "?api-version=2024-11-01".to_owned(), ..Request::default() };
    Ok(azure.later(Response::empty(202).with("location", azure.link(site, "operationResults", number, &request))))
}

/// Exchanges what runs in two slots.
pub(crate) fn swap(azure: &mut Azure, site: &str, slot: &str) {
    let Some(mut before) = azure.resources.get(site).map(|resource| resource.hidden.clone()) else { return };
    let Some(mut after) = azure.resources.get(slot).map(|resource| resource.hidden.clone()) else { return };
    for name in STAYS {
        let (stays, other) = (before["config"][name].take(), after["config"][name].take());
        before["config"][name] = other;
        after["config"][name] = stays;
    }
    let sticky = before["sticky"].clone();
    for name in sticky["appSettingNames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let (stays, other) = (before["settings"][name].take(), after["settings"][name].take());
        before["settings"][name] = other;
        after["settings"][name] = stays;
    }
    after["sticky"] = sticky;
    for (key, hidden) in [(site, after), (slot, before)] {
        if let Some(resource) = azure.resources.get_mut(key) {
            resource.document["properties"]["siteConfig"] = shown(&hidden["config"]);
            resource.hidden = hidden;
        }
    }
}
