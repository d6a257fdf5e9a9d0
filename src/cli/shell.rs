//! What a shell needs: commands that can be pasted, `completions`, and `man`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::{exit_code, print_shown};
use crate::error::{Error, Result};

/// A path as one word of a shell's command, quoted where that is needed: a command that removes must
/// never meet another file than the one that was meant.
pub(super) fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    // A shell expands `~` at the beginning of a word, and leaves it in `HEAD~1` as it is.
    let expands = text.split_once('~').is_some_and(|(before, after)| {
        !before.ends_with(|c: char| c.is_ascii_alphanumeric()) || after.contains('~')
    });
    if !text.is_empty() && !expands && text.chars().all(|c| is_plain(c) || c == '~') {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

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
    let words = words.map(|text| word(Path::new(text)));
    ["cargo".to_owned(), "xtask".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// The installed program's name.
const PROGRAM: &str = "arcgauge";

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The verb whose page is printed [default: the page of all verbs]
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

/// Prints a shell's completions.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, PROGRAM, &mut script);
    print_shown(&String::from_utf8_lossy(&script))?;
    Ok(exit_code::PASS)
}

/// Prints a page for `man`.
pub(super) fn man(args: &ManArgs, command: Command) -> Result<u8> {
    let mut command = command.bin_name(PROGRAM);
    command.build();
    let (command, title) = match &args.verb {
        None => (command, PROGRAM.to_owned()),
        Some(verb) => {
            let found = command.find_subcommand(verb).cloned().ok_or_else(|| {
                Error::input(format!("there is no verb `{verb}`")).hint("`arcgauge --help` lists the verbs")
            })?;
            (found, format!("{PROGRAM}-{verb}"))
        }
    };
    let mut page = Vec::new();
    let rendered = Man::new(command).title(title).render(&mut page);
    rendered.map_err(|cause| Error::harness(format!("the page cannot be made: {cause}")))?;
    print_shown(&String::from_utf8_lossy(&page))?;
    Ok(exit_code::PASS)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_back_the_path_that_was_meant() {
        for path in [
            "/plain/a-b_c.json",
            "/with a space",
            "/it's",
            "/a;b&&c",
            "/$HOME/*",
            "-",
            "/größer",
            "HEAD~1",
            "~",
            "~/a",
            "a=~/b",
        ] {
            let command = format!("printf %s {}", word(Path::new(path)));
            let output = Command::new("sh").args(["-c", &command]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), path);
        }
        assert_eq!(word(Path::new("/plain/a-b_c.json")), "/plain/a-b_c.json", "readable where it can be");
    }
}
