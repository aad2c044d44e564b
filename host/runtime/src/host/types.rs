//! `sprag:stage/types`: types only.

use crate::bindings::sprag::stage::types::Host;
use crate::state::StageState;

impl Host for StageState {}
