//! Reports: documents for people, JSON and exchange formats for programs, the pages of the site.

mod badge;
mod bench;
mod card;
pub mod chart;
pub mod comparison;
pub mod decision;
pub mod demo;
pub mod document;
pub mod exchange;
mod facts;
pub mod first_light;
mod foreign;
mod foreign_beside;
mod junit;
mod machine;
pub mod model;
mod number;
pub mod peers;
mod record_list;
pub mod render;
mod reproduce;
mod reproduce_ab;
mod results;
pub mod site;
mod validity;
pub mod view;
pub mod web;

pub use badge::Badge;
pub use bench::{Detail, bench_document, explain};
pub use card::{CardRecord, card};
pub use foreign::{foreign_document, foreign_line};
pub use foreign_beside::foreign_beside;
pub use number::file_size;
pub use record_list::{record_list, record_list_json};
pub use results::results_json;
