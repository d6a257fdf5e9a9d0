//! One run on the page of its commit.

use serde::Serialize;

use crate::judge::comparability::ComparedSide;
use crate::record::ArmView;
use crate::report::chart::Chart;
use crate::report::facts::{Fact, facts_of};
use crate::report::number::counted;
use crate::report::reproduce::reproduce_command;
use crate::report::view::Badge;
use crate::report::view::commit::divergence::{DivergencePart, divergences};
use crate::report::view::commit::environment::EnvironmentPart;
use crate::report::view::commit::figures::FigureTable;
use crate::report::view::commit::standing::Standing;
use crate::report::view::commit::warnings::{WarningPart, warnings};
use crate::report::view::commit::{RecordOfCommit, charts};
use crate::visible::one_line;

/// A run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunPart {
    anchor: String,
    when_utc: String,
    badge: Badge,
    /// Why it has no verified speed.
    no_speed_reason: Option<String>,
    /// Model, device, runtime, machine.
    setting: String,
    /// Processes, prompts and tokens.
    requested: String,
    /// What was changed over the commit.
    dirty: Option<String>,
    failure: Option<String>,
    figures: FigureTable,
    divergences: Vec<DivergencePart>,
    charts: Vec<Chart>,
    facts: Vec<Fact>,
    environment: EnvironmentPart,
    warnings: Vec<WarningPart>,
    command: String,
    file: String,
}

impl RunPart {
    pub(super) fn of(record: ArmView<'_>, of_commit: &RecordOfCommit<'_>) -> Self {
        let side = ComparedSide::of(&record);
        let standing = Standing::of(record, &side);
        let dirty = record.commit.as_ref().filter(|commit| commit.dirty).map(|commit| {
            let difference =
                commit.difference_sha256.as_deref().and_then(|it| it.get(..12)).unwrap_or("unknown");
            format!("the tree was changed over the commit (difference {})", one_line(difference))
        });
        let mut facts = facts_of(record, &side.summary);
        for fact in &mut facts {
            fact.said = one_line(&fact.said);
        }
        Self {
            anchor: one_line(&record.experiment.run_id),
            when_utc: one_line(&record.experiment.when_utc),
            badge: standing.badge(record),
            no_speed_reason: side.no_speed_reason.as_deref().map(one_line),
            setting: setting(record),
            requested: requested(record),
            dirty,
            failure: record.failure.as_deref().map(one_line),
            figures: FigureTable::of(record, &side, of_commit),
            divergences: divergences(record),
            charts: charts::of_run(record, standing),
            facts,
            environment: EnvironmentPart::of(record, of_commit),
            warnings: warnings(&record.warnings, None),
            command: reproduce_command(record),
            file: of_commit.file.clone(),
        }
    }
}

/// On what it ran.
pub(super) fn setting(record: ArmView<'_>) -> String {
    let runtime = record.runtime.as_ref();
    let version = runtime.map_or("none", |runtime| runtime.openvino_version.as_str());
    let property = |key: &str| runtime.and_then(|runtime| runtime.properties_effective.get(key));
    let precision = property("INFERENCE_PRECISION_HINT").map_or("?", String::as_str);
    let cache = property("KV_CACHE_PRECISION").map_or("?", String::as_str);
    one_line(&format!(
        "{} on {}, OpenVINO {version}, {precision} with a {cache} KV cache, machine {}",
        record.model.name,
        record.device.in_words(&record.experiment.machine.cpu),
        record.experiment.machine.slug
    ))
}

/// What was asked.
pub(super) fn requested(record: ArmView<'_>) -> String {
    let workload = &record.workload;
    format!(
        "{}, {}, {} greedy tokens each",
        counted(workload.runs, "fresh process"),
        counted(workload.prompts.len(), "prompt"),
        workload.new_tokens
    )
}
