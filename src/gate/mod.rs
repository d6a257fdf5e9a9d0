//! What is done about it: two sides of a comparison and what each is made of; pairs that are drawn until the
//! judge has decided; and one decision that comes of all rules.

mod ab;
mod calibration;
pub mod ci;
mod decision;
mod rounds;
pub mod side;

pub use ab::{Drawing, Driven, Ended, Halt, MeasuredPair, PairTold, Pairs, TimeLeft, drive};
pub use calibration::{Calibration, SmallestSeen, calibrate};
pub use decision::{Asker, decide, decide_run};
pub use rounds::{
    DrivenRounds, MeasuredRound, RoundPlan, RoundTold, Rounds, RoundsEnded, RoundsHalt, drive_rounds,
};
