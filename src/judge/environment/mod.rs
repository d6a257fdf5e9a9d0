//! Whether the machine was in a state in which its times can be believed: the guards' rules.
//!
//! A rule reads what was observed and says so when nothing was: a machine that tells nothing is not
//! observed, never clean. Rules on an Intel GPU have not seen readings of the hardware.

mod energy;
mod finding;
mod observation;
mod of_record;
mod process;
mod setting;
mod sides;
#[cfg(test)]
mod tests;
pub mod threshold;

pub use energy::{EnergyUse, energy};
pub use finding::{Guard, GuardFinding, GuardState, GuardWeight};
pub use observation::{ProcessGuards, TimeSpan};
pub use of_record::{ProcessFindings, of_record, timed_part};
pub use process::of_process;
pub use sides::between;
