//! The site: which pages there are, of what each is made, and where it stands.

mod commits;
mod comparison;
mod folder;
mod history;
mod made;
mod make;
mod pages;
mod served;

pub use commits::{CommitPage, CommitPages, page_of};
pub use comparison::comparison_page;
pub use folder::{Written, write_page};
pub use make::{MakeOptions, make_site};
pub use pages::{Page, SiteSources};
pub use served::served_file;
