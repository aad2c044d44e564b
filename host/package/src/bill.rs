//! What the program is made of.

/// The bill of materials of the running program in CycloneDX 1.6 JSON, as its build wrote it down from the lockfile: every crate that it can be linked
/// with, on any system and with any feature, each with the checksum of its source.
pub const fn server_bill() -> &'static str {
    include_str!(concat!(env!("OUT_DIR"), "/bill.json"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn the_bill_names_what_is_linked_and_nothing_that_only_tests_use() {
        let bill: Value = serde_json::from_str(super::server_bill()).unwrap();
        assert_eq!(bill["metadata"]["component"]["name"], "sprag");
        let names: Vec<_> = bill["components"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
        for linked in ["sprag-core", "wasmtime", "rusqlite", "sha2"] {
            assert!(names.contains(&linked), "{linked}");
        }
        assert!(!names.contains(&"insta"), "a crate of the tests");
        let references = bill["dependencies"].as_array().unwrap().len();
        assert_eq!(references, names.len() + 1);
    }
}
