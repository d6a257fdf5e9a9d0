//! `first-light`: each claim is answered by its evidence alone, no step ends the walk, and the bundle names
//! nobody.

pub(crate) mod arc;
mod bundle;
mod claims;
mod engine_faults;
mod faults;
mod readme;
mod walk;
