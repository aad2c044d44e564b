//! A request, read: which verb on which objects.

use std::collections::BTreeMap;

use crate::resource::{RESOURCES, Resource};

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a path leads to.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn query(&self) -> BTreeMap<String, String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(name), decoded(value))
            })
            .collect()
    }
}

impl Place {
    /// Of a path such as `/apis/apps/v1/namespaces/n/deployments/d/scale`.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (group, version) = match parts.next()? {
            "api" => ("", parts.next()?),
            "apis" => (parts.next()?, parts.next()?),
            _ => return None,
        };
        let rest: Vec<_> = parts.map(decoded).collect();
        let find = |plural: &str| RESOURCES.iter().find(|it| it.group == group && it.version == version && it.plural == plural);
        let at = |index: usize| rest.get(index).cloned();
        // `namespaces/n` is an object, `namespaces/n/pods` a list in it.
        if rest.first().is_some_and(|first| first == "namespaces") && rest.len() >= 3 {
            let resource = find(&rest[2]).filter(|resource| resource.is_namespaced)?;
            return (rest.len() <= 5).then(|| Self { resource, namespace: rest[1].clone(), name: at(3), subresource: at(4) });
        }
        let resource = find(rest.first()?)?;
        (rest.len() <= 3).then(|| Self { resource, namespace: String::new(), name: at(1), subresource: at(2) })
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = (first == b'%').then(|| after.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
