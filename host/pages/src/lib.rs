//! What people look at: a run as a page, with its stages, figures and plots.
//!
//! The same page is a file that `sprag report` writes and a page of the server. It is made from records alone: nothing is read, nothing fetched, and every text of a plugin or a user is text and
//! never markup.

pub mod drift;
pub mod evaluation;
pub mod facts;
pub mod layout;
pub mod number;
pub mod plot;
pub mod predictions;
pub mod run;
