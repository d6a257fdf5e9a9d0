//! Commands as a user types them: next steps that can be pasted.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::cli::shell;

/// The command that was given.
pub(super) fn again() -> String {
    command([], &env::args_os().skip(1).collect::<Vec<_>>())
}

/// A command with these words and flags.
pub(super) fn command<'a>(
    words: impl IntoIterator<Item = &'a str>,
    flags: impl IntoIterator<Item = &'a OsString>,
) -> String {
    let words = words.into_iter().map(OsStr::new).chain(flags.into_iter().map(OsString::as_os_str));
    let words = words.map(|word| shell::word(Path::new(word)));
    ["cargo".to_owned(), "xtask".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}
