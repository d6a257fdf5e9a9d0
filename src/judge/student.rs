//! Student's t, by the name of what it answers.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The value that a t of so many degrees of freedom exceeds with probability `alpha`; None where there is
/// no such distribution.
#[must_use]
pub fn t_critical(alpha: f64, degrees_of_freedom: usize) -> Option<f64> {
    let inside = (0.0..1.0).contains(&alpha) && alpha > 0.0;
    Some(distribution(degrees_of_freedom).filter(|_| inside)?.inverse_cdf(1.0 - alpha))
}

/// The probability that a t of so many degrees of freedom exceeds this value.
#[must_use]
pub fn t_exceeds(value: f64, degrees_of_freedom: usize) -> Option<f64> {
    Some(distribution(degrees_of_freedom)?.sf(value))
}

fn distribution(degrees_of_freedom: usize) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, degrees_of_freedom as f64).ok()
}
