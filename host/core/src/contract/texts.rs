//! The WIT packages of the contract, as they stand in `wit/`, for whoever compares a component with them.

/// A package: its folder in `wit/`, and its files with their texts.
pub struct Package {
    /// The folder.
    pub folder: &'static str,
    /// The files: name and text.
    pub files: &'static [(&'static str, &'static str)],
}

/// Takes in the files of a package.
macro_rules! package {
    ($folder:literal, $($file:literal),+ $(,)?) => {
        Package {
            folder: $folder,
            files: &[$(($file, include_str!(concat!("../../../../wit/", $folder, "/", $file)))),+],
        }
    };
}

/// Every package, each after those that it uses. A test of `tests/tidy` holds the list against the folder.
pub static PACKAGES: [Package; 4] = [
    package!("data", "tables.wit"),
    package!("linalg", "linalg.wit"),
    package!("run", "artifacts.wit", "blobs.wit", "context.wit", "folders.wit", "mail.wit", "secrets.wit", "services.wit"),
    package!(
        "stage",
        "approval.wit",
        "deploy.wit",
        "harness.wit",
        "models.wit",
        "package.wit",
        "registry.wit",
        "stages.wit",
        "types.wit",
        "worlds.wit",
    ),
];
