//! The models of this machine, a line each.

use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};

use crate::record::hub::FetchedFrom;
use crate::report::number::file_size;
use crate::visible::one_line;

/// How far a model is known to be whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// Its files were what its manifest says, then, and have not changed since.
    Verified {
        /// When.
        when_utc: String,
    },
    /// It has a manifest that it was not compared with since it last changed.
    NotVerified,
    /// It has no manifest.
    NoManifest,
    /// A fetch of it was interrupted.
    Unfinished,
    /// There is no model in the folder.
    Gone,
}

/// A model of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes of its files.
    pub size_bytes: u64,
    /// Where it was fetched from.
    pub fetched_from: Option<FetchedFrom>,
    /// Whether it is whole.
    pub state: ModelState,
    /// Whether bare verbs use it.
    pub is_used: bool,
}

/// A table of models; `*` marks the one that bare verbs use.
#[must_use]
pub fn model_list(models: &[ListedModel]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["", "model", "size", "revision", "verified", "folder"]);
    for model in models {
        let revision = model.fetched_from.as_ref().map_or("-", |from| from.commit.get(..12).unwrap_or("-"));
        let verified = match &model.state {
            ModelState::Verified { when_utc } => when_utc.as_str(),
            ModelState::NotVerified => "not since it changed",
            ModelState::NoManifest => "no manifest",
            ModelState::Unfinished => "unfinished",
            ModelState::Gone => "not there",
        };
        table.add_row([
            if model.is_used { "*" } else { "" },
            &one_line(&model.name),
            &file_size(model.size_bytes),
            revision,
            verified,
            &one_line(&model.folder.display().to_string()),
        ]);
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn a_model_is_listed_with_its_revision_and_whether_it_is_whole() {
        let shipped = ListedModel {
            name: "tiny-gpt-oss".into(),
            folder: "/repository/fixtures/models/tiny-gpt-oss".into(),
            size_bytes: 11_268_322,
            fetched_from: None,
            state: ModelState::NotVerified,
            is_used: false,
        };
        let fetched = ListedModel {
            name: "gpt-oss-20b-int4-ov".into(),
            folder: "/models/OpenVINO--gpt-oss-20b-int4-ov/0123".into(),
            size_bytes: 12_840_000_000,
            fetched_from: Some(FetchedFrom {
                schema: 1,
                repository: "OpenVINO/gpt-oss-20b-int4-ov".into(),
                commit: "0123456789abcdef0123456789abcdef01234567".into(),
            }),
            state: ModelState::Verified { when_utc: "2026-11-25T02:00:00Z".into() },
            is_used: true,
        };
        let cut = ListedModel { state: ModelState::Unfinished, is_used: false, ..fetched.clone() };
        assert_snapshot!(model_list(&[fetched, cut, shipped]), @r"
           model                   size  revision      verified              folder
        *  gpt-oss-20b-int4-ov  12.8 GB  0123456789ab  2026-11-25T02:00:00Z  /models/OpenVINO--gpt-oss-20b-int4-ov/0123
           gpt-oss-20b-int4-ov  12.8 GB  0123456789ab  unfinished            /models/OpenVINO--gpt-oss-20b-int4-ov/0123
           tiny-gpt-oss         11.3 MB  -             not since it changed  /repository/fixtures/models/tiny-gpt-oss
        ");
    }
}
