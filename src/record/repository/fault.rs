//! What can be wrong with a repository, and the command that helps.

use std::path::Path;

use git2::ErrorCode;

use crate::error::Error;

/// The folder is in no repository.
pub(super) fn no_repository(folder: &Path) -> Error {
    Error::input(format!("`{}` is in no git repository", folder.display()))
        .hint("run it in a clone of the repository: `git clone REPOSITORY FOLDER`")
}

/// The repository has no commit yet.
pub(super) fn unborn(folder: &Path) -> Error {
    Error::input(format!("the repository of `{}` has no commit yet", folder.display()))
        .hint("make the first: `git add --all && git commit`")
}

/// A commit is not in the repository; `what` says which.
pub(super) fn missing(folder: &Path, what: &str, shallow: bool) -> Error {
    let folder = folder.display();
    if shallow {
        Error::input(format!("{what} in `{folder}`, a shallow clone"))
            .hint("fetch the whole history: `git fetch --unshallow`")
    } else {
        Error::input(format!("{what} in `{folder}`")).hint("fetch it: `git fetch --all --tags`")
    }
}

/// Git cannot read the repository. `git status` reads formats that the library here does not, so that it
/// helps with nothing but damage.
pub(in crate::record) fn unreadable(folder: &Path, cause: &git2::Error) -> Error {
    let folder = folder.display();
    if let Some((format, hint)) = unsupported_format(cause.message()) {
        return Error::input(format!(
            "the git repository of `{folder}` has {format}, which cannot be read here"
        ))
        .hint(hint);
    }
    let what = format!("git cannot read the repository of `{folder}`: {}", cause.message());
    match cause.code() {
        ErrorCode::Owner => Error::input(what).hint(format!(
            "it belongs to another user; if you trust it: `git config --global --add safe.directory {folder}`"
        )),
        ErrorCode::NotFound => Error::harness(what)
            .hint("objects are missing; `git fsck` says which, `git fetch --refetch` gets them again"),
        _ => Error::harness(what).hint("run `git fsck` there: it reports what is damaged"),
    }
}

/// A format of repositories that libgit2 refuses, by its message, and what can be read instead.
fn unsupported_format(message: &str) -> Option<(String, &'static str)> {
    let message = message.to_lowercase();
    let after = |prefix: &str| {
        let (_, rest) = message.split_once(prefix)?;
        Some(
            rest.split_whitespace().next().unwrap_or_default().trim_matches(['\'', ';', ',', ':']).to_owned(),
        )
    };
    let files = "references as files can be read: `git refs migrate --ref-format=files` (git 2.46 or newer)";
    let sha1 = "repositories with SHA-1 object ids, git's default, can be read, and git converts none: \
                measure in one made by `git init --object-format=sha1`";
    if let Some(format) = after("unknown object format ") {
        return Some((format!("the object format `{format}`"), sha1));
    }
    if let Some(extension) = after("unsupported extension name extensions.") {
        return Some(match extension.as_str() {
            "refstorage" => ("its references in the `reftable` format".to_owned(), files),
            "objectformat" | "compatobjectformat" => (format!("the extension `{extension}`"), sha1),
            "partialclone" => (
                "left out objects (a partial clone, `extensions.partialclone`)".to_owned(),
                "a full clone can be read: `git clone REPOSITORY FOLDER`, without `--filter`",
            ),
            _ => (
                format!("the extension `{extension}`"),
                "repositories in git's default format can be read: `git clone --ref-format=files REPOSITORY FOLDER`",
            ),
        });
    }
    // Of git's list of tracked files; both kinds are optional, and `git status` reads them.
    if let Some(extension) = after("unsupported mandatory extension: ") {
        return Some(match extension.as_str() {
            "link" => ("a split index".to_owned(), "join it: `git update-index --no-split-index`"),
            "sdir" => ("a sparse index".to_owned(), "check out everything: `git sparse-checkout disable`"),
            _ => (
                format!("an index with the extension `{extension}`"),
                "a plain index can be read: `git clone REPOSITORY FOLDER` makes one",
            ),
        });
    }
    let version = after("unsupported repository version ")?;
    Some((
        format!("the format version `{version}`"),
        "versions 0 and 1 can be read: `git config core.repositoryformatversion` shows it, `git clone` makes one anew",
    ))
}
