//! Reads a component without running or compiling it: what it imports and exports, and who it says it is.

use serde::Deserialize;
use serde_json::Value;
use wasmparser::{Encoding, Parser, Payload, Validator};

use crate::digest::Digest;

/// The custom section in which a plugin describes itself.
pub const PLUGIN_SECTION: &str = "sprag:plugin";

/// What the binary of a component says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The digest of the binary.
    pub digest: Digest,
    /// The size of the binary in bytes.
    pub bytes: u64,
    /// The names of all imports, sorted, such as `sprag:run/context@0.1.0`.
    pub imports: Vec<String>,
    /// The names of all exports, sorted.
    pub exports: Vec<String>,
    /// The plugin's account of itself; none where the binary has no such section.
    pub plugin: Option<PluginInfo>,
}

/// A plugin's account of itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginInfo {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does, in one sentence.
    pub summary: String,
    /// The JSON Schema of its parameters.
    pub params_schema: Value,
    /// The kind of stage that it says it is. Its exports are what counts; where it says a kind, it must be theirs.
    #[serde(default)]
    pub kind: Option<String>,
}

/// Why a file is not a component that sprag can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// The file does not begin as WebAssembly does.
    #[error("expected a WebAssembly component, found a file that begins with {found}")]
    NotWasm {
        /// The first bytes.
        found: String,
    },
    /// The file is a core module.
    #[error("expected a WebAssembly component, found a core module")]
    CoreModule,
    /// The binary is damaged.
    #[error("expected a valid WebAssembly component, found a fault at byte {offset}: {message}")]
    Corrupt {
        /// Where.
        offset: u64,
        /// What.
        message: String,
    },
    /// The plugin's account of itself cannot be read.
    #[error("expected JSON with `name`, `version`, `summary` and `params-schema` in the section `{PLUGIN_SECTION}`: {message}")]
    BadPluginSection {
        /// What.
        message: String,
    },
}

impl ComponentError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotWasm { .. } => Some("name the `.wasm` file that the build of the plugin made"),
            Self::CoreModule => Some("build with `cargo build --target wasm32-wasip2`, which makes a component"),
            Self::Corrupt { .. } => Some("build or copy the component again: the file is damaged or cut short"),
            Self::BadPluginSection { .. } => None,
        }
    }
}

impl From<wasmparser::BinaryReaderError> for ComponentError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Corrupt { offset: error.offset() as u64, message: error.message().to_owned() }
    }
}

impl Component {
    /// Reads a binary: its outermost imports and exports and its plugin section. The code inside is not validated.
    ///
    /// # Errors
    /// The bytes are not WebAssembly, are a core module, or are damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, ComponentError> {
        Self::read_as(bytes, Digest::of(bytes))
    }

    /// As [`Component::read`], for a binary whose digest is known already.
    ///
    /// # Errors
    /// As for [`Component::read`].
    pub fn read_as(bytes: &[u8], digest: Digest) -> Result<Self, ComponentError> {
        if !bytes.starts_with(b"\0asm") {
            return Err(ComponentError::NotWasm { found: beginning(bytes) });
        }
        let mut component = Self { digest, bytes: bytes.len() as u64, imports: vec![], exports: vec![], plugin: None };
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(ComponentError::CoreModule),
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(reader) if depth == 1 => {
                    for import in reader {
                        component.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(reader) if depth == 1 => {
                    for export in reader {
                        component.exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::CustomSection(section) if section.name() == PLUGIN_SECTION && component.plugin.is_none() => {
                    component.plugin = Some(
                        serde_json::from_slice(section.data())
                            .map_err(|error| ComponentError::BadPluginSection { message: error.to_string() })?,
                    );
                }
                _ => {}
            }
        }
        component.imports.sort();
        component.exports.sort();
        Ok(component)
    }

    /// Validates every part of a binary, code included, as the engine will before it compiles it.
    ///
    /// # Errors
    /// The binary is damaged, or uses a proposal that the engine does not serve.
    pub fn validate(bytes: &[u8]) -> Result<(), ComponentError> {
        Validator::new().validate_all(bytes)?;
        Ok(())
    }
}

/// The first bytes of a file, as a person can read them.
fn beginning(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing: it is empty".to_owned();
    }
    format!("`{}`", bytes[..bytes.len().min(8)].escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_told_apart() {
        let found = |bytes: &[u8]| Component::read(bytes).unwrap_err().to_string();
        assert_eq!(found(b""), "expected a WebAssembly component, found a file that begins with nothing: it is empty");
        assert_eq!(found(b"#!/bin/sh\n"), "expected a WebAssembly component, found a file that begins with `#!/bin/s`");
        assert_eq!(found(b"\0asm\x01\0\0\0"), "expected a WebAssembly component, found a core module");
        assert!(matches!(Component::read(b"\0asm\x0d\0\x01\0\x07"), Err(ComponentError::Corrupt { .. })));
    }

    #[test]
    fn an_empty_component_reads_as_empty() {
        let component = Component::read(b"\0asm\x0d\0\x01\0").unwrap();
        assert!(component.imports.is_empty() && component.exports.is_empty() && component.plugin.is_none());
    }
}
