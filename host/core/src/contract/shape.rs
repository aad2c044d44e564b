//! Holds the types of a component against the contract's: which interface, which function, which field differs.
//!
//! The engine makes the same comparison when it links a component, and says less. Here nothing is compiled: the component's types are
//! read from its binary, the contract's from its WIT, and both are walked side by side.

use std::fmt;

use sprag_schemas::manifest::Kind;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Function, Handle, InterfaceId, Resolve, SourceMap, Type, TypeDefKind, TypeId, WorldItem, WorldKey};

use super::texts::PACKAGES;
use super::{TRACK, exports};
use crate::component::ComponentError;

/// A place where a component's types are not the contract's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The interface, such as `sprag:stage/train@0.1.0`.
    pub interface: String,
    /// The function, or method as `table.scan`; none where the interface itself is missing.
    pub function: Option<String>,
    /// Where in the function: `parameter training`, `result`, and from there the fields and cases; empty for the whole.
    pub place: String,
    /// What the contract has.
    pub expected: String,
    /// What the component has.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.interface)?;
        if let Some(function) = &self.function {
            write!(f, ": function `{function}`")?;
        }
        if !self.place.is_empty() {
            write!(f, ": {}", self.place)?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

/// Compares what a component exports for a kind, and all that it imports of the contract.
///
/// An import may use fewer functions than the contract has: that is what imports are for. An export has all of them, and no others.
///
/// # Errors
/// The binary's types cannot be read.
pub fn mismatches(bytes: &[u8], kind: Kind) -> Result<Vec<Mismatch>, ComponentError> {
    let decoded = decode(bytes).map_err(|error| ComponentError::Corrupt { offset: 0, message: format!("{error:#}") })?;
    let DecodedWasm::Component(found, world) = decoded else {
        return Err(ComponentError::Corrupt { offset: 0, message: "expected a component, found a package of WIT".to_owned() });
    };
    let expected = contract();
    let world = &found.worlds[world];
    let mut mismatches = vec![];
    for (key, item) in &world.imports {
        if let Some((name, theirs, ours)) = pair(&found, &expected, key, item) {
            Comparison { expected: &expected, found: &found, interface: name, role: Role::Import }.interfaces(
                ours,
                theirs,
                &mut mismatches,
            );
        }
    }
    let needed: Vec<_> = ["sprag:stage/plugin"].iter().chain(exports(kind)).map(|name| format!("{name}@{TRACK}")).collect();
    let exported = |wanted: &String| {
        world.exports.iter().find_map(|(key, item)| pair(&found, &expected, key, item).filter(|(name, ..)| name == wanted))
    };
    for name in needed {
        match exported(&name) {
            Some((interface, theirs, ours)) => {
                Comparison { expected: &expected, found: &found, interface, role: Role::Export }.interfaces(
                    ours,
                    theirs,
                    &mut mismatches,
                );
            }
            None => mismatches.push(Mismatch {
                interface: name,
                function: None,
                place: String::new(),
                expected: "it among the exports".to_owned(),
                found: "none".to_owned(),
            }),
        }
    }
    Ok(mismatches)
}

/// The contract's packages, parsed.
fn contract() -> Resolve {
    let mut resolve = Resolve::default();
    for package in &PACKAGES {
        let mut map = SourceMap::new();
        for (name, text) in package.files {
            map.push_str(&format!("{}/{name}", package.folder), *text);
        }
        let group = map.parse().map_err(|(_, error)| error).expect("a test parses every package");
        resolve.push_group(group).expect("a test resolves every package");
    }
    resolve
}

/// An imported or exported interface of ours: its name, the component's form of it and the contract's.
fn pair(found: &Resolve, expected: &Resolve, key: &WorldKey, item: &WorldItem) -> Option<(String, InterfaceId, InterfaceId)> {
    let WorldItem::Interface { id, .. } = item else { return None };
    let name = found.name_world_key(key);
    let ours = expected.interfaces.iter().find(|(id, _)| expected.id_of(*id).as_ref() == Some(&name))?.0;
    Some((name, *id, ours))
}

/// Whose functions must all be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The host has more than a component uses.
    Import,
    /// The host calls each of them.
    Export,
}

struct Comparison<'a> {
    expected: &'a Resolve,
    found: &'a Resolve,
    interface: String,
    role: Role,
}

/// How two types differ: where, what was expected, what was found.
type Difference = (String, String, String);

impl Comparison<'_> {
    fn interfaces(&self, ours: InterfaceId, theirs: InterfaceId, mismatches: &mut Vec<Mismatch>) {
        let (ours, theirs) = (&self.expected.interfaces[ours], &self.found.interfaces[theirs]);
        let mut add = |function: &Function, (place, expected, found): Difference| {
            mismatches.push(Mismatch {
                interface: self.interface.clone(),
                function: Some(title(&function.name)),
                place,
                expected,
                found,
            });
        };
        for (name, function) in &ours.functions {
            match theirs.functions.get(name) {
                Some(other) => {
                    if let Some(difference) = self.functions(function, other) {
                        add(function, difference);
                    }
                }
                None if self.role == Role::Export => {
                    add(
                        function,
                        (String::new(), format!("`{}`", signature(self.expected, function)), "no such function".to_owned()),
                    );
                }
                None => {}
            }
        }
        for function in theirs.functions.values().filter(|function| !ours.functions.contains_key(&function.name)) {
            let known: Vec<_> = ours.functions.keys().map(|name| format!("`{}`", title(name))).collect();
            let expected = if known.is_empty() { "no function".to_owned() } else { format!("one of {}", known.join(", ")) };
            add(function, (String::new(), expected, format!("`{}`", signature(self.found, function))));
        }
    }

    fn functions(&self, ours: &Function, theirs: &Function) -> Option<Difference> {
        let whole =
            || (String::new(), format!("`{}`", signature(self.expected, ours)), format!("`{}`", signature(self.found, theirs)));
        let names = |function: &Function| function.params.iter().map(|param| param.name.clone()).collect::<Vec<_>>();
        if ours.kind.is_async() != theirs.kind.is_async() || names(ours) != names(theirs) {
            return Some(whole());
        }
        for (ours, theirs) in ours.params.iter().zip(&theirs.params) {
            if let Some((place, expected, found)) = self.types(&ours.ty, &theirs.ty) {
                return Some((join(&format!("parameter `{}`", ours.name), &place), expected, found));
            }
        }
        let (place, expected, found) = self.maybe(ours.result.as_ref(), theirs.result.as_ref())?;
        Some((join("result", &place), expected, found))
    }

    fn maybe(&self, ours: Option<&Type>, theirs: Option<&Type>) -> Option<Difference> {
        match (ours, theirs) {
            (None, None) => None,
            (Some(ours), Some(theirs)) => self.types(ours, theirs),
            _ => Some(self.differ(ours, theirs)),
        }
    }

    /// The first place where two types differ, from outside to inside.
    fn types(&self, ours: &Type, theirs: &Type) -> Option<Difference> {
        let (ours, theirs) = (plain(self.expected, *ours), plain(self.found, *theirs));
        let (Type::Id(our_id), Type::Id(their_id)) = (ours, theirs) else {
            return (ours != theirs).then(|| self.differ(Some(&ours), Some(&theirs)));
        };
        let differ = || Some(self.differ(Some(&ours), Some(&theirs)));
        let (our_type, their_type) = (&self.expected.types[our_id], &self.found.types[their_id]);
        match (&our_type.kind, &their_type.kind) {
            (TypeDefKind::Record(ours), TypeDefKind::Record(theirs)) => {
                let fields = |fields: &[wit_parser::Field]| {
                    fields.iter().map(|field| (field.name.clone(), Some(field.ty))).collect::<Vec<_>>()
                };
                self.members("field", our_type.name.as_deref(), &fields(&ours.fields), &fields(&theirs.fields))
            }
            (TypeDefKind::Variant(ours), TypeDefKind::Variant(theirs)) => {
                let cases =
                    |cases: &[wit_parser::Case]| cases.iter().map(|case| (case.name.clone(), case.ty)).collect::<Vec<_>>();
                self.members("case", our_type.name.as_deref(), &cases(&ours.cases), &cases(&theirs.cases))
            }
            (TypeDefKind::Enum(ours), TypeDefKind::Enum(theirs)) => {
                let cases =
                    |cases: &[wit_parser::EnumCase]| cases.iter().map(|case| (case.name.clone(), None)).collect::<Vec<_>>();
                self.members("case", our_type.name.as_deref(), &cases(&ours.cases), &cases(&theirs.cases))
            }
            (TypeDefKind::Resource, TypeDefKind::Resource) => {
                if our_type.name == their_type.name {
                    None
                } else {
                    differ()
                }
            }
            (TypeDefKind::Handle(Handle::Own(ours)), TypeDefKind::Handle(Handle::Own(theirs)))
            | (TypeDefKind::Handle(Handle::Borrow(ours)), TypeDefKind::Handle(Handle::Borrow(theirs))) => {
                self.types(&Type::Id(*ours), &Type::Id(*theirs))
            }
            (TypeDefKind::Option(ours), TypeDefKind::Option(theirs)) | (TypeDefKind::List(ours), TypeDefKind::List(theirs)) => {
                self.types(ours, theirs)
            }
            (TypeDefKind::Tuple(ours), TypeDefKind::Tuple(theirs)) if ours.types.len() == theirs.types.len() => {
                ours.types.iter().zip(&theirs.types).find_map(|(ours, theirs)| self.types(ours, theirs))
            }
            (TypeDefKind::Result(ours), TypeDefKind::Result(theirs)) => {
                let ok = self.maybe(ours.ok.as_ref(), theirs.ok.as_ref()).map(|found| ("ok", found));
                let (side, (place, expected, found)) =
                    ok.or_else(|| self.maybe(ours.err.as_ref(), theirs.err.as_ref()).map(|found| ("error", found)))?;
                Some((join(side, &place), expected, found))
            }
            _ => differ(),
        }
    }

    /// The first difference between two lists of fields or cases, which must have the same names in the same order.
    fn members(
        &self,
        word: &str,
        name: Option<&str>,
        ours: &[(String, Option<Type>)],
        theirs: &[(String, Option<Type>)],
    ) -> Option<Difference> {
        let at = |member: &str| {
            let member = format!("{word} `{member}`");
            name.map_or_else(|| member.clone(), |name| format!("{member} of `{name}`"))
        };
        for (i, (member, ty)) in ours.iter().enumerate() {
            match theirs.get(i) {
                Some((other, their_type)) if other == member => {
                    if let Some((place, expected, found)) = self.maybe(ty.as_ref(), their_type.as_ref()) {
                        return Some((join(&at(member), &place), expected, found));
                    }
                }
                other => {
                    let found = other.map_or_else(|| "no more".to_owned(), |(other, _)| format!("`{other}`"));
                    return Some((at(member), format!("`{member}`"), found));
                }
            }
        }
        let (extra, _) = theirs.get(ours.len())?;
        Some((at(extra), "no more".to_owned(), format!("`{extra}`")))
    }

    fn differ(&self, ours: Option<&Type>, theirs: Option<&Type>) -> Difference {
        let shown =
            |resolve, ty: Option<&Type>| ty.map_or_else(|| "nothing".to_owned(), |ty| format!("`{}`", text(resolve, *ty)));
        (String::new(), shown(self.expected, ours), shown(self.found, theirs))
    }
}

/// A type behind its other names: `use` makes one in each interface.
fn plain(resolve: &Resolve, ty: Type) -> Type {
    let mut ty = ty;
    while let Type::Id(id) = ty
        && let TypeDefKind::Type(inner) = &resolve.types[id].kind
    {
        ty = *inner;
    }
    ty
}

fn join(outer: &str, inner: &str) -> String {
    if inner.is_empty() { outer.to_owned() } else { format!("{outer}, {inner}") }
}

/// The name of a function as people write it: `table.scan` for `[method]table.scan`.
fn title(name: &str) -> String {
    name.rsplit(']').next().unwrap_or(name).to_owned()
}

/// A function as WIT writes it.
fn signature(resolve: &Resolve, function: &Function) -> String {
    let params: Vec<_> = function.params.iter().map(|param| format!("{}: {}", param.name, text(resolve, param.ty))).collect();
    let result = function.result.map(|ty| format!(" -> {}", text(resolve, ty))).unwrap_or_default();
    format!(
        "{}: {}func({}){result}",
        title(&function.name),
        if function.kind.is_async() { "async " } else { "" },
        params.join(", ")
    )
}

/// A type as WIT writes it.
fn text(resolve: &Resolve, ty: Type) -> String {
    match ty {
        Type::Id(id) => named(resolve, id),
        Type::Bool => "bool".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::S8 => "s8".to_owned(),
        Type::S16 => "s16".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::F32 => "f32".to_owned(),
        Type::F64 => "f64".to_owned(),
        Type::Char => "char".to_owned(),
        Type::String => "string".to_owned(),
        Type::ErrorContext => "error-context".to_owned(),
    }
}

fn named(resolve: &Resolve, id: TypeId) -> String {
    let definition = &resolve.types[id];
    if let Some(name) = &definition.name {
        return name.clone();
    }
    let of = |ty: &Type| text(resolve, *ty);
    let or_hole = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), of);
    match &definition.kind {
        TypeDefKind::Option(inner) => format!("option<{}>", of(inner)),
        TypeDefKind::List(inner) => format!("list<{}>", of(inner)),
        TypeDefKind::Tuple(tuple) => format!("tuple<{}>", tuple.types.iter().map(of).collect::<Vec<_>>().join(", ")),
        TypeDefKind::Handle(Handle::Own(inner)) => named(resolve, *inner),
        TypeDefKind::Handle(Handle::Borrow(inner)) => format!("borrow<{}>", named(resolve, *inner)),
        TypeDefKind::Type(inner) => of(inner),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{}>", of(ok)),
            (ok, err) => format!("result<{}, {}>", or_hole(ok), or_hole(err)),
        },
        other => other.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests;
