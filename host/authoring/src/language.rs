//! The languages that a plugin can be written in, and what each has templates for.

use std::path::Path;

use sprag_schemas::manifest::Kind;

use crate::AuthoringError;

/// A language with an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
}

/// The kinds that the interpreted languages have.
const INTERPRETED: [Kind; 4] = [Kind::SanityCheck, Kind::Train, Kind::Evaluate, Kind::Notify];

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::JavaScript];

    /// The language's name, as the command line spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
        }
    }

    /// The language's name, for a person.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        }
    }

    /// The file by which a project of the language is known.
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "pyproject.toml",
            Self::JavaScript => "package.json",
        }
    }

    /// The file with the stage.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "plugin.py",
            Self::JavaScript => "plugin.js",
        }
    }

    /// The command that runs a project's own tests, in its folder.
    pub const fn test_command(self) -> &'static str {
        match self {
            Self::Rust => "cargo test",
            Self::Python => "python3 -m unittest",
            Self::JavaScript => "node --test",
        }
    }

    /// The kinds of stage that can be written in it.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Rust => &Kind::ALL,
            Self::Python | Self::JavaScript => &INTERPRETED,
        }
    }

    /// The language of the project in a folder.
    ///
    /// # Errors
    /// There is no such folder, or no project of a plugin in it.
    pub fn of(dir: &Path) -> Result<Self, AuthoringError> {
        let has = |language: &Self| dir.join(language.manifest()).is_file();
        Self::ALL.into_iter().find(has).ok_or_else(|| {
            let known = Self::ALL.map(|language| format!("`{}`", language.manifest())).join(" or ");
            let found = if dir.is_dir() { "none of them" } else { "no such folder" };
            AuthoringError::new(format!("expected the project of a plugin ({known}) in `{}`, found {found}", dir.display()))
                .hint("start one with `sprag plugin new --stage KIND --lang LANGUAGE NAME`")
        })
    }
}
