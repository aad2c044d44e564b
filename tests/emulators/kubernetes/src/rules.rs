//! What a server fills in where nothing was said, and what it refuses.

use serde_json::{Value, json};

use crate::resource::Resource;
use crate::status::Refusal;

fn put(value: &mut Value, key: &str, default: Value) {
    if value.get(key).is_none_or(Value::is_null) {
        value[key] = default;
    }
}

/// Fills in the defaults of the published types.
pub(crate) fn fill(object: &mut Value) {
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" => deployment(&mut object["spec"]),
        "Service" => service(&mut object["spec"]),
        "HorizontalPodAutoscaler" => put(&mut object["spec"], "minReplicas", json!(1)),
        "Namespace" => {
            let name = object["metadata"]["name"].clone();
            put(&mut object["metadata"], "labels", json!({}));
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            put(object, "status", json!({ "phase": "Active" }));
        }
        "HTTPRoute" => {
            for rule in items(&mut object["spec"], "rules") {
                for backend in items(rule, "backendRefs") {
                    put(backend, "weight", json!(1));
                }
                put(rule, "matches", json!([{ "path": { "type": "PathPrefix", "value": "/" } }]));
            }
        }
        _ => {}
    }
}

fn items<'a>(value: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn deployment(spec: &mut Value) {
    put(spec, "replicas", json!(1));
    put(spec, "revisionHistoryLimit", json!(10));
    put(spec, "progressDeadlineSeconds", json!(600));
    let rolling = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": "25%", "maxSurge": "25%" } });
    put(spec, "strategy", rolling);
    put(&mut spec["template"]["metadata"], "creationTimestamp", Value::Null);
    let pod = &mut spec["template"]["spec"];
    put(pod, "restartPolicy", json!("Always"));
    put(pod, "dnsPolicy", json!("ClusterFirst"));
    put(pod, "schedulerName", json!("default-scheduler"));
    put(pod, "terminationGracePeriodSeconds", json!(30));
    put(pod, "securityContext", json!({}));
    for container in items(pod, "containers") {
        put(container, "imagePullPolicy", json!("IfNotPresent"));
        put(container, "terminationMessagePath", json!("/dev/termination-log"));
        put(container, "terminationMessagePolicy", json!("File"));
        put(container, "resources", json!({}));
        for port in items(container, "ports") {
            put(port, "protocol", json!("TCP"));
        }
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if let Some(probe) = container.get_mut(name) {
                put(probe, "successThreshold", json!(1));
                put(probe, "failureThreshold", json!(3));
                put(probe, "periodSeconds", json!(10));
                put(probe, "timeoutSeconds", json!(1));
            }
        }
    }
}

fn service(spec: &mut Value) {
    put(spec, "type", json!("ClusterIP"));
    put(spec, "sessionAffinity", json!("None"));
    put(spec, "internalTrafficPolicy", json!("Cluster"));
    put(spec, "ipFamilies", json!(["IPv4"]));
    put(spec, "ipFamilyPolicy", json!("SingleStack"));
    for port in items(spec, "ports") {
        put(port, "protocol", json!("TCP"));
        let target = port["port"].clone();
        put(port, "targetPort", target);
    }
}

/// Refuses an object that cannot be.
pub(crate) fn check(resource: &Resource, object: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let mut causes: Vec<(String, String)> = vec![];
    let mut wrong = |field: &str, words: String| causes.push((field.to_owned(), words));
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let longest = if resource.plural == "services" || resource.plural == "namespaces" { 63 } else { 253 };
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (c == '.' && longest == 253);
    if name.is_empty() || name.len() > longest || !name.chars().all(is_plain) || name.starts_with('-') || name.ends_with('-') {
        wrong(
            "metadata.name",
            format!(
                "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
            ),
        );
    }
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let is_end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        let is_label = value.len() <= 63
            && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && is_end(value.chars().next())
            && is_end(value.chars().last());
        if !is_label {
            wrong(
                "metadata.labels",
                format!(
                    "Invalid value: \"{value}\": a valid label must be at most 63 alphanumeric characters, '-', '_' or '.' (at {key})"
                ),
            );
        }
    }
    let spec = &object["spec"];
    match resource.kind {
        "Deployment" => {
            let selector = spec["selector"]["matchLabels"].as_object();
            let labels = &spec["template"]["metadata"]["labels"];
            match selector {
                None => wrong("spec.selector", "Required value".to_owned()),
                Some(selector) if selector.iter().any(|(key, value)| labels.get(key) != Some(value)) => {
                    wrong(
                        "spec.template.metadata.labels",
                        format!("Invalid value: {labels}: `selector` does not match template `labels`"),
                    );
                }
                Some(_) => {}
            }
            if before.is_some_and(|before| before["spec"]["selector"] != spec["selector"]) {
                wrong("spec.selector", format!("Invalid value: {}: field is immutable", spec["selector"]));
            }
            let containers = spec["template"]["spec"]["containers"].as_array();
            if containers.is_none_or(Vec::is_empty) {
                wrong("spec.template.spec.containers", "Required value".to_owned());
            }
            for (index, container) in containers.into_iter().flatten().enumerate() {
                let field = format!("spec.template.spec.containers[{index}].image");
                if container["image"].as_str().is_none_or(str::is_empty) {
                    wrong(&field, "Required value".to_owned());
                }
            }
        }
        "Service" if spec["ports"].as_array().is_none_or(Vec::is_empty) => wrong("spec.ports", "Required value".to_owned()),
        "HorizontalPodAutoscaler" => {
            let (least, most) = (spec["minReplicas"].as_u64().unwrap_or(1), spec["maxReplicas"].as_u64().unwrap_or(0));
            if most < least.max(1) {
                wrong("spec.maxReplicas", format!("Invalid value: {most}: must be greater than or equal to `minReplicas`"));
            }
        }
        _ => {}
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource.kind, resource.group, name, &causes)) }
}

/// Why the standard `restricted` refuses a pod: <https://kubernetes.io/docs/concepts/security/pod-security-standards/>.
pub(crate) fn unsafe_pod(spec: &Value) -> Option<String> {
    let pod = &spec["securityContext"];
    let mut wrong = vec![];
    for container in spec["containers"].as_array().into_iter().flatten() {
        let own = &container["securityContext"];
        let either = |path: &str| own.pointer(path).or_else(|| pod.pointer(path)).cloned().unwrap_or_default();
        if own["allowPrivilegeEscalation"] != false {
            wrong.push("allowPrivilegeEscalation != false");
        }
        if own["capabilities"]["drop"] != json!(["ALL"]) {
            wrong.push("unrestricted capabilities");
        }
        if either("/runAsNonRoot") != true {
            wrong.push("runAsNonRoot != true");
        }
        if either("/seccompProfile/type") != "RuntimeDefault" {
            wrong.push("seccompProfile");
        }
    }
    (!wrong.is_empty()).then(|| format!("violates PodSecurity \"restricted:latest\": {}", wrong.join(", ")))
}
