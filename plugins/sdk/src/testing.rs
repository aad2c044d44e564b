//! Help for a plugin's own native tests. It is no part of a component.

use std::{fs, path::Path};

use serde_json::Value;

/// Holds a plugin's committed `params.schema.json` against the schema that is derived from its parameters, and its `sprag:plugin` section against JSON.
///
/// `manifest_dir` is `env!("CARGO_MANIFEST_DIR")`, `section` is `<MyPlugin as Plugin>::JSON`, and `derived` is what `schemars` gives. With `SPRAG_BLESS=1` in the
/// environment the file is written instead.
///
/// # Panics
///
/// When they differ, as a test does.
pub fn check_params_schema(manifest_dir: &str, section: &str, derived: &Value) {
    let path = Path::new(manifest_dir).join("params.schema.json");
    if std::env::var_os("SPRAG_BLESS").is_some() {
        fs::write(&path, format!("{derived:#}\n")).expect("params.schema.json can be written");
        return;
    }
    let committed = fs::read(&path).expect("params.schema.json can be read");
    let committed: Value = serde_json::from_slice(&committed).expect("params.schema.json is JSON");
    assert_eq!(&committed, derived, "{} is out of date: run this test with SPRAG_BLESS=1", path.display());
    let section: Value = serde_json::from_str(section).expect("name, version and description need no escapes in JSON");
    assert_eq!(&section["params-schema"], derived);
}
