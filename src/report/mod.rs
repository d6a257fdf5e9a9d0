//! How it is told: a record as a table for people and as JSON for programs.

mod ab;
mod facts;
mod machine;
mod record_list;
mod results;
mod table;

pub use ab::ab_text;
pub use record_list::{record_list, record_list_json};
pub use results::results_json;
pub use table::{bench_table, explanation};
