//! How it is told: a record as a table for people and as JSON for programs, and what was decided of it.

mod badge;
mod card;
pub mod chart;
pub mod comparison;
pub mod decision;
pub mod demo;
pub mod exchange;
mod facts;
pub mod first_light;
mod foreign;
mod foreign_beside;
mod junit;
mod machine;
pub mod model;
mod number;
mod one_line;
pub mod peers;
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
pub use foreign::{foreign_line, foreign_table};
pub use foreign_beside::foreign_beside;
pub use number::file_size;
pub use one_line::one_line;
pub use record_list::{record_list, record_list_json};
pub use results::results_json;
pub use table::{bench_table, explanation};
