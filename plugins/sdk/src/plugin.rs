//! Who a plugin is: its name, version, summary and parameter schema, taken from its own manifest when it is compiled.

/// A plugin's account of itself. The macro of the stage kind implements it.
pub trait Plugin {
    /// The package's name.
    const NAME: &'static str;
    /// The package's version.
    const VERSION: &'static str;
    /// The package's description.
    const SUMMARY: &'static str;
    /// The text of `params.schema.json`.
    const PARAMS_SCHEMA: &'static str;
    /// All four as the JSON object that stands in the custom section `sprag:plugin`.
    const JSON: &'static str;
}

/// Implements [`Plugin`] for a type and writes the custom section, from the manifest and the `params.schema.json` of the crate that calls it.
#[doc(hidden)]
#[macro_export]
macro_rules! __describe {
    ($ty:ident) => {
        impl $crate::Plugin for $ty {
            const NAME: &'static str = ::core::env!("CARGO_PKG_NAME");
            const VERSION: &'static str = ::core::env!("CARGO_PKG_VERSION");
            const SUMMARY: &'static str = ::core::env!("CARGO_PKG_DESCRIPTION");
            const PARAMS_SCHEMA: &'static str =
                ::core::include_str!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/params.schema.json"));
            const JSON: &'static str = ::core::concat!(
                "{\"name\":\"",
                ::core::env!("CARGO_PKG_NAME"),
                "\",\"version\":\"",
                ::core::env!("CARGO_PKG_VERSION"),
                "\",\"summary\":\"",
                ::core::env!("CARGO_PKG_DESCRIPTION"),
                "\",\"params-schema\":",
                ::core::include_str!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/params.schema.json")),
                "}"
            );
        }

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            const JSON: &[u8] = <$ty as $crate::Plugin>::JSON.as_bytes();
            #[used]
            #[allow(unsafe_code, reason = "a custom section cannot clash with code")]
            #[unsafe(link_section = "sprag:plugin")]
            static SECTION: [u8; JSON.len()] = *JSON.first_chunk().expect("the array is as long as the slice");
        };
    };
}

/// Exports a stage from a wasm component, and nothing from a native build, so that `cargo test` links.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($ty:ident, [$($path:tt)+], $export:ident) => {
        $crate::__describe!($ty);

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the canonical ABI's entry points")]
        const _: () = {
            type Describe = $crate::plugin::Adapter<$ty>;
            type Adapter = $($path)+::Adapter<$ty>;
    $crate::plugin::bindings::export_plugin!(Describe with_types_in $crate::plugin::bindings);
    $($path)+::bindings::$export!(Adapter with_types_in $($path)+::bindings);
        };
    };
}

/// Turns [`Plugin`] into the exported interface.
#[doc(hidden)]
pub struct Adapter<T>(std::marker::PhantomData<T>);

impl<T: Plugin> bindings::exports::sprag::stage::plugin::Guest for Adapter<T> {
    fn describe() -> bindings::exports::sprag::stage::plugin::PluginInfo {
        bindings::exports::sprag::stage::plugin::PluginInfo {
            name: T::NAME.to_owned(),
            version: T::VERSION.to_owned(),
            summary: T::SUMMARY.to_owned(),
            params_schema: T::PARAMS_SCHEMA.to_owned(),
        }
    }
}

/// The export that all kinds share.
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#[allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:sdk/describe@0.1.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_plugin",
        default_bindings_module: "sprag_sdk::plugin::bindings",
    });
}
