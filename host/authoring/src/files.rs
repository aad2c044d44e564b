//! The templates, the SDKs and the contract, as they were when this program was built.

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The files below a folder of the repository: each with its path from there.
pub(crate) fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let inside = move |path: &'static str| path.strip_prefix(folder)?.strip_prefix('/');
    FILES.iter().filter_map(move |(path, bytes)| Some((inside(path)?, *bytes)))
}

/// A text of the repository, by its path. It is empty where there is none, which a test of this crate would find.
pub(crate) fn text(path: &str) -> &'static str {
    let found = FILES.iter().find(|(known, _)| *known == path);
    found.and_then(|(_, bytes)| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}
