//! The site: which pages there are, of what each is made, and where it stands.

mod folder;
mod pages;

pub use folder::{SiteFolder, Written};
pub use pages::{Page, SiteSources, pages};
