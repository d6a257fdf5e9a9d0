//! What other tools measured, as their files say it: kept, shown, and compared with nothing.
//!
//! Such a record has no tokens, so nothing in it was ever verified. It lies in a folder of its own, where
//! no index, timeline, baseline or gate looks.

mod definition;
mod field;
mod format;
mod llama_bench;
mod llama_bench_text;
mod llm_bench;
mod llm_bench_csv;
mod llm_bench_json;
mod published_results;
#[cfg(test)]
mod tests;
mod wire;

pub use definition::{AverageBy, Definition, definition};
pub use format::{ForeignFormat, LARGEST_FOREIGN_BYTES, read_foreign};
pub use wire::{
    ForeignFigure, ForeignRecord, ForeignRow, ForeignSource, ReportedAverage, ReportedByTool, figure,
    foreign_file,
};
