//! How it is told: a record as a table for people and as JSON for programs.

mod facts;
mod machine;
mod results;
mod table;

pub use results::results_json;
pub use table::{bench_table, explanation};
