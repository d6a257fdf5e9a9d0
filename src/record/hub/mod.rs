//! Models from the Hugging Face hub: `huggingface_hub` lists and downloads, and every file is checked here before it
//! becomes part of a model.
//!
//! `address` names repositories and revisions, `client` starts the Python script, `listing` reads what a repository
//! has, `needed` selects what a model folder needs of it, `fetch` fills the folder, and `fetched` says where a folder
//! came from.

mod address;
mod client;
mod fetch;
mod fetched;
mod listing;
mod needed;

pub use address::{DEFAULT_REPOSITORY, RepositoryName, Revision};
pub use client::HubClient;
pub use fetch::{Fetch, FetchEvent, FetchedModel, unfinished};
pub use fetched::{FetchedFrom, fetched_folders, folder_of};
pub use listing::{HubFile, HubHash, Listing, list};
