//! Where the time of a decode step goes, by operator: of one run, and what differs between two sides.

use serde_json::{Value, json};

use crate::judge::{OperatorChange, ProfileChange};
use crate::measure::Profile;
use crate::record::ArmView;
use crate::report::document::{Cell, Document, Line, Table, number};
use crate::report::number::whole_percent;

/// Kinds with a row of their own.
const MOST_KINDS: usize = 8;
/// Names with a row of their own.
const MOST_NAMES: usize = 5;

/// Adds the profile of a run, where it has one.
pub(in crate::report) fn add_profile(document: &mut Document, run: ArmView<'_>) {
    let Some(profile) = &run.arm.profile else { return };
    let Ok(alone) = ProfileChange::between(profile, profile) else { return };
    let share = |time_us: f64| number(Some(whole_percent(time_us / profile.wall_us * 100.0)));
    let mut kinds = alone.by_kind;
    kinds.sort_by(|one, other| other.time_us[0].total_cmp(&one.time_us[0]));
    let rows = rows(&kinds, alone.unexplained_us, alone.wall_us);
    let rows = rows.into_iter().map(|(what, [time_us, _])| [what.into(), ms(time_us), share(time_us)]);
    document.titled_table(
        heading(profile),
        Table::new(["operators", "ms a step", "of the step"]).with_rows(rows),
    );
    document.text(SLOWER);
}

/// Adds what differs between the profiles of two sides, which are called so; nothing where neither has one.
pub(in crate::report) fn add_profile_change(
    document: &mut Document,
    names: [&'static str; 2],
    runs: [ArmView<'_>; 2],
) {
    let profiles = runs.map(|run| run.arm.profile.as_ref());
    let (base, head) = match profiles {
        [Some(base), Some(head)] => (base, head),
        [None, None] => return,
        [None, Some(_)] | [Some(_), None] => {
            let without = usize::from(profiles[1].is_none());
            document.section("No cause by operator");
            document.text(format!("{} has no profile to compare with.", names[without]));
            return;
        }
    };
    let change = match ProfileChange::between(base, head) {
        Ok(change) => change,
        Err(reason) => {
            document.section("No cause by operator");
            document.text(Line::prose(&format!("Not comparable: {reason}.")));
            return;
        }
    };
    document.section(heading(base));
    document.text(cause(&change));
    let cells = |what: Line, [one, other]: [f64; 2]| -> [Cell; 4] {
        [what.into(), ms(one), ms(other), number(Some(signed_ms(other - one)))]
    };
    let headings = |what| [what, names[0], names[1], "difference"];
    let of_kinds = rows(&change.by_kind, change.unexplained_us, change.wall_us);
    let of_kinds = of_kinds.into_iter().map(|(what, times)| cells(what, times));
    document.table(Table::new(headings("operators, ms a step")).with_rows(of_kinds));
    let changed = change.by_name.iter().filter(|it| !it.name.is_empty() && it.difference_us() != 0.0);
    let of_names = changed.take(MOST_NAMES);
    let of_names =
        of_names.map(|it| [Line::from(&it.name).into(), number(Some(signed_ms(it.difference_us())))]);
    document.table(Table::new(["by name", "difference"]).with_rows(of_names));
    document.text(OBSERVATION);
    document.text(SLOWER);
}

/// What changed most, in a sentence.
pub(in crate::report) fn cause(change: &ProfileChange) -> Line {
    let Some(largest) = change.largest() else { return "No operator changed.".into() };
    let [base, head] = change.wall_us;
    Line::from("Changed most: ").and(&largest.kind).and(format!(
        ", {} to {} ms a step ({} ms; the whole step {} ms).",
        milliseconds(largest.time_us[0]),
        milliseconds(largest.time_us[1]),
        signed_ms(largest.difference_us()),
        signed_ms(head - base)
    ))
}

/// The same of two sides that both have a comparable profile.
pub(in crate::report) fn cause_of(runs: [ArmView<'_>; 2]) -> Option<Line> {
    let [base, head] = runs.map(|run| run.arm.profile.as_ref());
    Some(cause(&ProfileChange::between(base?, head?).ok()?))
}

const SLOWER: &str = "Profiled apart: it makes a step slower, so these times are none of those above. What no \
     operator explains is the host, memory, and what lies between operators.";
const OBSERVATION: &str = "One process a side, on the machine as it was then: an observation, not a test.";

fn heading(profile: &Profile) -> Line {
    Line::prose(&format!(
        "Decode step by operator: prompt `{}`, {} tokens deep, mean of {} steps",
        profile.prompt_id, profile.depth_tokens, profile.steps
    ))
}

/// The first kinds, the rest of them, what none explains, and the whole.
fn rows(kinds: &[OperatorChange], unexplained_us: [f64; 2], wall_us: [f64; 2]) -> Vec<(Line, [f64; 2])> {
    let (first, rest) = kinds.split_at(MOST_KINDS.min(kinds.len()));
    let mut rows: Vec<(Line, [f64; 2])> = first.iter().map(|it| (Line::from(&it.kind), it.time_us)).collect();
    if !rest.is_empty() {
        let sum = |side: usize| rest.iter().map(|it| it.time_us[side]).sum();
        rows.push((format!("{} other kinds", rest.len()).into(), [sum(0), sum(1)]));
    }
    rows.push(("explained by no operator".into(), unexplained_us));
    rows.push(("whole step".into(), wall_us));
    rows
}

fn milliseconds(time_us: f64) -> String {
    // What is less than a microsecond is a rounding error of the runtime's means.
    format!("{:.3}", time_us / 1e3)
}

fn ms(time_us: f64) -> Cell {
    number(Some(milliseconds(time_us)))
}

fn signed_ms(time_us: f64) -> String {
    format!("{:+.3}", time_us / 1e3)
}

/// The profiles of two sides and what differs, for programs; null where they are not compared.
pub(in crate::report) fn profile_change_json(runs: [ArmView<'_>; 2]) -> Value {
    let [Some(base), Some(head)] = runs.map(|run| run.arm.profile.as_ref()) else { return Value::Null };
    let Ok(change) = ProfileChange::between(base, head) else { return Value::Null };
    let both = |[base_us, head_us]: [f64; 2]| json!({ "base_us": base_us, "head_us": head_us });
    let operator = |it: &OperatorChange| {
        let [base_us, head_us] = it.time_us;
        let name = (!it.name.is_empty()).then_some(&it.name);
        json!({ "kind": it.kind, "name": name, "base_us": base_us, "head_us": head_us })
    };
    json!({
        "prompt": base.prompt_id,
        "depth_tokens": base.depth_tokens,
        "steps": { "base": base.steps, "head": head.steps },
        "step": both(change.wall_us),
        "unexplained": both(change.unexplained_us),
        "by_kind": change.by_kind.iter().map(operator).collect::<Value>(),
        "by_name": change.by_name.iter().map(operator).collect::<Value>(),
    })
}

/// What two records, or the sides of one, spent a decode step on, and nothing else.
pub fn profile_document(names: [&'static str; 2], runs: [ArmView<'_>; 2]) -> Document {
    let mut document = Document::default();
    document.title("Where the time of a decode step goes");
    for (name, run) in names.into_iter().zip(runs) {
        let id = &run.experiment.run_id;
        document.fact(name, Line::from(format!("{} of ", run.arm.label)).and(id));
    }
    add_profile_change(&mut document, names, runs);
    document
}

/// The same as JSON.
pub fn profile_json(runs: [ArmView<'_>; 2]) -> String {
    let value = json!({
        "schema": SCHEMA,
        "run_ids": runs.map(|run| &run.experiment.run_id),
        "labels": runs.map(|run| &run.arm.label),
        "profile": profile_change_json(runs),
    });
    crate::visible::json(&format!("{value:#}\n"))
}

const SCHEMA: &str = "arcgauge-profile@1";
