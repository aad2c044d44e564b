//! The self-contained component as a WebAssembly OCI artefact.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sprag_sdk::stage::package::Subject;
use wasmparser::{BinaryReader, ComponentExportSectionReader, ComponentImportSectionReader};

use crate::documents::{Descriptor, Manifest, Platform, WasmConfig, WasmInterfaces};
use crate::files::{Files, Name, Parts, write, write_json};
use crate::{media, missing};

/// The sections of a component's binary that say what it imports and exports.
const IMPORTS: u8 = 10;
const EXPORTS: u8 = 11;

/// The most bytes of such a section: names, and a few bytes for each.
const MOST: u64 = 1 << 20;

/// Writes the artefact and gives its manifest's descriptor, with its platform.
///
/// # Errors
///
/// The part is missing, cannot be read or is no component, or a file cannot be written.
pub(crate) fn artefact(
    subject: &Subject,
    annotations: &BTreeMap<String, String>,
    parts: &dyn Parts,
    files: &dyn Files,
) -> io::Result<Descriptor> {
    let open = || parts.open(Name::Component)?.ok_or_else(|| missing("the component"));
    let component = write(files, "component.wasm", media::WASM, |file| io::copy(&mut open()?.bytes, file).map(drop))?;
    let platform = Platform::new("wasm", "wasip2");
    let config = WasmConfig {
        created: &subject.created_at,
        architecture: &platform.architecture,
        os: &platform.os,
        layer_digests: [&component.digest],
        component: interfaces(&mut open()?.bytes)?,
    };
    let config = write_json(files, "component-config.json", media::WASM_CONFIG, &config)?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: media::MANIFEST,
        artifact_type: None,
        config: &config,
        layers: &[&component],
        subject: None,
        annotations,
    };
    let manifest = write_json(files, "component-manifest.json", media::MANIFEST, &manifest)?;
    Ok(Descriptor { platform: Some(platform), ..manifest })
}

/// What a component imports and exports, read section by section: the code inside is passed over.
pub(crate) fn interfaces(bytes: &mut dyn Read) -> io::Result<WasmInterfaces> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("expected a WebAssembly component, found {what}"));
    let mut header = [0; 8];
    bytes.read_exact(&mut header).map_err(|_| bad("the end of the file"))?;
    if header[..4] != *b"\0asm" || header[6..] != [1, 0] {
        return Err(bad("another file"));
    }
    let mut found = WasmInterfaces::default();
    loop {
        let mut id = [0];
        if bytes.read(&mut id)? == 0 {
            return Ok(found);
        }
        let size = leb(bytes)?;
        if !matches!(id[0], IMPORTS | EXPORTS) {
            if io::copy(&mut bytes.take(size), &mut io::sink())? < size {
                return Err(bad("the end of the file"));
            }
            continue;
        }
        if size > MOST {
            return Err(bad("a list of imports or exports of more than 1 MiB"));
        }
        let mut section = vec![];
        bytes.take(size).read_to_end(&mut section)?;
        let reader = BinaryReader::new(&section, 0);
        let wrong = |error: wasmparser::BinaryReaderError| bad(&format!("a damaged one: {error}"));
        if id[0] == IMPORTS {
            for import in ComponentImportSectionReader::new(reader).map_err(wrong)? {
                found.imports.push(import.map_err(wrong)?.name.name.to_owned());
            }
        } else {
            for export in ComponentExportSectionReader::new(reader).map_err(wrong)? {
                found.exports.push(export.map_err(wrong)?.name.name.to_owned());
            }
        }
    }
}

/// A number of up to 32 bits in LEB128.
fn leb(bytes: &mut dyn Read) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let mut byte = [0];
        bytes.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "expected a number of up to 32 bits, found a longer one"))
}
