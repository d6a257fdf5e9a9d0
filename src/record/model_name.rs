//! What a model is called where no manifest names it.

use std::path::Path;

use crate::files::is_file_name;

/// Of a longer name the beginning is taken.
const LONGEST: usize = 128;

/// The folder's name; in a Hugging Face cache, the repository's.
pub(super) fn folder_name(folder: &Path) -> String {
    let names = folder.components().rev().filter_map(|part| part.as_os_str().to_str());
    let mut names = names.map(str::to_owned);
    let last = names.next().unwrap_or_default();
    let name = match (names.next().as_deref(), names.next()) {
        (Some("snapshots"), Some(cached)) => cached.rsplit("--").next().unwrap_or(&cached).to_owned(),
        _ => last,
    };
    as_plain(&name)
}

/// A name that can stand in a table, a message and the path of the model's goldens.
pub(super) fn as_plain(name: &str) -> String {
    let plain = |c: char| if is_file_name(&format!("a{c}")) { c } else { '-' };
    let name: String = name.trim_start_matches('.').chars().map(plain).take(LONGEST).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_in_a_hub_cache_is_named_by_its_repository() {
        let cached = Path::new("/c/models--OpenVINO--gpt-oss-20b-int4-ov/snapshots/0123abcd");
        assert_eq!(folder_name(cached), "gpt-oss-20b-int4-ov");
        assert_eq!(folder_name(Path::new("/models/my-model")), "my-model");
    }

    #[test]
    fn a_folder_whose_name_is_not_plain_gives_a_name_that_is() {
        for (folder, name) in [
            ("/models/my model", "my-model"),
            ("/models/$(touch x)\n", "--touch-x--"),
            ("/models/modèle", "mod-le"),
            ("/models/.hidden", "hidden"),
            ("/models/...", "unnamed"),
            ("/", "-"),
        ] {
            assert_eq!(folder_name(Path::new(folder)), name, "{folder}");
            assert!(is_file_name(name));
        }
    }
}
