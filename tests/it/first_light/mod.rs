//! `first-light`: each claim is answered by its evidence alone, no step ends the walk, and the bundle names
//! nobody.

mod amiss;
mod arc;
mod bundle;
mod claims;
mod engines_amiss;
mod readme;
mod walk;
