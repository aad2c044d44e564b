//! The standard plugins, as part of the program: it runs a project with no network and no file beside it.
//!
//! They are built from `plugins/` by this crate's build script, with the same command that anyone uses for a plugin of their own. They
//! have no rights that another plugin could not have.

use sprag_core::digest::Digest;

include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

#[cfg(test)]
mod tests {
    use sprag_core::component::Component;
    use sprag_core::contract;
    use sprag_core::digest::Digest;

    #[test]
    fn every_standard_plugin_keeps_the_contract() {
        for (name, bytes, digest) in &super::PLUGINS {
            assert_eq!(Digest::of(bytes), *digest, "{name}");
            let component = Component::read(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            Component::validate(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let kinds = contract::kinds_of(&component);
            assert_eq!(kinds.len(), 1, "{name} has one kind");
            assert_eq!(contract::check(&component, kinds[0]), Ok(()), "{name}");
            assert_eq!(component.plugin.expect("the check found the section").name, *name);
        }
    }
}
