//! What is done about it: two sides of a comparison and what each is made of; pairs that are drawn until the
//! judge has decided; and one decision that comes of all rules.

mod base;
mod calibration;
pub mod ci;
mod decision;
pub mod side;

pub use base::{judged_by_base, policy_in};
pub use calibration::{Calibration, SmallestSeen, calibrate};
pub use decision::{Strictness, decide, decide_run};
