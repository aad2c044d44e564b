//! The emulator's own promises: who may ask, which versions and bodies it takes, and how operations go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use emulator_azure::{Azure, Fault, Request, Response, Running, Schemas, Settings, What};
use serde_json::{Value, json};

const NOW: Duration = Duration::ZERO;

fn azure() -> Azure {
    Azure::new(Settings::default(), Schemas::beside_the_checkout()).with_group("g", "westeurope").with_token("t")
}

fn target(rest: &str) -> String {
    format!("/subscriptions/{}/resourceGroups/g{rest}", Settings::default().subscription)
}

fn ask(azure: &mut Azure, method: &str, target: &str, body: &Value) -> Response {
    let headers = vec![("authorization".to_owned(), "Bearer t".to_owned())];
    let request = Request { method: method.to_owned(), target: target.to_owned(), headers, body: body.to_string().into_bytes() };
    azure.handle(NOW, &request).unwrap()
}

fn code(response: &Response) -> (u16, &str) {
    (response.status, response.body["error"]["code"].as_str().unwrap_or_default())
}

fn group(image: &str) -> Value {
    let container = json!({ "image": image, "resources": { "requests": { "cpu": 1, "memoryInGB": 1 } } });
    json!({ "location": "westeurope", "properties": { "osType": "Linux", "containers": [{ "name": "c", "properties": container }] } })
}

#[test]
fn a_token_is_had_with_a_secret_or_an_assertion_and_nothing_else() {
    let settings = Settings::default();
    let (mut azure, tenant) = (azure(), settings.tenant.clone());
    let mut token = |form: &str| {
        let body = format!("client_id={}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&{form}", settings.client_id);
        let request = Request {
            method: "POST".to_owned(),
            target: format!("/{tenant}/oauth2/v2.0/token"),
            headers: vec![],
            body: body.into_bytes(),
        };
        azure.handle(NOW, &request).unwrap()
    };
    let grant = "grant_type=client_credentials";
    let assertion = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=emulated.federated.token";
    assert_eq!(token(&format!("{grant}&client_secret=emulated+client+secret")).body["token_type"], "Bearer");
    assert_eq!(token(&format!("{grant}&{assertion}")).body["expires_in"], 3600);
    let wrong = token(&format!("{grant}&client_secret=other"));
    assert_eq!((wrong.status, &wrong.body["error"]), (401, &json!("invalid_client")));
    assert!(wrong.body["error_description"].as_str().unwrap().starts_with("AADSTS7000215: "));
    assert_eq!(token("grant_type=password").body["error"], "unsupported_grant_type");
}

#[test]
fn who_has_no_token_that_is_good_is_not_answered() {
    let mut azure = azure();
    let without = Request { method: "GET".to_owned(), target: target("?api-version=2021-04-01"), ..Request::default() };
    let answer = azure.handle(NOW, &without).unwrap();
    assert_eq!(code(&answer), (401, "AuthenticationFailed"));
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "));
    azure.revoke_tokens();
    assert_eq!(
        code(&ask(&mut azure, "GET", &target("?api-version=2021-04-01"), &Value::Null)),
        (401, "InvalidAuthenticationToken")
    );
}

#[test]
fn versions_groups_types_and_parents_are_checked() {
    let mut azure = azure();
    let path = "/providers/Microsoft.ContainerInstance/containerGroups/a";
    let mut check = |target: &str, expected: (u16, &str)| {
        assert_eq!(code(&ask(&mut azure, "GET", target, &Value::Null)), expected, "{target}");
    };
    check(&target(path), (400, "MissingApiVersionParameter"));
    check(&target(&format!("{path}?api-version=1999-01-01")), (400, "NoRegisteredProviderFound"));
    check(&target(&format!("{path}?api-version=2025-09-01")), (404, "ResourceNotFound"));
    check(&target("/providers/Microsoft.Nothing/things/a?api-version=1"), (404, "InvalidResourceType"));
    check(
        &target("x/providers/Microsoft.ContainerInstance/containerGroups/a?api-version=2025-09-01"),
        (404, "ResourceGroupNotFound"),
    );
    check(
        "/subscriptions/other/resourceGroups/g/providers/Microsoft.Web/sites/a?api-version=2024-11-01",
        (404, "SubscriptionNotFound"),
    );
    let slot = target("/providers/Microsoft.Web/sites/a/slots/b?api-version=2024-11-01");
    let body = json!({ "location": "westeurope", "properties": {} });
    assert_eq!(code(&ask(&mut azure, "PUT", &slot, &body)), (404, "ParentResourceNotFound"));
}

#[test]
fn an_operation_goes_on_with_each_look() {
    let mut azure = azure();
    let path = target("/providers/Microsoft.ContainerInstance/containerGroups/a?api-version=2025-09-01");
    let made = ask(&mut azure, "PUT", &path, &group("i"));
    assert_eq!((made.status, &made.body["properties"]["provisioningState"]), (201, &json!("Creating")));
    let link = made.header("azure-asyncoperation").unwrap().strip_prefix("https://management.azure.com").unwrap().to_owned();
    assert_eq!(made.header("retry-after"), Some("0"));
    assert_eq!(code(&ask(&mut azure, "PUT", &path, &group("i"))), (409, "ContainerGroupTransitioning"));
    let states: Vec<_> = (0..4).map(|_| ask(&mut azure, "GET", &link, &Value::Null).body["status"].clone()).collect();
    assert_eq!(states, ["InProgress", "InProgress", "Succeeded", "Succeeded"]);
    let read = ask(&mut azure, "GET", &path, &Value::Null);
    assert_eq!(read.body["properties"]["instanceView"]["state"], "Running");
    let gone = ask(&mut azure, "DELETE", &path, &Value::Null);
    assert_eq!(gone.status, 202);
    let link = gone.header("location").unwrap().strip_prefix("https://management.azure.com").unwrap().to_owned();
    let states: Vec<_> = (0..3).map(|_| ask(&mut azure, "GET", &link, &Value::Null).status).collect();
    assert_eq!(states, [202, 202, 204]);
    assert_eq!(ask(&mut azure, "DELETE", &path, &Value::Null).status, 204);
}

#[test]
fn a_list_has_pages() {
    let mut azure = azure();
    azure.settings.page = 2;
    for name in ["a", "b", "c"] {
        let path = target(&format!("/providers/Microsoft.ContainerInstance/containerGroups/{name}?api-version=2025-09-01"));
        ask(&mut azure, "PUT", &path, &group("i"));
    }
    let first = ask(
        &mut azure,
        "GET",
        &target("/providers/Microsoft.ContainerInstance/containerGroups?api-version=2025-09-01"),
        &Value::Null,
    );
    assert_eq!(first.body["value"].as_array().unwrap().len(), 2);
    let next = first.body["nextLink"].as_str().unwrap().strip_prefix("https://management.azure.com").unwrap().to_owned();
    let second = ask(&mut azure, "GET", &next, &Value::Null);
    assert_eq!((second.body["value"].as_array().unwrap().len(), second.body.get("nextLink")), (1, None));
}

#[test]
fn a_body_is_held_against_the_published_schema() {
    if Schemas::beside_the_checkout().is_none() {
        eprintln!("not tested here: Azure's published schemas, since `../shared/azure` is not beside the checkout");
        return;
    }
    let mut azure = azure();
    let path = target("/providers/Microsoft.ContainerInstance/containerGroups/a?api-version=2025-09-01");
    let mut check = |change: &dyn Fn(&mut Value), words: &str| {
        let mut body = group("i");
        change(&mut body);
        let answer = ask(&mut azure, "PUT", &path, &body);
        assert_eq!(code(&answer), (400, "InvalidRequestContent"), "{words}");
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    };
    check(&|body| body["properties"]["osType"] = json!("BeOS"), "BeOS");
    check(&|body| body["properties"]["restartPolicies"] = json!("Always"), "knows no `/properties/restartPolicies`");
    check(
        &|body| body["properties"]["containers"][0]["properties"]["resources"]["requests"]["cpu"] = json!("[parameters('cpu')]"),
        "cpu",
    );
    check(&|body| body["properties"].as_object_mut().unwrap().clear(), "containers");
}

#[test]
fn on_a_port_it_answers_over_http_and_gives_addresses_of_that_port() {
    let running = Running::start(azure(), 0).unwrap();
    let address = running.url().strip_prefix("http://").unwrap().to_owned();
    let send = |method: &str, target: &str, body: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        let length = body.len();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer t\r\nconnection: close\r\n");
        write!(stream, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        // A connection that is cut ends with an error, or with nothing at all.
        let _cut = stream.read_to_string(&mut answer);
        answer
    };
    let path = target("/providers/Microsoft.ContainerInstance/containerGroups/a?api-version=2025-09-01");
    let made = send("PUT", &path, &group("i").to_string());
    assert!(made.starts_with("HTTP/1.1 201 ") && made.contains("\"provisioningState\":\"Creating\""), "{made}");
    assert!(made.contains(&format!("azure-asyncoperation: http://{address}/subscriptions/")), "{made}");
    running.azure().faults.push(Fault::next("GET", "containerGroups", What::Cut));
    assert_eq!(send("GET", &path, ""), "");
    assert!(send("GET", &path, "").starts_with("HTTP/1.1 200 "));
    assert_eq!(running.azure().asked.last().map(|asked| asked.status), Some(200));
}
