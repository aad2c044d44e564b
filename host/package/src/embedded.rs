//! A component that holds the bytes of one model: its card and its state.
//!
//! It is `sprag:packaged/embedded` of `host/packaged-imports/wit`, written by hand: a memory with the bytes as data, and three functions that point into it.
//! A toolchain at packaging time would be a thing to install, and its version would be in the package's digest.

use wasm_encoder::{
    Alias, BlockType, CanonicalFunctionSection, CanonicalOption, CodeSection, Component, ComponentAliasSection,
    ComponentExportKind, ComponentExportSection, ComponentInstanceSection, ComponentTypeSection, ComponentValType, ConstExpr,
    DataSection, ExportKind, ExportSection, Function, FunctionSection, InstanceSection, InstructionSink, MemArg, MemorySection,
    MemoryType, Module, ModuleArg, ModuleSection, PrimitiveValType, TypeSection, ValType,
};

/// The interface that the component exports.
pub(crate) const INTERFACE: &str = "sprag:packaged/embedded@0.1.0";

/// Its functions, in the order in which the module has them.
const FUNCTIONS: [&str; 3] = ["card", "state-len", "state-read"];

/// Where a function leaves the address and length of the list that it gives.
const RETURN_AREA: i32 = 8;

/// Where the bytes begin.
const BASE: u32 = 16;

/// The most bytes that a package holds: engines refuse a component of more than 1 GiB, and the parts beside it want some room.
pub(crate) const MOST: usize = 960 << 20;

/// The component with these bytes, of at most [`MOST`] together.
pub(crate) fn component(card: &[u8], state: &[u8]) -> Vec<u8> {
    let mut instances = InstanceSection::new();
    instances.instantiate(0, std::iter::empty::<(&str, ModuleArg)>());
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(Alias::CoreInstanceExport { instance: 0, kind: ExportKind::Memory, name: "memory" });
    for name in FUNCTIONS {
        aliases.alias(Alias::CoreInstanceExport { instance: 0, kind: ExportKind::Func, name });
    }
    let mut types = ComponentTypeSection::new();
    types.defined_type().list(PrimitiveValType::U8);
    let (bytes, u32, u64) = (
        ComponentValType::Type(0),
        ComponentValType::Primitive(PrimitiveValType::U32),
        ComponentValType::Primitive(PrimitiveValType::U64),
    );
    let none: [(&str, ComponentValType); 0] = [];
    types.function().params(none).result(Some(bytes));
    types.function().params(none).result(Some(u64));
    types.function().params([("offset", u64), ("len", u32)]).result(Some(bytes));
    let mut lifted = CanonicalFunctionSection::new();
    for function in 0..3 {
        lifted.lift(function, function + 1, [CanonicalOption::Memory(0)]);
    }
    let mut exported = ComponentInstanceSection::new();
    exported.export_items(
        FUNCTIONS.into_iter().zip(0..).map(|(name, index)| (name, ComponentExportKind::Func, index)).collect::<Vec<_>>(),
    );
    let mut exports = ComponentExportSection::new();
    exports.export(INTERFACE, ComponentExportKind::Instance, 0, None);

    let mut component = Component::new();
    component.section(&ModuleSection(&module(card, state))).section(&instances).section(&aliases);
    component.section(&types).section(&lifted).section(&exported).section(&exports);
    component.finish()
}

/// The core module behind it.
fn module(card: &[u8], state: &[u8]) -> Module {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("the caller keeps to the limit of less than 1 GiB");
    let (card_len, state_len) = (length(card), length(state));
    let state_at = BASE + card_len;
    let end = u64::from(state_at) + u64::from(state_len);

    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    types.ty().function([], [ValType::I64]);
    types.ty().function([ValType::I64, ValType::I32], [ValType::I32]);
    let mut functions = FunctionSection::new();
    for ty in 0..3 {
        functions.function(ty);
    }
    let mut memories = MemorySection::new();
    let pages = end.div_ceil(1 << 16);
    memories.memory(MemoryType { minimum: pages, maximum: Some(pages), memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    for (index, name) in (0..).zip(FUNCTIONS) {
        exports.export(name, ExportKind::Func, index);
    }
    let mut code = CodeSection::new();
    code.function(&card_function(card_len));
    code.function(&body([], |code| {
        code.i64_const(i64::from(state_len));
    }));
    code.function(&state_read_function(state_at, state_len));
    let mut data = DataSection::new();
    for (at, bytes) in [(BASE, card), (state_at, state)] {
        data.active(0, &ConstExpr::i32_const(at.cast_signed()), bytes.iter().copied());
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code).section(&data);
    module
}

fn body<const N: usize>(locals: [(u32, ValType); N], write: impl FnOnce(&mut InstructionSink<'_>)) -> Function {
    let mut function = Function::new(locals);
    let mut code = function.instructions();
    write(&mut code);
    code.end();
    function
}

const fn field(offset: u64) -> MemArg {
    MemArg { offset, align: 2, memory_index: 0 }
}

/// `card`: the whole card.
fn card_function(card_len: u32) -> Function {
    body([], |code| {
        code.i32_const(RETURN_AREA).i32_const(BASE.cast_signed()).i32_store(field(0));
        code.i32_const(RETURN_AREA).i32_const(card_len.cast_signed()).i32_store(field(4));
        code.i32_const(RETURN_AREA);
    })
}

/// `state-read(offset, len)`: what of the range is inside the state.
fn state_read_function(state_at: u32, state_len: u32) -> Function {
    const OFFSET: u32 = 0;
    const LEN: u32 = 1;
    const LEFT: u32 = 2;
    let state_len = i64::from(state_len);
    body([(1, ValType::I64)], |code| {
        // An offset past the end is taken to the end, so that nothing is left there.
        code.local_get(OFFSET).i64_const(state_len).i64_gt_u().if_(BlockType::Empty);
        code.i64_const(state_len).local_set(OFFSET).end();
        code.i64_const(state_len).local_get(OFFSET).i64_sub().local_set(LEFT);
        code.local_get(LEN).i64_extend_i32_u().local_get(LEFT).i64_lt_u().if_(BlockType::Empty);
        code.local_get(LEN).i64_extend_i32_u().local_set(LEFT).end();
        code.i32_const(RETURN_AREA).local_get(OFFSET).i32_wrap_i64().i32_const(state_at.cast_signed()).i32_add();
        code.i32_store(field(0));
        code.i32_const(RETURN_AREA).local_get(LEFT).i32_wrap_i64().i32_store(field(4));
        code.i32_const(RETURN_AREA);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_valid_whatever_its_size() {
        let long = vec![7; 200_000];
        for (card, state) in [(&b""[..], &b""[..]), (b"{}", b"state"), (b"{}", &long), (&long, b"")] {
            let bytes = component(card, state);
            wasmparser::Validator::new().validate_all(&bytes).unwrap();
            assert_eq!(bytes, component(card, state));
        }
    }
}
