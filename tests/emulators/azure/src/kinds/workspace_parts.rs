//! What a workspace of Azure Machine Learning stands on: `Microsoft.ContainerRegistry`, `Microsoft.KeyVault`, `Microsoft.OperationalInsights`,
//! `Microsoft.Insights` and `Microsoft.ManagedIdentity`.

use serde_json::json;

use super::{Course, Kind, PLAIN, default, show_identity};
use crate::message::refuse;
use crate::schemas::Schema;

pub(crate) static REGISTRY: Kind = Kind {
    key: "microsoft.containerregistry/registries",
    shown: "Microsoft.ContainerRegistry/registries",
    versions: &["2023-07-01", "2025-04-01"],
    schema: Some(Schema { file: "2025-04-01_Microsoft.ContainerRegistry.json", name: "registries" }),
    course: Course::Operation,
    refuse: |_, id, _, _| match id.name().len() {
        5..=50 if id.name().chars().all(|c| c.is_ascii_alphanumeric()) => Ok(()),
        _ => refuse(400, "InvalidResourceName", format!("The registry name '{}' is invalid.", id.name())),
    },
    fill: |id, draft| {
        show_identity(&mut draft.document);
        let tier = draft.document["sku"]["name"].clone();
        draft.document["sku"]["tier"] = tier;
        let properties = &mut draft.document["properties"];
        default(properties, "adminUserEnabled", json!(false));
        default(properties, "publicNetworkAccess", json!("Enabled"));
        properties["loginServer"] = json!(format!("{}.azurecr.io", id.name().to_ascii_lowercase()));
    },
    ..PLAIN
};

pub(crate) static VAULT: Kind = Kind {
    key: "microsoft.keyvault/vaults",
    shown: "Microsoft.KeyVault/vaults",
    versions: &["2023-07-01", "2024-11-01"],
    course: Course::State,
    refuse: |_, _, body, before| {
        if body["properties"]["tenantId"].as_str().is_none_or(str::is_empty) {
            return refuse(400, "BadRequest", "The value of parameter 'tenantId' is invalid.");
        }
        let protected = |vault: &serde_json::Value| vault["properties"]["enablePurgeProtection"] == json!(true);
        if before.is_some_and(|before| protected(before) && !protected(body)) {
            return refuse(400, "BadRequest", "The property \"enablePurgeProtection\" cannot be set to false.");
        }
        Ok(())
    },
    fill: |id, draft| {
        let properties = &mut draft.document["properties"];
        default(properties, "enableSoftDelete", json!(true));
        default(properties, "accessPolicies", json!([]));
        properties["vaultUri"] = json!(format!("https://{}.vault.azure.net/", id.name()));
    },
    ..PLAIN
};

pub(crate) static LOGS: Kind = Kind {
    key: "microsoft.operationalinsights/workspaces",
    shown: "Microsoft.OperationalInsights/workspaces",
    versions: &["2023-09-01"],
    course: Course::Operation,
    fill: |_, draft| {
        let properties = &mut draft.document["properties"];
        default(properties, "retentionInDays", json!(30));
        properties["customerId"] = json!("55555555-0000-0000-0000-000000000000");
    },
    ..PLAIN
};

pub(crate) static INSIGHTS: Kind = Kind {
    key: "microsoft.insights/components",
    shown: "microsoft.insights/components",
    versions: &["2020-02-02"],
    refuse: |azure, _, body, _| {
        let logs = body["properties"]["WorkspaceResourceId"].as_str().unwrap_or_default().to_ascii_lowercase();
        if azure.resources.contains_key(&logs) {
            return Ok(());
        }
        refuse(400, "BadRequest", "The workspace of the component could not be found.")
    },
    fill: |_, draft| {
        draft.document["etag"] = json!("\"00000000-0000-0000-0000-000000000000\"");
        draft.document["properties"]["AppId"] = json!("66666666-0000-0000-0000-000000000000");
        draft.document["properties"]["InstrumentationKey"] = json!("77777777-0000-0000-0000-000000000000");
    },
    ..PLAIN
};

pub(crate) static IDENTITY: Kind = Kind {
    key: "microsoft.managedidentity/userassignedidentities",
    shown: "Microsoft.ManagedIdentity/userAssignedIdentities",
    versions: &["2023-01-31"],
    has_state: false,
    fill: |_, draft| {
        draft.document["properties"] = json!({
            "clientId": "44444444-0000-0000-0000-000000000000",
            "principalId": "33333333-0000-0000-0000-000000000000",
            "tenantId": "22222222-0000-0000-0000-000000000000",
        });
    },
    ..PLAIN
};
