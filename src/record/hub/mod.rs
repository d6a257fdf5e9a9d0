//! Models from the Hugging Face hub: `huggingface_hub` lists and downloads, and every file is checked here before it
//! becomes part of a model.
//!
//! `listing` names repositories, reads what one has, selects what a model folder needs of it, and says where a folder came
//! from; `fetch` starts the Python script and fills the folder.

mod fetch;
mod listing;

pub use fetch::{Fetch, FetchEvent, FetchedModel, HubClient, unfinished};
pub use listing::{
    DEFAULT_REPOSITORY, FetchedFrom, HubFile, HubHash, Listing, RepositoryName, check_revision,
    fetched_folders, folder_of, list,
};
