//! Scores with a model in ONNX, whoever made it: what its columns are stands in the model's metadata, and what it computes in its graph, whose operators are
//! those of [`sprag_inference`].
//!
//! A model of elsewhere lacks that metadata: [`annotated`] adds it.

mod annotate;
mod scored;
mod text;

pub use annotate::{About, annotated, is_annotated};
pub use scored::Scored;

/// The media type of a model's bytes.
pub const MEDIA_TYPE: &str = "application/onnx";

/// The keys of the metadata.
mod key {
    /// The columns, as JSON of [`sprag_onnx::Signature`].
    pub(crate) const SIGNATURE: &str = "sprag.signature";
    /// The classes of a classifier, as a JSON list of texts.
    pub(crate) const LABELS: &str = "sprag.labels";
    /// The output of the graph that is read: a number for each row, or the probability of each class.
    pub(crate) const OUTPUT: &str = "sprag.output";
    /// The codes of text columns, as a JSON object.
    pub(crate) const CATEGORIES: &str = "sprag.categories";
    /// The columns in which values may be missing, as a JSON list.
    pub(crate) const NULLABLE: &str = "sprag.nullable";
}
