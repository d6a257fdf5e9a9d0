//! What each page says, in words and formatted numbers: templates only loop over it.

pub mod commit;
mod commit_link;
mod commit_range;
pub mod compare;
pub(in crate::report) mod doubt;
mod exchange;
pub mod history;
pub mod machines;
pub mod method;
pub mod overview;
pub mod peers;
mod timeline;

pub use crate::report::badge::Badge;
pub use commit_link::CommitLink;
pub(in crate::report) use commit_link::short;
pub use commit_range::{CommitRange, Forge};
pub(in crate::report) use exchange::exchanged;
pub(in crate::report) use timeline::is_valid;
pub use timeline::{Change, EpochStart, Point, Timeline, changes_of, timelines};
