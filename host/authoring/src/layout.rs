//! What a project is made of: the kind's template, with the SDK and the contract beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sprag_schemas::manifest::Kind;

use crate::files::{below, text};
use crate::{Language, lock};

/// The files of a project by their path in it.
pub(crate) type Files = BTreeMap<String, Cow<'static, [u8]>>;

/// The packages of the contract.
const CONTRACT: [&str; 4] = ["data", "linalg", "run", "stage"];

/// All files of a project.
pub(crate) fn files(language: Language, kind: Kind, name: &str) -> Files {
    let mut files = match language {
        Language::Rust => rust(kind, name),
        Language::Python => python(kind),
        Language::JavaScript => javascript(kind),
    };
    for (path, bytes) in &mut files {
        // The SDK says nothing of the project, and its files are long.
        if !path.starts_with("sprag/") {
            *bytes = replaced(bytes, &[("{{name}}", name)]);
        }
    }
    files
}

/// The kind's folder among the templates of an interpreted language.
const fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::SanityCheck => "check",
        other => other.name(),
    }
}

fn python(kind: Kind) -> Files {
    let mut files = Files::new();
    add(&mut files, "", &format!("plugins/templates/python/{}", folder(kind)));
    add(&mut files, "sprag/", "plugins/sdk-python/sprag");
    for package in CONTRACT {
        add(&mut files, &format!("sprag/wit/{package}/"), &format!("wit/{package}"));
    }
    add(&mut files, "sprag/wit/wasi/", "plugins/sdk/wasi");
    files
}

fn javascript(kind: Kind) -> Files {
    let mut files = Files::new();
    add(&mut files, "", &format!("plugins/templates/js/{}", folder(kind)));
    add_text(&mut files, "package-lock.json", text("plugins/templates/js/package-lock.json"));
    add(&mut files, "sprag/", "plugins/sdk-js/sprag");
    add(&mut files, "sprag/wit/", "wit/stage");
    for package in ["data", "linalg", "run"] {
        add(&mut files, &format!("sprag/wit/deps/{package}/"), &format!("wit/{package}"));
    }
    files
}

fn rust(kind: Kind, name: &str) -> Files {
    let mut files = Files::new();
    add(&mut files, "", &format!("plugins/templates/rust/{}", kind.name()));
    add_text(&mut files, ".gitignore", text("plugins/templates/rust/gitignore"));
    let mut crates = vec!["sdk", "linalg"];
    if kind == Kind::UnitTest {
        crates.push("sdk-unit-test");
    }
    for krate in &crates {
        add_text(
            &mut files,
            &format!("sprag/{krate}/Cargo.toml"),
            text(&format!("plugins/templates/rust/manifests/{krate}.toml")),
        );
        for (path, bytes) in below(&format!("plugins/{krate}")).filter(|(path, _)| *path != "Cargo.toml") {
            // The contract lies beside the crates, where the repository has it one folder further up.
            let bytes = replaced(bytes, &[("\"../../wit/", "\"../wit/")]);
            let _none = files.insert(format!("sprag/{krate}/{path}"), bytes);
        }
    }
    for package in CONTRACT {
        add(&mut files, &format!("sprag/wit/{package}/"), &format!("wit/{package}"));
    }
    let source = files.get("src/lib.rs").map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let manifest = text("plugins/templates/rust/manifests/project.toml").replace("{{summary}}", summary(&source));
    let more = lock::needs(kind).iter().map(|(name, value)| format!("{name} = {value}\n"));
    let manifest = manifest.replace(SDK, &format!("{SDK}{}", more.collect::<String>()));
    let _none = files.insert("Cargo.toml".to_owned(), Cow::Owned(manifest.into_bytes()));
    let _none = files.insert("Cargo.lock".to_owned(), Cow::Owned(lock::of(name, kind).into_bytes()));
    files
}

/// The line of a project's manifest that names the SDK.
const SDK: &str = "sprag-sdk = { path = \"sprag/sdk\" }\n";

/// What a plugin does, in one sentence: the first line of its documentation.
fn summary(source: &str) -> &str {
    let first = source.lines().next().unwrap_or_default();
    first.trim_start_matches("//! ").trim_end_matches('.')
}

/// Adds all files below a folder of the repository.
fn add(files: &mut Files, to: &str, folder: &str) {
    files.extend(below(folder).map(|(path, bytes)| (format!("{to}{path}"), Cow::Borrowed(bytes))));
}

fn add_text(files: &mut Files, path: &str, text: &'static str) {
    let _none = files.insert(path.to_owned(), Cow::Borrowed(text.as_bytes()));
}

/// A text with some of it replaced; bytes that are no text stay as they are.
fn replaced<'a>(bytes: &[u8], pairs: &[(&str, &str)]) -> Cow<'a, [u8]> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Cow::Owned(bytes.to_owned()) };
    let mut text = text.to_owned();
    for (from, to) in pairs {
        text = text.replace(from, to);
    }
    Cow::Owned(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_every_language_has_a_template() {
        for language in Language::ALL {
            for kind in language.kinds() {
                let files = files(language, *kind, "mine");
                for path in [language.manifest(), language.source(), "README.md", ".gitignore"] {
                    assert!(files.get(path).is_some_and(|bytes| !bytes.is_empty()), "{language:?} {kind}: {path}");
                }
                let stages = if language == Language::JavaScript { "sprag/wit/stages.wit" } else { "sprag/wit/stage/stages.wit" };
                assert!(files.contains_key(stages), "{language:?} {kind}");
                let own = files.iter().filter(|(path, _)| !path.starts_with("sprag/"));
                for (path, bytes) in own {
                    let text = String::from_utf8_lossy(bytes);
                    assert!(!text.contains("{{"), "{language:?} {kind}: {path} has a gap that is not filled:\n{text}");
                }
            }
        }
    }

    #[test]
    fn the_crates_beside_a_plugin_find_the_contract() {
        let files = files(Language::Rust, Kind::UnitTest, "mine");
        let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
        let lost: Vec<_> = rust.filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains("../../wit")).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn the_summary_is_the_first_line() {
        assert_eq!(summary("//! Checks all.\n//!\n//! More."), "Checks all");
        for kind in Kind::ALL {
            let source = text(&format!("plugins/templates/rust/{}/src/lib.rs", kind.name()));
            let summary = summary(source);
            assert!(!summary.is_empty() && !summary.contains(['"', '\\', '/']), "{kind}: {summary}");
        }
    }
}
