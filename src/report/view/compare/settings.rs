//! What lay around the runs, each value once: a run knows its setting by its place, and a setting its values.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::judge::comparability::Breaks;
use crate::record::{Entry, Line, Series, Setting};
use crate::visible::one_line;

/// So many digits of a hash tell it apart.
const DIGITS: usize = 12;
/// Parts of an epoch that the machine and the model tell already.
const TOLD_OTHERWISE: [&str; 2] = ["machine", "model"];
/// A property's name follows.
const PROPERTY: &str = "property ";

/// What may differ, what weighs most first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    breaks: Breaks,
    what: String,
}

/// The same for the script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PartData {
    what: String,
    /// Which identity a difference in it breaks.
    breaks: &'static str,
    /// Whether it makes two things of two runs: then nothing is compared.
    is_identity: bool,
    /// What it means that there is none.
    absent: &'static str,
}

/// On what runs were measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SettingData {
    group: usize,
    series: String,
    epoch: String,
    model: String,
    machine: String,
    device: String,
    openvino: String,
    /// The place of each part's value; None where there is none.
    values: Vec<Option<usize>>,
}

/// All of the runs to choose from.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    pub(super) groups: Vec<String>,
    pub(super) parts: Vec<PartData>,
    pub(super) values: Vec<String>,
    pub(super) settings: Vec<SettingData>,
    /// Each run's setting, by its place.
    pub(super) of_runs: Vec<usize>,
}

/// The line that a record is on: what two runs must share to be of one thing.
pub(super) fn line_of(entry: &Entry) -> Line {
    entry.setting.line()
}

/// A value as it decides and as it is reported: of two machines of one name the hash decides.
struct Value {
    decides: String,
    reported: String,
}

impl Environment {
    pub(super) fn of(runs: &[&Entry]) -> Self {
        let known_parts: Vec<BTreeMap<Part, Value>> =
            runs.iter().map(|entry| parts_of(&entry.setting)).collect();
        let mut parts: Vec<&Part> = known_parts.iter().flat_map(BTreeMap::keys).collect();
        parts.sort();
        parts.dedup();
        let mut all =
            Self { parts: parts.iter().map(|part| PartData::of(part)).collect(), ..Self::default() };
        let mut places = BTreeMap::new();
        let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut lines: Vec<Line> = Vec::new();
        for (entry, values) in runs.iter().zip(&known_parts) {
            let (series, epoch) = (&entry.setting.series, &entry.setting.epoch);
            let place = *known.entry((&series.id, &epoch.id)).or_insert_with(|| {
                let values = parts.iter().map(|part| {
                    let value = values.get(part)?;
                    let key = (*part, &value.decides);
                    Some(*places.entry(key).or_insert_with(|| {
                        all.values.push(one_line(&value.reported));
                        all.values.len() - 1
                    }))
                });
                let values = values.collect();
                let group = group(&mut lines, &mut all.groups, entry);
                all.settings.push(SettingData {
                    group,
                    series: one_line(&series.id),
                    epoch: one_line(&epoch.id),
                    model: one_line(&series.model),
                    machine: one_line(&series.machine),
                    device: one_line(&series.device_in_words()),
                    openvino: one_line(series.openvino.as_deref().unwrap_or("?")),
                    values,
                });
                all.settings.len() - 1
            });
            all.of_runs.push(place);
        }
        all
    }
}

/// The place of a run's group; of two with one name, the second is named with its workload.
fn group(lines: &mut Vec<Line>, groups: &mut Vec<String>, entry: &Entry) -> usize {
    let line = line_of(entry);
    if let Some(place) = lines.iter().position(|known| *known == line) {
        return place;
    }
    let series = &entry.setting.series;
    let Series { model, machine, workload_sha256, .. } = series;
    let device = series.device_in_words();
    let name = one_line(&format!("{model} on {device}, {machine}"));
    let is_taken = groups.contains(&name);
    groups.push(if is_taken { format!("{name}, workload {}", digits(workload_sha256)) } else { name });
    lines.push(line);
    groups.len() - 1
}

/// All that is known of a setting.
fn parts_of(setting: &Setting) -> BTreeMap<Part, Value> {
    let series = &setting.series;
    let mut parts = BTreeMap::new();
    let mut add = |breaks: Breaks, what: &str, decides: &str, reported: String| {
        let part = Part { breaks, what: what.to_owned() };
        parts.insert(part, Value { decides: decides.to_owned(), reported });
    };
    let named = |name: &str, sha256: &str| format!("{name} ({})", digits(sha256));
    let Series { machine, machine_sha256, model, model_sha256, workload_sha256, .. } = series;
    add(Breaks::Machine, "machine", machine_sha256, named(machine, machine_sha256));
    add(Breaks::Model, "model", model_sha256, named(model, model_sha256));
    add(Breaks::Workload, "workload", workload_sha256, digits(workload_sha256));
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
        if !TOLD_OTHERWISE.contains(&name.as_str()) {
            add(breaks, what, value, value.clone());
        }
    }
    parts
}

fn digits(sha256: &str) -> String {
    sha256.chars().take(DIGITS).collect()
}

impl PartData {
    fn of(part: &Part) -> Self {
        Self {
            what: one_line(&part.what),
            breaks: part.breaks.as_str(),
            is_identity: part.breaks < Breaks::Runtime,
            absent: if part.what.starts_with(PROPERTY) { "not set" } else { "not known" },
        }
    }
}
