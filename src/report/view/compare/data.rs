//! The data of the page's script: runs that know their setting, and metric values that know their row, by place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::judge::comparability::{Breaks, Comparability};
use crate::measure::Metric;
use crate::record::{Entry, Setting, SummaryRow};
use crate::report::comparison::in_words;
use crate::report::mark::{Badge, is_invalid};
use crate::report::number::four_digits;
use crate::report::view::track::{SHOWN, ShownMetric};
use crate::report::view::{CommitLink, place_in, short};
use crate::visible::one_line;

/// Prompts of a run that have rows of their own.
const MOST_PROMPTS: usize = 12;
/// Parts of an epoch that the machine and the model name already.
const NAMED_ALREADY: [&str; 2] = ["machine", "model"];
/// A property's name follows.
const PROPERTY: &str = "property ";
/// A difference is shown with four digits at most, so that of values with seven is as good as exact.
const DIGITS: usize = 7;

/// What may differ, what weighs most first.
type Part = (Breaks, String);

/// All that the script knows of these runs, the newest first, and of the two that are shown first. A run knows its setting
/// by its place, and a setting its group and its values.
pub(super) fn of_runs(runs: &[&Entry], first: [&Entry; 2]) -> Value {
    let prompts = prompts(runs);
    let known: Vec<BTreeMap<Part, String>> = runs.iter().map(|entry| parts_of(&entry.setting)).collect();
    let parts: BTreeSet<&Part> = known.iter().flat_map(BTreeMap::keys).collect();
    let (mut values, mut of_runs) = (Vec::new(), Vec::new());
    let mut settings: Vec<(&Setting, Vec<Option<usize>>)> = Vec::new();
    for (entry, known) in runs.iter().zip(&known) {
        let setting = &*entry.setting;
        let is_one = |(other, _): &(&Setting, _)| {
            other.series.id == setting.series.id && other.epoch.id == setting.epoch.id
        };
        let place = settings.iter().position(is_one).unwrap_or_else(|| {
            let place = |part: &&Part| Some(place_in(&mut values, known.get(*part)?.clone()));
            settings.push((setting, parts.iter().map(place).collect()));
            settings.len() - 1
        });
        of_runs.extend(run_data(entry, place, &prompts));
    }
    let is_unlike = |one: &[Option<usize>], other: &[Option<usize>]| {
        let mut parts = parts.iter().zip(one.iter().zip(other));
        parts.any(|((breaks, _), (one, other))| {
            one != other && breaks.comparability() == Comparability::Unlike
        })
    };
    let (mut lines, mut groups) = (Vec::new(), Vec::new());
    let setting_data = |(setting, values): &(&Setting, Vec<Option<usize>>)| {
        let series = &setting.series;
        let group = place_in(&mut lines, setting.line());
        if group == groups.len() {
            groups.push(group_name(setting, &groups));
        }
        json!({
            "group": group,
            "model": one_line(&series.model),
            "machine": one_line(&series.machine),
            "device": one_line(&series.device_in_words()),
            "openvino": one_line(series.openvino.as_deref().unwrap_or("?")),
            "values": values,
            // Runs of one setting are the same thing, and those of another identity are unlike.
            "identity": settings.iter().position(|(_, other)| !is_unlike(values, other)),
        })
    };
    let settings: Value = settings.iter().map(setting_data).collect();
    json!({
        "words": words(),
        "first": { "a": first[0].run_id, "b": first[1].run_id },
        // What runs are grouped by in a list.
        "groups": groups,
        "parts": parts.into_iter().map(part_data).collect::<Value>(),
        "values": values,
        "settings": settings,
        "rows": rows(&prompts),
        "runs": of_runs,
    })
}

/// How two runs compare, in the same words as the verb's.
fn words() -> Value {
    let word = |comparability, sentence: &str, caption: &str| {
        let (mark, word, _) = in_words(comparability);
        json!({
            "badge": Badge::new(mark, word),
            "sentence": sentence,
            "caption": caption,
            "is_compared": comparability != Comparability::Unlike,
        })
    };
    json!({
        "same": word(
            Comparability::Same,
            in_words(Comparability::Same).2,
            "Change: from A to B. Two separate runs, not interleaved pairs: an observation, not a test; \
             cargo xtask ab decides.",
        ),
        "environment_differs": word(
            Comparability::EnvironmentDiffers,
            in_words(Comparability::EnvironmentDiffers).2,
            "Change: from A to B. An observation, not a test: what differs above may be all of it; cargo \
             xtask ab decides.",
        ),
        "unlike": word(Comparability::Unlike, "so nothing is compared", ""),
    })
}

fn run_data(entry: &Entry, setting: usize, prompts: &[String]) -> Option<Value> {
    let run = entry.metric_values.as_ref()?;
    let commit = entry.commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("{}{}", one_line(short(&commit.sha)), if commit.dirty { " (dirty)" } else { "" })
    });
    let when = entry.when_utc.get(..16).unwrap_or(&entry.when_utc).replacen('T', " ", 1);
    let tpot = format!("{} ms/token", four_digits(run.tpot_ms));
    Some(json!({
        "id": entry.run_id,
        // In a list of runs.
        "label": format!("{}: {commit}, {tpot}", one_line(&when)),
        "when_utc": one_line(&entry.when_utc),
        "commit": CommitLink::of_entry(entry),
        "commit_reported": commit,
        "speed": format!("{tpot}, {} token/s", four_digits(run.throughput_tok_s)),
        "setting": setting,
        "is_invalid": is_invalid(entry),
        "figures": values(run, prompts),
    }))
}

/// Of two groups with one name, the second is named with its workload.
fn group_name(setting: &Setting, taken: &[String]) -> String {
    let series = &setting.series;
    let name = one_line(&format!("{} on {}, {}", series.model, series.device_in_words(), series.machine));
    if taken.contains(&name) { format!("{name}, workload {}", short(&series.workload_sha256)) } else { name }
}

/// All that is known of a setting. Of two machines of one name the hash decides.
fn parts_of(setting: &Setting) -> BTreeMap<Part, String> {
    let series = &setting.series;
    let named = |name: &str, sha256: &str| format!("{name} ({})", short(sha256));
    let device = series.device_in_words();
    let known = [
        (Breaks::Machine, "machine", Some(named(&series.machine, &series.machine_sha256))),
        (Breaks::Model, "model", Some(named(&series.model, &series.model_sha256))),
        (Breaks::Workload, "workload", Some(short(&series.workload_sha256).to_owned())),
        (
            Breaks::Device,
            "device",
            Some(series.gpu.as_ref().map_or(device.clone(), |gpu| format!("{device} ({gpu})"))),
        ),
        (Breaks::Runtime, "OpenVINO", series.openvino.clone()),
    ];
    let of_epoch = setting.epoch.parts.iter().filter(|(name, _)| !NAMED_ALREADY.contains(&name.as_str()));
    let of_epoch = of_epoch.map(|(name, value)| {
        let what = match name.as_str() {
            "gpu driver" => "GPU driver",
            "gpu driver's opencl" => "OpenCL of the GPU driver",
            "gpu kernel driver" => "GPU kernel driver",
            "openvino" => "OpenVINO's build",
            name => name,
        };
        let breaks = if name.starts_with(PROPERTY) { Breaks::Runtime } else { Breaks::Epoch };
        (breaks, what, Some(value.clone()))
    });
    let part = |(breaks, what, value): (Breaks, &str, Option<String>)| {
        Some(((breaks, what.to_owned()), one_line(&value?)))
    };
    known.into_iter().chain(of_epoch).filter_map(part).collect()
}

fn part_data((breaks, what): &Part) -> Value {
    json!({
        "what": one_line(what),
        "breaks": breaks.as_str(),
        // Whether it makes two things of two runs.
        "is_identity": breaks.comparability() == Comparability::Unlike,
        // What it means that there is none.
        "absent": if what.starts_with(PROPERTY) { "not set" } else { "not known" },
    })
}

/// The prompts of all runs, in the order in which they are met.
fn prompts(runs: &[&Entry]) -> Vec<String> {
    let mut prompts: Vec<String> = Vec::new();
    let runs = runs.iter().filter_map(|entry| entry.metric_values.as_ref());
    for prompt in runs.flat_map(|run| run.prompts.iter().take(MOST_PROMPTS)) {
        place_in(&mut prompts, prompt.id.clone());
    }
    prompts
}

/// The metrics of the table: times before memory.
fn shown() -> impl Iterator<Item = &'static ShownMetric> {
    let of = |is_memory: bool| SHOWN.iter().filter(move |shown| shown.is_memory() == is_memory);
    of(false).chain(of(true))
}

/// All rows: of each metric the mean before its prompts; of loads and memory one of the whole run.
fn rows(prompts: &[String]) -> Value {
    let rows = shown().flat_map(|shown| {
        let title = match shown.metric {
            Metric::Load => shown.title.to_lowercase(),
            Metric::PeakRss => "peak memory, highest of the processes".to_owned(),
            Metric::PeakDeviceMemory => "peak GPU memory, highest of the processes".to_owned(),
            metric => metric.title().to_owned(),
        };
        let names = match shown.prompt {
            Some(_) => ["mean".to_owned()].into_iter().chain(prompts.iter().map(|id| one_line(id))).collect(),
            None => vec![String::new()],
        };
        names.into_iter().map(move |prompt| {
            json!({
                "metric": shown.metric.id(),
                "title": title,
                "prompt": prompt,
                "unit": shown.unit(),
                "better": shown.metric.direction().as_str(),
                // Whether a guard that tripped invalidates it.
                "is_time": !shown.is_memory(),
            })
        })
    });
    rows.collect()
}

/// What a run has of these rows: three lists of one length, the places of the rows, the values as they are shown, and
/// as a difference is made of them.
fn values(run: &SummaryRow, prompts: &[String]) -> Value {
    let (mut places, mut shown_values, mut exact) = (Vec::new(), Vec::new(), Vec::new());
    let mut add = |row: usize, value: f64| {
        if let Some(short) = shortened(value) {
            places.push(row);
            shown_values.push(four_digits(value));
            exact.push(short);
        }
    };
    let mut row = 0;
    for shown in shown() {
        if let Some(mean) = (shown.mean)(run) {
            add(row, mean);
        }
        row += 1;
        let Some(value) = shown.prompt else { continue };
        for prompt in run.prompts.iter().take(MOST_PROMPTS) {
            if let Some(at) = prompts.iter().position(|id| *id == prompt.id) {
                add(row + at, value(prompt));
            }
        }
        row += prompts.len();
    }
    json!({ "rows": places, "reported": shown_values, "figures": exact })
}

/// A value without digits that no difference shows; None where it is no positive number.
fn shortened(value: f64) -> Option<f64> {
    let short = format!("{value:.*e}", DIGITS - 1).parse::<f64>().ok()?;
    (short.is_finite() && short > 0.0).then_some(short)
}
