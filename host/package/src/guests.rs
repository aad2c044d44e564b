//! The guests that a scorer is composed with, built from `host/packaged-imports` and `host/packaged-shell`.

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
