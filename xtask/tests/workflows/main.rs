//! What the workflows must say, whoever changes them: who may run where, with which token, on whose code.
//!
//! actionlint and zizmor know what is wrong anywhere; this knows what is wrong here.

mod reading;

use std::process::Command;

use reading::{Job, Step, Workflow, workflows};

/// Every job, with all that its token may do.
const TOKENS: [(&str, &str, &[&str]); 12] = [
    ("admit", "admit", &["actions: write", "contents: read", "pull-requests: write"]),
    ("checks", "run", &["contents: read"]),
    ("checks", "advisories", &["contents: read"]),
    ("checks", "windows", &["contents: read"]),
    ("gate", "arc", &["contents: read"]),
    ("gpu-plugin", "emulated", &["contents: read"]),
    ("nightly", "measure", &["contents: read"]),
    ("nightly", "share", &["contents: write"]),
    ("nightly", "pages", &["id-token: write", "pages: write"]),
    (
        "publish-verdict",
        "publish",
        &["actions: read", "contents: read", "pull-requests: write", "statuses: write"],
    ),
    ("release", "build", &["contents: read"]),
    ("release", "publish", &["contents: write"]),
];
/// Who starts what.
const TRIGGERS: [(&str, &[&str]); 7] = [
    ("admit", &["pull_request_target"]),
    ("checks", &["pull_request", "push", "schedule"]),
    ("gate", &["pull_request", "workflow_dispatch"]),
    ("gpu-plugin", &["workflow_dispatch"]),
    ("nightly", &["schedule", "workflow_dispatch"]),
    ("publish-verdict", &["workflow_run"]),
    ("release", &["push"]),
];
/// The one job whose image is older: a binary runs with the glibc it was built with and every newer one.
const BUILDS_FOR_OLDER_SYSTEMS: (&str, &str, &str) = ("release", "build", "ubuntu-22.04");
/// The workflows that run with a token that may write on behalf of a stranger's event.
const PRIVILEGED: [&str; 2] = ["admit", "publish-verdict"];

fn workflow(name: &str) -> Workflow {
    workflows().into_iter().find(|workflow| workflow.name == name).expect("a workflow of that name")
}

fn jobs() -> Vec<(String, Job)> {
    let named = |workflow: Workflow| {
        let jobs = workflow.jobs();
        jobs.into_iter().map(move |job| (workflow.name.clone(), job))
    };
    workflows().into_iter().flat_map(named).collect()
}

/// Where something is wrong, for a message.
fn place(workflow: &str, job: &Job, step: &Step) -> String {
    format!("{workflow}.yml, job {}: {}", job.name, step.text)
}

#[test]
fn the_token_of_every_job_is_the_one_that_is_listed_here() {
    let found: Vec<_> = jobs();
    assert_eq!(found.len(), TOKENS.len());
    for (file, job, permissions) in TOKENS {
        let (_, found) =
            found.iter().find(|(name, found)| name == file && found.name == job).expect("the job");
        assert_eq!(found.permissions(), permissions, "{file}.yml, job {job}");
    }
    for workflow in workflows() {
        assert!(workflow.has_line("permissions: {}"), "{}: a job without a list has no token", workflow.name);
    }
}

#[test]
fn every_workflow_is_started_by_what_is_listed_here() {
    let found: Vec<_> = workflows();
    assert_eq!(found.len(), TRIGGERS.len());
    for (name, triggers) in TRIGGERS {
        assert_eq!(workflow(name).triggers(), triggers, "{name}.yml");
    }
}

#[test]
fn every_job_has_a_limit_and_every_workflow_a_shell_and_a_group() {
    for (workflow, job) in jobs() {
        let minutes = job.value("timeout-minutes").expect("timeout-minutes of its own");
        assert!(minutes.parse::<u32>().is_ok_and(|minutes| minutes <= 150), "{workflow}.yml: {minutes}");
    }
    for workflow in workflows() {
        assert!(workflow.has_line("    shell: bash"), "{}.yml has no shell", workflow.name);
        // Anybody's workflow can cancel by the name of a group, and no publication may be lost.
        let has_a_group = workflow.has_line("concurrency:");
        assert_eq!(has_a_group, workflow.name != "publish-verdict", "{}.yml", workflow.name);
    }
}

#[test]
fn only_gate_and_nightly_reach_the_arc_and_the_others_name_the_image_by_its_version() {
    let mut on_the_arc = Vec::new();
    for (workflow, job) in jobs() {
        match job.value("runs-on").expect("runs-on") {
            "[self-hosted, arc-140v]" => on_the_arc.push((workflow, job.name)),
            "ubuntu-24.04" => {}
            "windows-2025" => assert_eq!((workflow.as_str(), job.name.as_str()), ("checks", "windows")),
            older => assert_eq!((workflow.as_str(), job.name.as_str(), older), BUILDS_FOR_OLDER_SYSTEMS),
        }
    }
    let expected = [("gate", "arc"), ("nightly", "measure")];
    assert_eq!(on_the_arc, expected.map(|(workflow, job)| (workflow.to_owned(), job.to_owned())));
}

#[test]
fn a_job_on_the_arc_has_no_secret_and_no_token_in_its_environment() {
    for (workflow, job) in jobs().into_iter().filter(|(_, job)| job.text.contains("self-hosted")) {
        for word in ["secrets", "github.token", "GH_TOKEN", ": write"] {
            assert!(!job.text.contains(word), "{workflow}.yml, job {}: `{word}`", job.name);
        }
    }
}

#[test]
fn a_workflow_of_a_strangers_event_checks_out_main_and_never_names_the_head() {
    for name in PRIVILEGED {
        let workflow = workflow(name);
        for word in
            ["head.sha", "head.ref", "head_ref", "head_sha", "head_branch", "refs/pull", "self-hosted"]
        {
            assert!(!workflow.text.contains(word), "{name}.yml: `{word}`");
        }
        let checkouts: Vec<_> =
            workflow.jobs().iter().flat_map(Job::steps).filter(Step::is_checkout).collect();
        assert!(!checkouts.is_empty());
        for checkout in checkouts {
            assert_eq!(checkout.value("ref"), Some("main"), "{name}.yml: {}", checkout.text);
        }
    }
    let triggers = workflows().into_iter().flat_map(|workflow| {
        let privileged = ["pull_request_target", "workflow_run"];
        let triggers = workflow.triggers().into_iter().filter(|it| privileged.contains(&it.as_str()));
        triggers.map(|_| workflow.name.clone()).collect::<Vec<_>>()
    });
    assert_eq!(triggers.collect::<Vec<_>>(), PRIVILEGED);
}

#[test]
fn a_step_with_a_token_compiles_nothing() {
    let mut with_a_token = 0;
    for (workflow, job) in jobs() {
        let steps = job.steps();
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.text.contains("GH_TOKEN")) {
            with_a_token += 1;
            let calls_cargo = |step: &Step| step.script().is_some_and(|script| script.contains("cargo "));
            assert!(
                !calls_cargo(step) || steps[..at].iter().any(calls_cargo),
                "{}",
                place(&workflow, &job, step)
            );
        }
        let outside = job.text.matches("github.token").count();
        let inside = steps.iter().filter(|step| step.text.contains("GH_TOKEN: ${{ github.token }}")).count();
        assert_eq!(outside, inside, "{workflow}.yml: a token that is no single step's");
    }
    assert_eq!(with_a_token, 4, "admit, publish, the push of the records, the draft release");
}

#[test]
fn the_gate_checks_out_the_base_and_measures_the_head_as_a_side() {
    let job = workflow("gate").jobs().remove(0);
    let checkouts: Vec<_> = job.steps().into_iter().filter(Step::is_checkout).collect();
    let base = "${{ github.event.pull_request.base.sha || github.sha }}";
    assert_eq!(checkouts.iter().map(|step| step.value("ref")).collect::<Vec<_>>(), [Some(base)]);
    let scripts: Vec<_> = job.steps().iter().filter_map(Step::script).collect();
    assert_eq!(
        scripts,
        [
            "cargo xtask ci measure --budget 45m --output \"$RUNNER_TEMP/verdict\"",
            "cargo xtask ci verdict --output \"$RUNNER_TEMP/verdict\""
        ]
    );
}

#[test]
fn the_gate_runs_at_once_only_for_those_who_may_write_and_dispatched_only_from_main() {
    let job = workflow("gate").jobs().remove(0);
    let condition = job.folded("if").expect("a condition");
    let expected = "(github.event_name == 'workflow_dispatch' && github.ref == 'refs/heads/main') \
        || (github.event_name == 'pull_request' \
        && github.event.pull_request.head.repo.full_name == github.repository \
        && contains(fromJSON('[\"OWNER\", \"MEMBER\", \"COLLABORATOR\"]'), \
        github.event.pull_request.author_association))";
    assert_eq!(condition, expected);
}

#[test]
fn the_gate_hands_a_verdict_over_however_the_measurement_ended() {
    let steps = workflow("gate").jobs().remove(0).steps();
    let [.., verdict, upload] = steps.as_slice() else { panic!("too few steps") };
    assert_eq!(verdict.value("if"), Some("always()"));
    assert_eq!(upload.value("if"), Some("always()"));
    assert!(upload.value("uses").is_some_and(|action| action.starts_with("actions/upload-artifact@")));
    assert_eq!(upload.value("path"), Some("${{ runner.temp }}/verdict"));
    assert_eq!(upload.value("if-no-files-found"), Some("error"));
    assert!(upload.text.contains("\n          name: verdict\n"), "{}", upload.text);
}

#[test]
fn a_dispatched_gate_is_named_as_the_publisher_reads_it() {
    let gate = workflow("gate");
    let name = gate.value("run-name").expect("a name").trim_matches('"');
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let number = "${{ inputs.pull_request || github.event.pull_request.number }}";
    let head = "${{ inputs.head || github.event.pull_request.head.sha }}";
    assert_eq!(name.replace(number, "12").replace(head, sha), format!("gate #12 at {sha}"));
    assert_eq!(workflow("publish-verdict").value("workflows").map(str::trim), Some("[gate]"));
    assert_eq!(gate.value("name"), Some("gate"));
}

#[test]
fn nothing_is_cached_between_runs_for_a_cache_can_be_poisoned() {
    for workflow in workflows() {
        for word in ["actions/cache", "cache:", "rust-cache"] {
            assert!(!workflow.text.contains(word), "{}.yml: `{word}`", workflow.name);
        }
    }
}

#[test]
fn the_hosted_jobs_take_the_rust_of_this_repository() {
    let manifest = include_str!("../../../Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a version");
    for (name, job) in jobs() {
        let needs_rust = !job.text.contains("self-hosted") && job.text.contains("cargo");
        let is_reported = job.text.contains("rustup toolchain install \"$RUSTUP_TOOLCHAIN\"");
        assert_eq!(needs_rust || job.text.contains(".ci/run"), is_reported, "{name}.yml, job {}", job.name);
        let named = workflow(&name).value("RUSTUP_TOOLCHAIN").map(str::to_owned);
        assert!(
            !is_reported || named.as_deref() == Some(version),
            "{name}.yml: {named:?} instead of {version}"
        );
    }
}

#[test]
fn only_what_is_meant_is_kept_from_the_linter_each_with_its_reason() {
    let mut kept = Vec::new();
    for workflow in workflows() {
        for line in workflow.with_comments.lines().filter(|line| line.contains("zizmor:")) {
            let (place, rest) = line.split_once("# zizmor: ignore[").expect("that form");
            let (rule, why) = rest.split_once("] ").expect("that form");
            assert!(why.split(' ').count() > 5, "{line}: say why");
            kept.push(format!("{} {} {rule}", workflow.name, place.trim()));
        }
    }
    let expected = [
        "admit pull_request_target: dangerous-triggers",
        "publish-verdict on: concurrency-limits",
        "publish-verdict workflow_run: dangerous-triggers",
    ];
    assert_eq!(kept, expected);
}

#[test]
fn every_verb_that_a_workflow_calls_is_in_the_help() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("help").output().expect("xtask runs");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    let mut seen = 0;
    for (workflow, job) in jobs() {
        for step in job.steps() {
            for call in step.script().iter().flat_map(|script| script.split("cargo xtask ").skip(1)) {
                let verb = call.split_whitespace().next().expect("a verb");
                assert!(
                    help.contains(&format!("\n  {verb} ")),
                    "`{verb}`: {}",
                    place(&workflow, &job, &step)
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}
