//! How it is told: a record as a table for people and as JSON for programs, and what was decided of it.

mod badge;
mod card;
pub mod chart;
pub mod comparison;
pub mod decision;
pub mod demo;
mod facts;
pub mod first_light;
mod machine;
pub mod model;
mod number;
mod one_line;
mod record_list;
pub mod render;
mod reproduce;
mod results;
pub mod site;
mod table;
pub mod view;
pub mod web;

pub use badge::Badge;
pub use card::{CardRecord, card};
pub use number::file_size;
pub use one_line::one_line;
pub use record_list::{record_list, record_list_json};
pub use results::results_json;
pub use table::{bench_table, explanation};
