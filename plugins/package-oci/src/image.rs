//! The image: the program that serves in one layer, the scorer's machine code in the next, the model in the last, and nothing else in it.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sprag_sdk::stage::package::Subject;

use crate::documents::{Descriptor, Execution, History, ImageConfig, Manifest, Nothing, Platform, Rootfs};
use crate::files::{Files, Name, Parts, digest, write, write_json};
use crate::layer::Layer;
use crate::params::Params;
use crate::{media, missing, registered};

/// The user and group of the program: nobody in particular, and not root.
const USER: &str = "65532:65532";

/// Writes the image and gives its manifest's descriptor, with its platform.
///
/// # Errors
///
/// A part is missing or cannot be read, or a file cannot be written.
pub(crate) fn image(
    subject: &Subject,
    params: &Params,
    annotations: &BTreeMap<String, String>,
    parts: &dyn Parts,
    files: &dyn Files,
) -> io::Result<Descriptor> {
    let platform = Platform::new(architecture(parts)?, "linux");
    let server = write(files, "server.tar", media::LAYER, |file| {
        // The same for every model, so that a registry has it once: no time of this one is in it.
        let mut layer = Layer::new(file, 0);
        layer.add("sprag", 0o755, parts.open(Name::Server)?.ok_or_else(|| missing("the server"))?)?;
        layer.finish()
    })?;
    let model = write(files, "model.tar", media::LAYER, |file| model_layer(Layer::new(file, registered(subject)?), parts))?;
    let code = code_layer(parts, files)?;
    let listen = format!("0.0.0.0:{}", params.port);
    let mut entrypoint = ["/sprag", "serve", "--bundle", "/model", "--listen", &listen].map(str::to_owned).to_vec();
    if code.is_some() {
        entrypoint.extend(["--compiled", "/code"].map(str::to_owned));
    }
    entrypoint.extend(params.arguments.iter().cloned());
    let code = code.as_ref().map(|code| ("code", code));
    // What changes least lies lowest, and the model is always the last.
    let layers: Vec<_> = std::iter::once(("sprag", &server)).chain(code).chain([("model", &model)]).collect();
    let config = ImageConfig {
        created: &subject.created_at,
        architecture: &platform.architecture,
        os: &platform.os,
        config: Execution {
            user: USER,
            exposed_ports: BTreeMap::from([(format!("{}/tcp", params.port), Nothing {})]),
            entrypoint: &entrypoint,
            working_dir: "/",
            labels: annotations,
            stop_signal: "SIGTERM",
        },
        rootfs: Rootfs { kind: "layers", diff_ids: layers.iter().map(|(_, layer)| layer.digest.as_str()).collect() },
        history: layers.iter().map(|(what, _)| History { created: &subject.created_at, created_by: what }).collect(),
    };
    let config = write_json(files, "image-config.json", media::CONFIG, &config)?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: media::MANIFEST,
        artifact_type: None,
        config: &config,
        layers: &layers.iter().map(|(_, layer)| *layer).collect::<Vec<_>>(),
        subject: None,
        annotations,
    };
    let manifest = write_json(files, "image-manifest.json", media::MANIFEST, &manifest)?;
    Ok(Descriptor { platform: Some(platform), ..manifest })
}

/// The files of the bundle, in the order of their names.
fn model_layer(mut layer: Layer<'_>, parts: &dyn Parts) -> io::Result<()> {
    layer.folder("model/", 0o755)?;
    for (path, name) in [
        ("model/model.json", Name::Card),
        ("model/profile.json", Name::Profile),
        ("model/scorer.wasm", Name::Scorer),
        ("model/state", Name::State),
    ] {
        match parts.open(name)? {
            Some(part) => layer.add(path, 0o644, part)?,
            None if name == Name::Profile => {}
            None => return Err(missing(path)),
        }
    }
    layer.finish()
}

/// The machine code under the scorer's digest, where there is some. It is the same for all models of one trainer, so that a registry has it once: no time is
/// in it.
fn code_layer(parts: &dyn Parts, files: &dyn Files) -> io::Result<Option<Descriptor>> {
    let Some(code) = parts.open(Name::Compiled)? else { return Ok(None) };
    let scorer = digest(parts.open(Name::Scorer)?.ok_or_else(|| missing("the scorer"))?)?;
    let path = format!("code/{}.cwasm", scorer.trim_start_matches("sha256:"));
    let layer = write(files, "code.tar", media::LAYER, |file| {
        let mut layer = Layer::new(file, 0);
        layer.folder("code/", 0o755)?;
        layer.add(&path, 0o644, code)?;
        layer.finish()
    })?;
    Ok(Some(layer))
}

/// The server's processor as Go names it, from the header of its executable (ELF: `e_machine` at 18).
fn architecture(parts: &dyn Parts) -> io::Result<&'static str> {
    let mut header = [0; 20];
    parts.open(Name::Server)?.ok_or_else(|| missing("the server"))?.bytes.read_exact(&mut header)?;
    let machine = u16::from_le_bytes([header[18], header[19]]);
    match (&header[..4], machine) {
        (b"\x7fELF", 0x3e) => Ok("amd64"),
        (b"\x7fELF", 0xb7) => Ok("arm64"),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "expected a server that is an executable for Linux on x86-64 or AArch64, found another file",
        )),
    }
}
