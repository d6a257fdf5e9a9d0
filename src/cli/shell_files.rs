//! `completions` and `man`: what a shell and a reader need of the command line, made from its one declaration.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::{exit_code, print_shown};
use crate::error::{Error, Result};

/// The installed program's name.
const PROGRAM: &str = "arcgauge";

/// Flags of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Flags of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The verb whose page is printed [default: the page of all verbs]
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

/// Prints a shell's completions.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, PROGRAM, &mut script);
    print_shown(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::from(exit_code::PASS))
}

/// Prints a page for `man`.
pub(super) fn man(args: &ManArgs, command: Command) -> Result<ExitCode> {
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
    Ok(ExitCode::from(exit_code::PASS))
}
