//! Builds the standard plugins as components and bakes their bytes and digests into the crate.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use sha2::{Digest, Sha256};

/// The standard plugins, in the order of the lifecycle.
const PLUGINS: [&str; 24] = [
    "check-tabular",
    "test-regressor",
    "test-classifier",
    "train-ridge",
    "train-logistic",
    "train-python",
    "train-onnx",
    "evaluate-regression",
    "evaluate-classification",
    "register-local",
    "package-oci",
    "provision-local",
    "provision-azure",
    "import-mlflow",
    "deploy-local",
    "deploy-kubernetes",
    "deploy-aci",
    "deploy-webapp",
    "deploy-azureml",
    "smoke-test-http",
    "notify-webhook",
    "notify-email",
    "notify-mlflow",
    "approve-by-rule",
];

fn main() {
    let mut source = String::from("/// The standard plugins by name: the component's bytes and their digest.\n");
    let _ = writeln!(source, "pub static PLUGINS: [(&str, &[u8], Digest); {}] = [", PLUGINS.len());
    for (name, path) in sprag_guest_build::build(&PLUGINS) {
        let bytes = fs::read(&path).expect("the build just made the file");
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let path = path.display().to_string();
        let _ = writeln!(source, "    ({name:?}, include_bytes!({path:?}), Digest::from_bytes({digest:?})),");
    }
    source += "];\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("plugins.rs");
    fs::write(out, source).expect("cargo made the folder");
}
