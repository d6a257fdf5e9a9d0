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

/// Git cannot read the repository.
pub(super) fn unreadable(folder: &Path, cause: &git2::Error) -> Error {
    let error = Error::harness(format!(
        "git cannot read the repository of `{}`: {}",
        folder.display(),
        cause.message()
    ));
    match cause.code() {
        ErrorCode::Owner => error.hint(format!(
            "it belongs to another user; if you trust it: `git config --global --add safe.directory {}`",
            folder.display()
        )),
        ErrorCode::NotFound => {
            error.hint("objects are missing; `git fsck` says which, `git fetch --refetch` gets them again")
        }
        _ => error.hint("run `git status` there"),
    }
}
