//! Models from the Hugging Face hub: `huggingface_hub` lists and downloads, and every file is checked here before it
//! becomes part of a model.
//!
//! `address` names repositories and revisions, `client` starts the Python script, `listing` reads what a repository
//! has, `needed` selects what a model folder needs of it, `fetch` fills the folder, and `fetched` says where a folder
//! came from.

mod fetch;
mod listing;

pub use fetch::{Fetch, FetchEvent, FetchedModel, HubClient, unfinished};
pub use listing::{
    DEFAULT_REPOSITORY, FetchedFrom, HubFile, HubHash, Listing, RepositoryName, Revision, fetched_folders,
    folder_of, list,
};
