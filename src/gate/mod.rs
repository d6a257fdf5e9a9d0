//! What is done about it: two sides of a comparison, and what each is made of.

pub mod side;
