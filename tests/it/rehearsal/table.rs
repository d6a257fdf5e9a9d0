//! The kinds of pull requests, and what each must end as.

use super::payloads::PullRequest;
use super::stage::{Measured, Stage};

/// By whose word a head is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It was pushed to the repository itself.
    OwnBranch,
    /// A maintainer dispatched the gate for it.
    Dispatch,
    /// A maintainer labelled the pull request.
    Label,
    /// It is a fork's, and nobody said a word.
    ForkAtOnce,
    /// It is in the repository itself, by somebody who may not write.
    Skipped,
}

/// A kind of pull request.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) way: Way,
    pub(crate) open: fn(&Stage) -> PullRequest,
    /// What happens after its event; gives the pull request as it then is.
    pub(crate) meanwhile: fn(&Stage, &PullRequest) -> PullRequest,
    pub(crate) measured: Option<Measured>,
    /// The exit code of `ci resolve`.
    pub(crate) resolves: i32,
    /// The exit code of `ci verdict`, where it is reached.
    pub(crate) verdict: Option<i32>,
    pub(crate) is_green: bool,
    /// How the status begins.
    pub(crate) says: &'static str,
    /// What the comment has; None where there is to be none.
    pub(crate) comments: Option<&'static str>,
}

fn decode(stage: &Stage) -> PullRequest {
    stage.open("topic", |author| author.write("src/decode.rs", "// decodes with less\n"))
}

fn of_fork(stage: &Stage) -> PullRequest {
    PullRequest { is_fork: true, association: "FIRST_TIME_CONTRIBUTOR", ..decode(stage) }
}

fn nothing(_: &Stage, pull_request: &PullRequest) -> PullRequest {
    pull_request.clone()
}

/// A harmless one, from which the others differ.
fn harmless() -> Row {
    Row {
        name: "harmless",
        way: Way::OwnBranch,
        open: decode,
        meanwhile: nothing,
        measured: Some(Measured::Slower(0.0)),
        resolves: 0,
        verdict: Some(0),
        is_green: true,
        says: "pass",
        comments: Some("pass"),
    }
}

/// One that is never measured.
fn refused(name: &'static str, says: &'static str, comments: Option<&'static str>) -> Row {
    Row { name, measured: None, resolves: 2, verdict: Some(2), is_green: false, says, comments, ..harmless() }
}

fn judged(name: &'static str, measured: Measured, verdict: i32, says: &'static str) -> Row {
    Row {
        name,
        measured: Some(measured),
        verdict: Some(verdict),
        is_green: verdict == 0,
        says,
        comments: says.split(':').next(),
        ..harmless()
    }
}

pub(crate) fn rows() -> Vec<Row> {
    [of_the_repository(), on_a_word(), not_as_they_seem(), while_main_goes_on()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_the_repository() -> Vec<Row> {
    vec![
        harmless(),
        judged("slower", Measured::Slower(20.0), 10, "regressed: tpot@1"),
        judged("faster", Measured::Slower(-10.0), 0, "improved: tpot@1"),
        judged("wrong output", Measured::WrongOutput, 11, "wrong output"),
        Row {
            open: |stage| stage.open("docs", |author| author.write("README.md", "A project, described.\n")),
            ..judged("documentation only", Measured::Identical, 0, "pass")
        },
        Row {
            open: |stage| {
                stage.open("golden", |author| {
                    let path = "fixtures/golden/tiny-gpt-oss/a.json";
                    let text = std::fs::read_to_string(author.path(path)).unwrap();
                    author.write(path, &text.replacen("\"reason\": \"", "\"reason\": \"not ", 1));
                })
            },
            comments: Some("goldens changed"),
            ..judged("golden edited", Measured::Slower(0.0), 13, "inconclusive")
        },
        Row {
            open: |stage| {
                stage.open("policy", |author| {
                    let text = std::fs::read_to_string(author.path("ci/gate.json")).unwrap();
                    author.write(
                        "ci/gate.json",
                        &text.replace("\"passes_within_percent\": 3.0", "\"passes_within_percent\": 9.0"),
                    );
                })
            },
            comments: Some("policy changed"),
            ..judged("policy edited", Measured::Slower(-10.0), 13, "inconclusive")
        },
    ]
}

fn on_a_word() -> Vec<Row> {
    vec![
        Row {
            name: "a fork's, at once",
            way: Way::ForkAtOnce,
            open: of_fork,
            measured: None,
            resolves: 2,
            verdict: None,
            is_green: false,
            says: "no verdict: a fork's head is measured on a maintainer's word alone",
            comments: Some("dispatches it: "),
            ..harmless()
        },
        Row { name: "a fork's, dispatched", way: Way::Dispatch, open: of_fork, ..harmless() },
        Row { name: "a fork's, labelled", way: Way::Label, open: of_fork, ..harmless() },
        Row {
            way: Way::Dispatch,
            open: of_fork,
            ..judged("a fork's that is slower, dispatched", Measured::Slower(20.0), 10, "regressed")
        },
        Row {
            name: "in the repository, by somebody who may not write",
            way: Way::Skipped,
            open: |stage| PullRequest { association: "NONE", ..decode(stage) },
            measured: None,
            resolves: 2,
            verdict: None,
            is_green: false,
            says: "no verdict: its author may not write",
            comments: Some("maintainer's word"),
            ..harmless()
        },
    ]
}

fn not_as_they_seem() -> Vec<Row> {
    vec![
        Row {
            name: "hostile branch and title",
            open: |stage| {
                let opened = stage.open("$(touch${IFS}x)`id`;<b>'\"|&", |author| {
                    author.write("src/decode.rs", "// decodes with less\n");
                });
                PullRequest {
                    title: "::error::x ##[error] <script>alert(1)</script> @all `$(id)`".into(),
                    ..opened
                }
            },
            ..harmless()
        },
        Row {
            open: |stage| {
                let opened = stage.open("conflict", |author| author.write("src/decode.rs", "// mine\n"));
                stage.advance_main("src/decode.rs", "// theirs\n");
                PullRequest { base: stage.main(), ..opened }
            },
            ..refused("conflicting", "no verdict: the gate refused:", Some("conflicts with"))
        },
        Row {
            meanwhile: |stage, pull_request| PullRequest { head: stage.force_push(), ..pull_request.clone() },
            ..refused("force-pushed after its event", "no verdict: ", None)
        },
        Row {
            way: Way::Dispatch,
            open: of_fork,
            meanwhile: |stage, pull_request| PullRequest { head: stage.force_push(), ..pull_request.clone() },
            ..refused("a fork's, force-pushed after the word", "no verdict: ", None)
        },
    ]
}

fn while_main_goes_on() -> Vec<Row> {
    vec![
        Row {
            name: "a merge of main",
            open: |stage| {
                let first = decode(stage);
                stage.advance_main("README.md", "A project, described on main.\n");
                stage.open("merged", |author| {
                    author.git(&["checkout", "--quiet", "--detach", &first.head]);
                    author.git(&["merge", "--quiet", "--no-ff", "--message", "Merge main", "main"]);
                })
            },
            ..harmless()
        },
        Row {
            name: "main went on beside it",
            open: |stage| {
                let opened = decode(stage);
                stage.advance_main("README.md", "A project, described on main.\n");
                PullRequest { base: stage.main(), ..opened }
            },
            ..harmless()
        },
        Row {
            open: |stage| {
                let opened = decode(stage);
                stage.advance_main("fixtures/golden/tiny-gpt-oss/notes.txt", "other goldens\n");
                PullRequest { base: stage.main(), ..opened }
            },
            ..refused(
                "main has other goldens since",
                "no verdict: the gate refused: the base has other goldens since",
                Some("git merge origin/main"),
            )
        },
        Row {
            open: |stage| {
                let opened = decode(stage);
                PullRequest { head: opened.base.clone(), ..opened }
            },
            meanwhile: |_, pull_request| pull_request.clone(),
            ..refused("a head that is not the pull request's", "no verdict: ", Some("no verdict"))
        },
        Row {
            open: |stage| {
                let opened = decode(stage);
                stage.merge(&opened.head);
                PullRequest { base: stage.main(), ..opened }
            },
            ..refused("merged already", "no verdict: the gate refused: ", Some("is in the base already"))
        },
        Row {
            open: edits_workflow,
            is_green: false,
            says: "no verdict: the head changes `.github/workflows/gate.yml`",
            comments: Some("no judge of it"),
            name: "workflow edited",
            ..harmless()
        },
        Row { name: "workflow edited, dispatched", way: Way::Dispatch, open: edits_workflow, ..harmless() },
        Row {
            name: "not measured at all",
            measured: None,
            verdict: Some(20),
            is_green: false,
            says: "no verdict: the gate failed: nothing was measured",
            comments: Some("no verdict"),
            ..harmless()
        },
    ]
}

fn edits_workflow(stage: &Stage) -> PullRequest {
    stage.open("workflow", |author| author.write(".github/workflows/gate.yml", "name: gate\non: push\n"))
}
