//! The data of the page's script: runs that know their setting, and metric values that know their row, by place.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::judge::comparability::{Breaks, Comparability};
use crate::measure::Metric;
use crate::record::{Entry, Line, Setting, SummaryRow};
use crate::report::comparison::COMPARABLE;
use crate::report::mark::{Badge, Mark, is_invalid};
use crate::report::number::four_digits;
use crate::report::view::track::{SHOWN, ShownMetric};
use crate::report::view::{CommitLink, short};
use crate::visible::one_line;

/// Prompts of a run that have rows of their own.
const MOST_PROMPTS: usize = 12;
/// Parts of an epoch that the machine and the model name already.
const NAMED_ALREADY: [&str; 2] = ["machine", "model"];
/// A property's name follows.
const PROPERTY: &str = "property ";
/// A difference is shown with four digits at most, so that of values with seven is as good as exact.
const DIGITS: usize = 7;

/// All that the script knows of these runs, the newest first, and of the two that are shown first.
pub(super) fn of_runs(runs: &[&Entry], first: [&Entry; 2]) -> Value {
    let prompts = prompts(runs);
    let environment = Environment::of(runs);
    let of_runs = runs.iter().zip(&environment.of_runs);
    json!({
        "words": words(),
        "first": { "a": first[0].run_id, "b": first[1].run_id },
        "groups": environment.groups,
        "parts": environment.parts.iter().map(part_data).collect::<Value>(),
        "values": environment.values,
        "settings": environment.settings(),
        "rows": rows(&prompts),
        "runs": of_runs.filter_map(|(entry, setting)| run_data(entry, *setting, &prompts)).collect::<Value>(),
    })
}

/// How two runs compare, in the same words as the verb's.
fn words() -> Value {
    json!({
        "same": {
            "badge": Badge::new(Mark::NotJudged, COMPARABLE),
            "sentence": "same series and same epoch: two runs of one thing",
            "caption": "Change: from A to B. Two separate runs, not interleaved pairs: an observation, not a test; \
                        cargo xtask ab decides.",
            "is_compared": true,
        },
        "environment_differs": {
            "badge": Badge::new(Mark::Warns, "environment differs"),
            "sentence": "same machine, model, workload and device, but not all is alike under the measurement",
            "caption": "Change: from A to B. An observation, not a test: what differs above may be all of it; cargo \
                        xtask ab decides.",
            "is_compared": true,
        },
        "unlike": {
            "badge": Badge::new(Mark::NotJudged, "unlike"),
            "sentence": "so nothing is compared",
            "caption": "",
            "is_compared": false,
        },
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

/// What may differ, what weighs most first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    breaks: Breaks,
    what: String,
}

/// A value as it decides and as it is shown: of two machines of one name the hash decides.
struct PartValue {
    decides: String,
    shown: String,
}

/// On what the runs were measured, each value once: a run knows its setting by its place, and a setting its values.
#[derive(Default)]
struct Environment<'a> {
    /// What runs are grouped by in a list: of two with one name, the second is named with its workload.
    groups: Vec<String>,
    parts: Vec<Part>,
    values: Vec<String>,
    settings: Vec<SettingOfRuns<'a>>,
    /// Each run's setting, by its place.
    of_runs: Vec<usize>,
}

struct SettingOfRuns<'a> {
    setting: &'a Setting,
    group: usize,
    /// The place of each part's value; None where there is none.
    values: Vec<Option<usize>>,
}

impl<'a> Environment<'a> {
    fn of(runs: &[&'a Entry]) -> Self {
        let known: Vec<BTreeMap<Part, PartValue>> =
            runs.iter().map(|entry| parts_of(&entry.setting)).collect();
        let mut parts: Vec<Part> = known.iter().flat_map(BTreeMap::keys).cloned().collect();
        parts.sort();
        parts.dedup();
        let mut all = Self { parts, ..Self::default() };
        let mut places = BTreeMap::new();
        let mut settings: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut lines: Vec<Line> = Vec::new();
        for (entry, known) in runs.iter().zip(&known) {
            let identity = (entry.setting.series.id.as_str(), entry.setting.epoch.id.as_str());
            let place = *settings.entry(identity).or_insert_with(|| {
                let values = all.parts.iter().map(|part| {
                    let value = known.get(part)?;
                    Some(*places.entry((part.clone(), &value.decides)).or_insert_with(|| {
                        all.values.push(one_line(&value.shown));
                        all.values.len() - 1
                    }))
                });
                let values = values.collect();
                let group = group(&mut lines, &mut all.groups, &entry.setting);
                all.settings.push(SettingOfRuns { setting: &entry.setting, group, values });
                all.settings.len() - 1
            });
            all.of_runs.push(place);
        }
        all
    }

    /// Whether nothing of two settings is compared.
    fn are_unlike(&self, one: &SettingOfRuns<'_>, other: &SettingOfRuns<'_>) -> bool {
        let parts = self.parts.iter().zip(one.values.iter().zip(&other.values));
        let mut differing = parts.filter(|(_, (one, other))| one != other);
        differing.any(|(part, _)| part.breaks.comparability() == Comparability::Unlike)
    }

    fn settings(&self) -> Value {
        let data = self.settings.iter().map(|it| {
            let series = &it.setting.series;
            let identity = self.settings.iter().position(|other| !self.are_unlike(it, other));
            json!({
                "group": it.group,
                "model": one_line(&series.model),
                "machine": one_line(&series.machine),
                "device": one_line(&series.device_in_words()),
                "openvino": one_line(series.openvino.as_deref().unwrap_or("?")),
                "values": it.values,
                // Runs of one setting are the same thing, and those of another identity are unlike.
                "identity": identity,
            })
        });
        data.collect()
    }
}

/// The place of a setting's group.
fn group(lines: &mut Vec<Line>, groups: &mut Vec<String>, setting: &Setting) -> usize {
    let line = setting.line();
    if let Some(place) = lines.iter().position(|known| *known == line) {
        return place;
    }
    let series = &setting.series;
    let name = one_line(&format!("{} on {}, {}", series.model, series.device_in_words(), series.machine));
    let is_taken = groups.contains(&name);
    groups.push(if is_taken { format!("{name}, workload {}", short(&series.workload_sha256)) } else { name });
    lines.push(line);
    groups.len() - 1
}

/// All that is known of a setting.
fn parts_of(setting: &Setting) -> BTreeMap<Part, PartValue> {
    let series = &setting.series;
    let mut parts = BTreeMap::new();
    let mut add = |breaks: Breaks, what: &str, decides: &str, shown: String| {
        let part = Part { breaks, what: what.to_owned() };
        parts.insert(part, PartValue { decides: decides.to_owned(), shown });
    };
    let named = |name: &str, sha256: &str| format!("{name} ({})", short(sha256));
    let (machine, model, workload) = (&series.machine_sha256, &series.model_sha256, &series.workload_sha256);
    add(Breaks::Machine, "machine", machine, named(&series.machine, machine));
    add(Breaks::Model, "model", model, named(&series.model, model));
    add(Breaks::Workload, "workload", workload, short(workload).to_owned());
    let device = match &series.gpu {
        Some(gpu) => format!("{} ({gpu})", series.device_in_words()),
        None => series.device_in_words(),
    };
    add(Breaks::Device, "device", &device, device.clone());
    if let Some(openvino) = &series.openvino {
        add(Breaks::Runtime, "OpenVINO", openvino, openvino.clone());
    }
    for (name, value) in &setting.epoch.parts {
        let what = match name.as_str() {
            "gpu driver" => "GPU driver",
            "gpu driver's opencl" => "OpenCL of the GPU driver",
            "gpu kernel driver" => "GPU kernel driver",
            "openvino" => "OpenVINO's build",
            name => name,
        };
        let breaks = if name.starts_with(PROPERTY) { Breaks::Runtime } else { Breaks::Epoch };
        if !NAMED_ALREADY.contains(&name.as_str()) {
            add(breaks, what, value, value.clone());
        }
    }
    parts
}

fn part_data(part: &Part) -> Value {
    json!({
        "what": one_line(&part.what),
        "breaks": part.breaks.as_str(),
        // Whether it makes two things of two runs.
        "is_identity": part.breaks.comparability() == Comparability::Unlike,
        // What it means that there is none.
        "absent": if part.what.starts_with(PROPERTY) { "not set" } else { "not known" },
    })
}

/// The prompts of all runs, in the order in which they are met.
fn prompts(runs: &[&Entry]) -> Vec<String> {
    let mut prompts: Vec<String> = Vec::new();
    let runs = runs.iter().filter_map(|entry| entry.metric_values.as_ref());
    for prompt in runs.flat_map(|run| run.prompts.iter().take(MOST_PROMPTS)) {
        if !prompts.contains(&prompt.id) {
            prompts.push(prompt.id.clone());
        }
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
