//! Engines side by side, told: the tokens first, then each engine's figures, then multiples with their intervals,
//! and what the published difference is made of here.

mod finding;
mod json;
mod markdown;
mod text;
mod view;

pub use finding::{FindingView, StepRow};
pub use json::peers_json;
pub use markdown::peers_markdown;
pub use text::peers_text;
pub use view::{EngineRow, MultipleRow, PeersView, RoundRow, TokensRow, WarningRow};

#[cfg(test)]
mod tests;
