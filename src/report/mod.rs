//! Reports: documents for people, JSON and exchange formats for programs, the pages of the site.

mod bench;
mod bisect;
mod card;
pub mod chart;
pub mod comparison;
pub mod decision;
pub mod demo;
pub mod document;
mod drift;
pub mod exchange;
mod facts;
pub mod first_light;
mod imported;
mod junit;
pub mod kv;
pub mod mark;
pub mod model;
mod number;
pub mod peers;
mod profile;
mod record_list;
pub mod render;
mod reproduce;
pub mod site;
mod soak;
pub mod view;
pub mod web;

pub use bench::{Detail, bench_document, explain, results_json};
pub use bisect::{bisect_document, bisect_json, stored_ending};
pub use card::{CardRecord, card};
pub use drift::drift_document;
pub use imported::{imported_beside, imported_document, imported_line};
pub use number::file_size;
pub use profile::{profile_document, profile_json};
pub use record_list::{record_list, record_list_json};
pub use soak::{soak_document, soak_json};
