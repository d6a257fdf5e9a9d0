//! The site: which pages there are, of what each is made, and where it stands.

mod commits;
mod folder;
mod pages;
mod requested;

pub use crate::report::render::Page;
pub use commits::page_of;
pub use folder::{Written, served_file, write_page};
pub use pages::{MakeOptions, SiteSources, make_site};
pub use requested::{comparison_page, fleet_page};
