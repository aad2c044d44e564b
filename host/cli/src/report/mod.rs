//! What a run looks like: to a person while it goes on and when it is over, to a CI system, and in a pull request.

pub(crate) mod approval;
pub(crate) mod change;
pub(crate) mod ci;
pub(crate) mod compare;
pub(crate) mod deployed;
pub(crate) mod junit;
pub(crate) mod live;
pub(crate) mod markdown;
pub(crate) mod plan;
pub(crate) mod release;
pub(crate) mod text;

pub(crate) use sprag_pages::{drift, facts, number};
