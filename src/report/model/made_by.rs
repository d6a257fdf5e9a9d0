//! What the tools that made a model noted in it, as far as it says most.

use std::collections::BTreeMap;

use crate::report::model::description::line;

/// How the weights were compressed, as NNCF notes it.
const COMPRESSION: &str = "nncf.weight_compression.";
/// What of it says most; the rest is in the JSON.
const SETTINGS: [&str; 9] = [
    "mode",
    "group_size",
    "ratio",
    "backup_mode",
    "all_layers",
    "awq",
    "gptq",
    "scale_estimation",
    "lora_correction",
];
/// What made the model, with the notes that have its version.
const MAKERS: [(&str, &str); 5] = [
    ("OpenVINO", "Runtime_version"),
    ("NNCF", "nncf.version"),
    ("optimum-intel", "optimum.optimum_intel_version"),
    ("transformers", "optimum.transformers_version"),
    ("PyTorch", "optimum.pytorch_version"),
];

/// How the weights were compressed and what made the model, as far as it says so.
pub(super) fn made_lines(made_by: &BTreeMap<String, String>) -> Vec<String> {
    let settings = SETTINGS.iter().filter_map(|name| {
        let value = made_by.get(&format!("{COMPRESSION}{name}")).filter(|value| *value != "False")?;
        Some(format!("{name} {value}"))
    });
    let settings: Vec<String> = settings.collect();
    let makers = MAKERS.iter().filter_map(|(maker, note)| Some(format!("{maker} {}", made_by.get(*note)?)));
    let makers: Vec<String> = makers.collect();
    let mut lines = Vec::new();
    if !settings.is_empty() || !makers.is_empty() {
        lines.push(String::new());
    }
    if !settings.is_empty() {
        lines.push(line(
            "compression",
            &format!("{} (as noted last, in the graph's rt_info)", settings.join(", ")),
        ));
    }
    if !makers.is_empty() {
        lines.push(line("made by", &makers.join(", ")));
    }
    lines
}
