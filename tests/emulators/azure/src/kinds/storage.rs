//! `Microsoft.Storage`, and as much of the blob service as takes a small file: <https://learn.microsoft.com/rest/api/storageservices/put-blob>.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Course, Draft, Kind, PLAIN, default};
use crate::azure::Azure;
use crate::message::{Refusal, Request, Response, refuse};
use crate::path::Id;
use crate::schemas::Schema;

pub(crate) static ACCOUNT: Kind = Kind {
    key: "microsoft.storage/storageaccounts",
    shown: "Microsoft.Storage/storageAccounts",
    versions: &["2023-05-01", "2025-01-01"],
    schema: Some(Schema { file: "2025-01-01_Microsoft.Storage.json", name: "storageAccounts" }),
    course: Course::Location,
    refuse: refuse_account,
    fill,
    ..PLAIN
};

fn refuse_account(_: &Azure, id: &Id, body: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let name = id.name();
    if !(3..=24).contains(&name.len()) || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        let message = format!(
            "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
        );
        return refuse(400, "AccountNameInvalid", message);
    }
    let plain = |account: &Value| account["properties"]["isHnsEnabled"].as_bool().unwrap_or(false);
    if before.is_some_and(|before| plain(before) != plain(body)) {
        return refuse(
            400,
            "HnsCannotBeUpdated",
            "The property 'isHnsEnabled' was specified in the input, but it cannot be updated.",
        );
    }
    Ok(())
}

fn fill(id: &Id, draft: &mut Draft) {
    let name = id.name();
    let tier = draft.document["sku"]["name"].as_str().unwrap_or_default().split('_').next().unwrap_or_default().to_owned();
    draft.document["sku"]["tier"] = json!(tier);
    let properties = &mut draft.document["properties"];
    default(properties, "accessTier", json!("Hot"));
    properties["primaryEndpoints"] = json!({ "blob": format!("https://{name}.blob.core.windows.net/") });
    properties["statusOfPrimary"] = json!("available");
}

/// Takes or gives a blob; none where the path is none of a blob.
pub(crate) fn blob(azure: &mut Azure, now: Duration, request: &Request) -> Option<Response> {
    let path = request.path().strip_prefix("/blob/")?.to_owned();
    let token = azure.tokens.check(request.header("authorization"), "https://storage.azure.com", now);
    Some(match (token, request.method.as_str()) {
        (Err((code, message)), _) => Response::error(401, code, message),
        (Ok(()), "PUT") if request.header("x-ms-blob-type") != Some("BlockBlob") || request.header("x-ms-version").is_none() => {
            Response::error(400, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified.")
        }
        (Ok(()), "PUT") => {
            azure.blobs.insert(path, request.body.clone());
            Response::empty(201)
        }
        (Ok(()), "GET" | "HEAD") => match azure.blobs.get(&path) {
            Some(content) => Response::new(200, serde_json::from_slice(content).unwrap_or_default()),
            None => Response::error(404, "BlobNotFound", "The specified blob does not exist."),
        },
        (Ok(()), _) => Response::error(405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb."),
    })
}
