//! A component that stands for the command line of which a packaged model has none: no arguments, no environment, no terminals, and the same seed of hash maps each
//! time.
//!
//! What a toolchain links into every program asks for these. Hosts that serve HTTP give none of them unless they are told to: the world of `wasi:http` has them not.
//! Answered within the package, they are asked of nobody, and nobody can give a model an environment that changes what it answers.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, CodeSection, Component, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentInstanceSection, ComponentTypeSection, ComponentValType, ExportKind, ExportSection,
    Function, FunctionSection, InstanceSection, MemorySection, MemoryType, Module, ModuleArg, ModuleSection, PrimitiveValType,
    TypeSection, ValType,
};

/// The interfaces that are answered.
const INTERFACES: [&str; 8] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:random/insecure-seed",
];

/// The version of WASI by which an import names one of the interfaces; none where it names something else.
pub(crate) fn version_of(import: &str) -> Option<&str> {
    let (interface, version) = import.split_once('@')?;
    INTERFACES.contains(&interface).then_some(version)
}

/// Where a list without elements, an option without a value and a pair of zeros lie: in memory that nobody writes to.
const NOTHING_AT: i32 = 8;

/// The component for one version of WASI.
pub(crate) fn component(version: &str) -> Vec<u8> {
    let mut instances = InstanceSection::new();
    instances.instantiate(0, std::iter::empty::<(&str, ModuleArg)>());
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(Alias::CoreInstanceExport { instance: 0, kind: ExportKind::Memory, name: "memory" });
    for name in ["nothing", "end"] {
        aliases.alias(Alias::CoreInstanceExport { instance: 0, kind: ExportKind::Func, name });
    }
    let (types, functions) = types();
    let mut lifted = CanonicalFunctionSection::new();
    for (code, ty) in functions {
        lifted.lift(code, ty, [CanonicalOption::Memory(0)]);
    }
    let function = |name: &'static str, index| (name, ComponentExportKind::Func, index);
    let (input, output) =
        (("terminal-input", ComponentExportKind::Type, INPUT), ("terminal-output", ComponentExportKind::Type, OUTPUT));
    let exported = [
        vec![function("get-environment", 0), function("get-arguments", 1), function("initial-cwd", 2)],
        vec![function("exit", 3)],
        vec![input],
        vec![output],
        vec![input, function("get-terminal-stdin", 4)],
        vec![output, function("get-terminal-stdout", 5)],
        vec![output, function("get-terminal-stderr", 5)],
        vec![function("insecure-seed", 6)],
    ];
    let (mut interfaces, mut exports) = (ComponentInstanceSection::new(), ComponentExportSection::new());
    for ((index, name), items) in (0..).zip(INTERFACES).zip(exported) {
        interfaces.export_items(items);
        let name = format!("{name}@{version}");
        exports.export(name.as_str(), ComponentExportKind::Instance, index, None);
    }
    let mut component = Component::new();
    component.section(&ModuleSection(&module())).section(&instances).section(&aliases);
    component.section(&types).section(&lifted).section(&interfaces).section(&exports);
    component.finish()
}

/// The type of a terminal that is read, of which there is none.
const INPUT: u32 = 0;
/// The type of a terminal that is written to.
const OUTPUT: u32 = 1;
/// The type of how a program ends.
const STATUS: u32 = 10;
/// The type of a seed.
const SEEDS: u32 = 11;

/// The types, and the functions: the code of each and its type.
fn types() -> (ComponentTypeSection, [(u32, u32); 7]) {
    let mut types = ComponentTypeSection::new();
    let (text, number) =
        (ComponentValType::Primitive(PrimitiveValType::String), ComponentValType::Primitive(PrimitiveValType::U64));
    types.resource(ValType::I32, None);
    types.resource(ValType::I32, None);
    types.defined_type().tuple([text, text]);
    types.defined_type().list(ComponentValType::Type(2));
    types.defined_type().list(text);
    types.defined_type().option(text);
    types.defined_type().own(INPUT);
    types.defined_type().option(ComponentValType::Type(6));
    types.defined_type().own(OUTPUT);
    types.defined_type().option(ComponentValType::Type(8));
    types.defined_type().result(None, None);
    types.defined_type().tuple([number, number]);
    let none: [(&str, ComponentValType); 0] = [];
    for result in [3, 4, 5] {
        types.function().params(none).result(Some(ComponentValType::Type(result)));
    }
    types.function().params([("status", ComponentValType::Type(STATUS))]).result(None);
    for result in [7, 9, SEEDS] {
        types.function().params(none).result(Some(ComponentValType::Type(result)));
    }
    (types, [(0, 12), (0, 13), (0, 14), (1, 15), (0, 16), (0, 17), (0, 18)])
}

/// The core module: one function that gives nothing, whatever it is asked for, and one that ends it all.
fn module() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    types.ty().function([ValType::I32], []);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("nothing", ExportKind::Func, 0).export("end", ExportKind::Func, 1);
    let mut code = CodeSection::new();
    let mut nothing = Function::new([]);
    nothing.instructions().i32_const(NOTHING_AT).end();
    let mut end = Function::new([]);
    end.instructions().unreachable().end();
    code.function(&nothing).function(&end);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_valid() {
        wasmparser::Validator::new().validate_all(&component("0.2.6")).unwrap();
    }

    #[test]
    fn only_what_it_answers_has_a_version_here() {
        assert_eq!(version_of("wasi:cli/environment@0.2.6"), Some("0.2.6"));
        assert_eq!(version_of("wasi:cli/terminal-stderr@0.2.12"), Some("0.2.12"));
        assert_eq!(version_of("wasi:random/insecure-seed@0.2.6"), Some("0.2.6"));
        for other in ["wasi:cli/stdout@0.2.6", "wasi:cli/environment", "wasi:io/streams@0.2.6", "sprag:run/blobs@0.1.0"] {
            assert_eq!(version_of(other), None, "{other}");
        }
    }
}
