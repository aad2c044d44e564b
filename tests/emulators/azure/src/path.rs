//! Ids of resources, as paths: <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>.

/// What a path of the Resource Manager names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A subscription.
    Subscription(String),
    /// A resource group.
    Group(Id),
    /// A resource, or what one of its actions answers.
    Resource(Id),
    /// All resources of a type, in a group or under a resource.
    Collection(Id),
    /// An operation's own document.
    Operation(u64),
    /// An operation's result.
    Result(u64),
    /// None of these.
    Other,
}

/// The parts of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id {
    /// The id as it was written.
    pub(crate) text: String,
    pub(crate) subscription: String,
    pub(crate) group: String,
    /// The namespace of the provider; empty for a group.
    pub(crate) provider: String,
    /// Types, from the outermost on.
    pub(crate) types: Vec<String>,
    /// Names. A collection has one less than types, and an action is a collection too as far as a path shows.
    pub(crate) names: Vec<String>,
}

impl Id {
    /// The type with its provider, in lower case, as a key: `microsoft.web/sites/slots`.
    pub(crate) fn kind(&self) -> String {
        format!("{}/{}", self.provider, self.types.join("/")).to_ascii_lowercase()
    }

    /// By which a resource is found: ids are the same in any capitals.
    pub(crate) fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// The last name.
    pub(crate) fn name(&self) -> &str {
        self.names.last().map_or(self.group.as_str(), String::as_str)
    }

    /// The id of what it is under: a resource, or the group.
    pub(crate) fn parent(&self) -> String {
        let cut = if self.types.len() > 1 { 2 } else { 4 };
        self.text.rsplitn(cut + 1, '/').last().unwrap_or_default().to_owned()
    }

    /// The resource that an action, or a collection, is under, with the action's name.
    pub(crate) fn split_action(&self) -> Option<(Self, String)> {
        let mut id = self.clone();
        let action = id.types.pop().filter(|_| !id.types.is_empty())?;
        id.text = id.text.rsplit_once('/')?.0.to_owned();
        Some((id, action))
    }
}

/// Reads a path.
pub(crate) fn parse(path: &str) -> Place {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let is = |index: usize, word: &str| parts.get(index).is_some_and(|part: &&str| part.eq_ignore_ascii_case(word));
    if is(0, "subscriptions") && parts.len() == 2 && !parts[1].is_empty() {
        return Place::Subscription(parts[1].to_owned());
    }
    if !is(0, "subscriptions") || parts.len() < 4 || parts.iter().any(|part| part.is_empty()) {
        return Place::Other;
    }
    // `/subscriptions/S/providers/P/locations/L/operations/N`
    if is(2, "providers") && is(4, "locations") && parts.len() == 8 {
        let number = parts[7].parse().ok();
        return match (number, parts[6].to_ascii_lowercase().as_str()) {
            (Some(number), "operations") => Place::Operation(number),
            (Some(number), "operationresults") => Place::Result(number),
            _ => Place::Other,
        };
    }
    if !is(2, "resourcegroups") {
        return Place::Other;
    }
    let owned = |part: &&str| (*part).to_owned();
    let mut id = Id {
        text: format!("/{}", parts.join("/")),
        subscription: parts[1].to_owned(),
        group: parts[3].to_owned(),
        provider: String::new(),
        types: vec![],
        names: vec![],
    };
    if parts.len() == 4 {
        return Place::Group(id);
    }
    if !is(4, "providers") || parts.len() < 7 {
        return Place::Other;
    }
    id.provider = parts[5].to_owned();
    id.types = parts[6..].iter().step_by(2).map(owned).collect();
    id.names = parts[7..].iter().step_by(2).map(owned).collect();
    if id.types.len() == id.names.len() { Place::Resource(id) } else { Place::Collection(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_resource_its_parent_and_its_kind() {
        let Place::Resource(id) = parse("/subscriptions/s/resourcegroups/g/providers/Microsoft.Web/sites/a/slots/b") else {
            panic!("expected a resource");
        };
        assert_eq!((id.kind().as_str(), id.name()), ("microsoft.web/sites/slots", "b"));
        assert_eq!(id.parent(), "/subscriptions/s/resourcegroups/g/providers/Microsoft.Web/sites/a");
        let Place::Resource(outer) = parse(&id.parent()) else { panic!("expected a resource") };
        assert_eq!(outer.parent(), "/subscriptions/s/resourcegroups/g");
    }

    #[test]
    fn an_action_is_under_its_resource() {
        let Place::Collection(id) = parse("/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a/slotsswap") else {
            panic!("expected a collection");
        };
        let (site, action) = id.split_action().unwrap();
        assert_eq!((site.name(), action.as_str(), site.kind().as_str()), ("a", "slotsswap", "microsoft.web/sites"));
    }

    #[test]
    fn operations_and_what_is_nothing_are_told_apart() {
        assert_eq!(parse("/subscriptions/s/providers/P/locations/l/operations/7"), Place::Operation(7));
        assert_eq!(parse("/subscriptions/s/providers/P/locations/l/operationResults/7"), Place::Result(7));
        assert!(matches!(parse("/subscriptions/s/resourceGroups/g"), Place::Group(_)));
        for path in [
            "/",
            "/subscriptions",
            "/x/y/z/w",
            "/subscriptions/s/resourceGroups/g/providers/P",
            "/subscriptions//resourceGroups/g",
        ] {
            assert_eq!(parse(path), Place::Other, "{path}");
        }
    }
}
