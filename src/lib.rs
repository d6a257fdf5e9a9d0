//! Measures GPT-OSS through OpenVINO's stateful inference, and believes no time before its tokens.
//!
//! The modules are the data flow, in its order, and one may use only those before it:
//!
//! ```text
//! prompt -> tokens -> decode loop -> golden -> samples -> run record -> figures -> table -> sides
//! workload   engine                  golden    measure    record        judge      report   gate    cli
//! ```
//!
//! Under all of them stand the error type and the user's folders.
//! `cargo xtask tidy` checks the order.

pub mod error;
pub mod places;

pub mod workload;

pub mod engine;

pub mod golden;

pub mod measure;

pub mod record;

pub mod judge;

pub mod report;

pub mod gate;

pub mod cli;
