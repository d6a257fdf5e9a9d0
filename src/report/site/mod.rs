//! The site: which pages there are, of what each is made, and where it stands.

mod commits;
mod comparison;
mod fleet;
mod folder;
mod pages;

pub use commits::{CommitPage, CommitPages, page_of};
pub use comparison::comparison_page;
pub use fleet::fleet_page;
pub use folder::{Written, served_file, write_page};
pub use pages::{MakeOptions, Page, SiteSources, make_site};
