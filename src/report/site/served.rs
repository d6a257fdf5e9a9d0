//! What of a site's folder a browser may have.

use std::fs;
use std::path::Path;

use crate::files::{self, FileKind};
use crate::report::site::made::{MADE_FILE, Made, is_page_of_two};

/// A file of the site in this folder: one that was made there, or the page of two runs. Whatever else lies in
/// the folder, or elsewhere behind a link, is none.
#[must_use]
pub fn served_file(site_folder: &Path, path: &Path) -> Option<Vec<u8>> {
    let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    let file = site_folder.join(path);
    let below = file.ancestors().take_while(|it| *it != site_folder);
    if below.chain([site_folder.join(MADE_FILE).as_path()]).any(is_link) {
        return None;
    }
    let is_made = || Made::of_site(site_folder).ok().flatten().is_some_and(|made| made.has(path));
    (is_page_of_two(path) || is_made()).then(|| files::read(&file, FileKind::Page).ok())?
}
