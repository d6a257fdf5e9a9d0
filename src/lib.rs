//! arcgauge
pub mod cli;
pub mod engine;
pub mod error;
pub mod fixture_file;
pub mod golden;
pub mod judge;
pub mod measure;
pub mod places;
pub mod record;
pub mod report;
pub mod workload;
