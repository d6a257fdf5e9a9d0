//! Measures GPT-OSS through OpenVINO's stateful inference, and believes no time before its tokens.
//!
//! The modules are the data flow, in its order, and one may use only those before it:
//!
//! ```text
//! prompt -> tokens -> decode loop -> golden -> samples -> record -> judgement -> experiment -> table  -> decision
//! workload   engine                  golden    measure    record    judge        run           report    gate     cli
//! ```
//!
//! Under all of them stand the error type, the reading and writing of files, the user's folders, what depends on the
//! operating system, and the function that makes text of others safe to print.
//! `cargo xtask tidy` checks the order.

pub mod error;
pub mod files;
pub mod places;
pub mod sys;
pub mod visible;

pub mod workload;

pub mod engine;

pub mod golden;

pub mod measure;

pub mod record;

pub mod judge;

pub mod run;

pub mod report;

pub mod gate;

pub mod cli;
