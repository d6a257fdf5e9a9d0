//! A hub of models: what a repository has at a commit, and its files, fetched whole or not at all.
//!
//! `address` names things on it, `access` says where it is and who asks; `transport` is what a request
//! is, `https` sends it, and `asking` follows redirects with the token left behind; `refusal` says what
//! an answer means, and `patience` how often it is asked again. `listing` is what a repository has,
//! `needed` what of it a model folder needs, `partial` one file, `fetch` the folder, and `fetched` what
//! has come that way.

mod access;
mod address;
mod asking;
mod attendant;
mod fetch;
mod fetched;
mod https;
mod listing;
mod needed;
mod partial;
mod patience;
mod redirect;
mod refusal;
mod room;
mod transport;

pub use access::HubAccess;
pub use address::{DEFAULT_REPOSITORY, RepositoryName, Revision};
pub use asking::Hub;
pub use attendant::{Attendant, Event};
pub use fetch::{Fetch, FetchedModel};
pub use fetched::{FetchedFrom, fetched_folders, folder_of};
pub use https::Https;
pub use listing::{HubFile, HubHash, Listing, list};
pub use partial::unfinished;
pub use transport::{Head, Heard, Request, Transport};

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
