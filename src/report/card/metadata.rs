//! The card's YAML metadata: the `model-index` that the Hugging Face hub reads, in the shape of its `modelcard.md`.

use std::fmt::Write;

use crate::judge::Figures;
use crate::report::CardRecord;
use crate::report::number::four_digits;
use crate::visible;

/// The front matter of a card. `verified` is not written: only the hub itself may set it.
pub(super) fn metadata(record: CardRecord<'_>, average: &Figures) -> String {
    let run = record.run;
    let runtime = run.runtime.as_ref();
    let property = |key: &str| runtime.and_then(|runtime| runtime.properties_effective.get(key)).cloned();
    let args = [
        ("prompts", Some(run.workload.prompts.len().to_string())),
        ("new_tokens", Some(run.workload.new_tokens.to_string())),
        ("processes", Some(run.workload.runs.to_string())),
        ("model_sha256", Some(quoted(&run.model.sha256))),
        ("device", Some(quoted(&run.device.in_words(&run.experiment.machine.cpu)))),
        ("openvino", runtime.map(|runtime| quoted(&runtime.openvino_version))),
        ("inference_precision", property("INFERENCE_PRECISION_HINT").map(|it| quoted(&it))),
        ("kv_cache_precision", property("KV_CACHE_PRECISION").map(|it| quoted(&it))),
        ("commit", run.commit.as_ref().map(|commit| quoted(&commit.sha))),
        ("measured_utc", Some(quoted(&run.experiment.when_utc))),
        ("record", Some(quoted(record.file_name))),
        ("record_sha256", Some(quoted(record.payload_sha256))),
    ];
    let mut text = format!(
        "---\nmodel-index:\n- name: {}\n  results:\n  - task:\n      type: text-generation\n    dataset:\n      \
         type: arcgauge-prompts\n      name: {}\n      revision: {}\n      args:\n",
        quoted(&run.model.name),
        quoted(&format!("arcgauge, {} prompts", run.experiment.suite)),
        quoted(&run.workload.sha256),
    );
    for (key, value) in args.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        let _ = writeln!(text, "        {key}: {value}");
    }
    text.push_str("    metrics:\n");
    for (metric, value) in average.mean.iter().filter(|(_, value)| value.is_finite()) {
        let name = quoted(&format!("{} ({})", metric.title(), metric.unit()));
        let (id, value) = (quoted(metric.id()), four_digits(value));
        let _ = writeln!(text, "    - type: {id}\n      name: {name}\n      value: {value}");
    }
    text + "---\n\n"
}

/// A text as a double-quoted scalar: JSON's strings are YAML's, and nothing in it is invisible.
fn quoted(text: &str) -> String {
    serde_json::Value::from(visible::line(text)).to_string()
}
