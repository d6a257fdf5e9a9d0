//! What there is to type.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::process::ExitCode;

use crate::failure::Failure;
use crate::release::Releases;

/// The verbs xtask does itself.
const OWN: [&str; 5] = ["setup", "test", "tidy", "lint", "help"];

/// Stands in the text where the pinned versions will.
const VERSIONS: &str = "@VERSIONS@";
const TEXT: &str = "\
cargo xtask VERB [ARGS]

xtask's own verbs:
  setup [--openvino VERSION]
                fetch the pinned OpenVINO runtime into the
                user's cache folder, and the chart library
                of the pages where there is npm
        [--tokenizers]
                and its tokenizers extension (4 MB), for a
                model whose tokenizer is an OpenVINO IR
        [--peers[=NAME]]
                and the Python engines that `peers` runs:
                genai (150 MB) and optimum (3 GB)
  test [ARGS]   set up every pinned runtime and the browser
                tests, then run the tests: under 12 minutes
                on two quiet cores once built; ARGS go to
                `cargo test`
       --all    the heavy ones too (builds of sides, 1,000
                kills, 10,000 commits, a minute of fuzzing):
                10 minutes more; `.ci/run` runs these
       --gpu-plugin
                run the tests of OpenVINO's GPU plugin on an
                emulated GPU instead; see ci/gpu-plugin.md
        [--quick]
                bench, states and compiled models alone, on
                the default release
        [--accept-intel-license]
                fetch Intel's proprietary OpenCL CPU runtime
                (250 MB) under its licence, which is named
                where this is missing; or
                ARCGAUGE_ACCEPT_INTEL_LICENSE=1
       --fleet  run the tests of a fleet's data set on a
                cluster of Apache Spark instead, which is
                fetched with a Java (350 MB)
       --windows [FILE.exe]
                run the tests of the program for Windows
                under Wine instead: built here with mingw,
                or that file; fetches OpenVINO for Windows
                (85 MB)
  tidy          check the house rules: imports, homes of
                crates, file sizes, names, registry hosts
  lint [LINTER]...
                run actionlint, cargo-deny, shellcheck and
                zizmor on workflows, crates and scripts, or
                only those named; `advisories` only when
                named: it needs its database
  help [VERB]   this text, or the binary's own help about a
                verb

verbs of the binary (the runtime is set up and the release
binary built when needed):
  bench         run the reference prompts, check every
                token, record the times and memory
  peers         measure this engine beside openvino_genai
                and optimum-intel, interleaved
  kv            measure changes of the KV cache side by
                side: quantised, pruned or copied
  ab            measure two sides, interleaved, until it is
                decided which is slower
  bisect        find which commit, release or setting made
                it slower or its output wrong
  soak          measure for minutes or hours: pace,
                temperature, power, memory over time
  gate          decide on a commit from what is stored of
                it; measures nothing
  ci            what a runner calls: resolve, measure,
                verdict, publish, admit
  baseline      pin a record's speed for later ones to be
                compared with
  infer         answer one prompt
  states        read the KV-cache states of the model, and
                restore them
  golden        check, bless, calibrate or probe the
                expected answers
  model         fetch, verify, list or describe models;
                remember the folder that verbs use
  history       list, show, check, exchange and share the
                records
  compare       compare two records, their environments
                first
  report        render the pages of all records
  first-light   the first day on an Intel GPU: walk through
                every claim, bundle what was seen
  completions, man
                print the completions of a shell, or a page
                for man
  doctor        report what this machine has and lacks;
                fetches nothing

`cargo xtask VERB --help` lists a verb's flags.

OpenVINO:
  --openvino VERSION
                a release; pinned and tested: @VERSIONS@
  --openvino ./DIR
                your own installation: nothing is fetched
  OPENVINO_INSTALL_DIR, INTEL_OPENVINO_DIR
                the same by variable; an explicit --openvino
                wins
  XDG_CACHE_HOME
                where the cache folder `arcgauge` lies (else
                ~/.cache)

exit codes of xtask: 0 done, 1 tidy or lint found something,
2 bad usage, 20 set-up or build failed; `test` ends as cargo
ends, other verbs as the binary ends";

/// Shows the whole help.
pub(crate) fn print() -> Result<ExitCode, Failure> {
    // A reader that has gone away, as `head` does, is no failure.
    let _ = writeln!(io::stdout().lock(), "{}", TEXT.replace(VERSIONS, &Releases::pinned()?.versions()));
    Ok(ExitCode::SUCCESS)
}

/// Whether the arguments only want to know something, so that nothing is fetched for them.
pub(crate) fn asks_for_help(args: &[OsString]) -> bool {
    let asks = |arg: &OsString| ["--help", "-h", "--version", "-V"].iter().any(|flag| arg == flag);
    args.iter().take_while(|arg| *arg != "--").any(asks)
}

/// Whether `help VERB` is answered here and not by the binary.
pub(crate) fn is_own_verb(verb: &OsStr) -> bool {
    OWN.iter().any(|own| verb == *own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_terminal_of_60_columns() {
        for line in TEXT.lines() {
            assert!(line.chars().count() <= 60, "{line}");
        }
    }
}
