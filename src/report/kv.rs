//! Changes of the KV cache side by side: how the output agrees, what the cache takes, and what each step costs.

use serde_json::{Value, json};

use crate::judge::kv::{KvArm, KvBytesPerToken, kv_arms};
use crate::judge::peers::round_values;
use crate::measure::kv::KvMethod;
use crate::record::Experiment;
use crate::report::chart::agreement_chart;
use crate::report::document::{Cell, Document, Table, number};
use crate::report::number::{four_digits, mebibytes, percent, whole_percent};
use crate::report::peers::{add_rounds, interval, opened, plan, warnings};
use crate::visible;

/// Said wherever a model is not the published one.
const MECHANICS: &str = "A small model judges mechanics, not quality: that states are changed as requested, what that \
    costs, and what it saves. How much quality a method costs is for the model that it is meant for.";
const FULL_WIDTH: &str = "saved, resident: what the runtime itself holds less. A change between steps or in the graph \
    writes full-width rows back and saves nothing there, whatever could be stored packed; removed rows and the \
    plugin's own codecs do save.";

/// The report on a record of `kv`.
pub fn kv_document(record: &Experiment) -> Document {
    let rounds = round_values(record);
    let arms = kv_arms(record);
    let mut document = opened(record, &rounds, plan(record, &rounds, "arm"));
    let is_published =
        record.published.as_ref().is_some_and(|it| it.difference_to(&record.subject()).is_none());
    if !is_published {
        document.text(MECHANICS);
    }
    document.titled_table("Output compared with the first arm", output(&arms));
    document.text(
        "free running: prompts of which every token is the same, and the first that is not; teacher-forced: the \
         same tokens are fed to both, and the next-token distributions compared.",
    );
    document.titled_table("Bytes of the KV cache", bytes(&arms));
    document.text(FULL_WIDTH);
    if let Some(line) = at_20b(&arms) {
        document.text(line);
    }
    if let Some(line) = peaks(&arms) {
        document.text(line);
    }
    document.titled_table("Time", time(&arms));
    document.text(
        "ratio: geometric mean over the rounds that count, with its 95 % interval by Student's t; read, transform, \
         write: mean per token of the changes between steps, of which the ratio contains all.",
    );
    let published = published(record);
    if !published.is_empty() {
        document.section("Published on an Arc 140V, for another way of applying them; not compared");
        for line in published {
            document.text(line);
        }
    }
    add_rounds(&mut document, record, &rounds);
    warnings(&mut document, record);
    document
}

/// The arms in two charts: how far their distributions move by what the cache takes, and by what a token takes.
pub(in crate::report) fn add_charts(document: &mut Document, record: &Experiment) {
    let arms = kv_arms(record);
    document.chart(agreement_chart(
        "Agreement and bytes",
        "packed bytes per token, % of 16 bit, lower is better",
        &arms,
        |arm| Some(100.0 * arm.bytes?.share_of_16_bit),
    ));
    document.chart(agreement_chart(
        "Agreement and time",
        "TPOT, ratio to the first arm, lower is better",
        &arms,
        |arm| Some(arm.tpot_ratio?.ratio),
    ));
}

/// How each arm agrees with the first by text and seed: for pages, where there is room.
pub(in crate::report) fn add_agreements(document: &mut Document, record: &Experiment) {
    let headings =
        ["arm", "text", "seed", "steps", "same token", "first other", "mean KL", "largest KL", "margin"];
    let mut table = Table::new(headings).with_keys(3);
    for arm in &record.arms {
        for it in arm.kv.iter().flat_map(|kv| &kv.agreements) {
            table.row([
                (&arm.label).into(),
                (&it.text).into(),
                number(it.seed.map(|seed| seed.to_string())),
                number(Some(it.steps.to_string())),
                number(Some(percent(100.0 * it.agreed_steps as f64 / it.steps.max(1) as f64))),
                number(it.first_difference.map(|step| (step + 1).to_string())),
                number(Some(exponent(it.mean_kl_nats))),
                number(Some(exponent(it.largest_kl_nats))),
                number(Some(four_digits(it.largest_margin_change_logit))),
            ]);
        }
    }
    document.titled_table("Teacher-forced, by text and seed", table);
}

/// A divergence spans many orders of magnitude: as in "1.2e-5".
fn exponent(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}

fn output(arms: &[KvArm]) -> Table {
    let headings =
        ["arm", "free running", "first other", "same token", "mean KL", "by seed", "margin, logit"];
    let rows = arms.iter().map(|arm| {
        let free = &arm.free_running;
        let forced = arm.teacher_forced.as_ref();
        let seeds = forced.filter(|it| it.seeds > 1);
        [
            numbered(arms, arm),
            match arm.golden {
                Some(golden) => number(Some(format!("golden: {}", golden.as_str()))),
                None => number(Some(format!("{} of {} equal", free.equal_prompts, free.prompts))),
            },
            number(free.first_difference.map(|token| (token + 1).to_string())),
            number(forced.map(|it| percent(100.0 * it.agreed_share))),
            number(forced.map(|it| exponent(it.mean_kl_nats))),
            number(seeds.map(|it| {
                format!("{} to {}", exponent(it.lowest_seed_kl_nats), exponent(it.highest_seed_kl_nats))
            })),
            number(forced.map(|it| four_digits(it.largest_margin_change_logit))),
        ]
    });
    Table::new(headings).with_optional(&["margin, logit", "by seed"]).with_rows(rows)
}

fn bytes(arms: &[KvArm]) -> Table {
    let headings = ["arm", "packed B/token", "of 16 bit", "packed", "resident", "saved, resident", "buffers"];
    let rows = arms.iter().map(|arm| {
        let of = |value: fn(&KvBytesPerToken) -> Option<String>| number(arm.bytes.as_ref().and_then(value));
        [
            numbered(arms, arm),
            of(|it| Some(format!("{:.0}", it.packed_per_token))),
            of(|it| Some(whole_percent(100.0 * it.share_of_16_bit))),
            of(|it| Some(mebibytes(it.packed))),
            of(|it| it.resident.map(mebibytes)),
            of(|it| {
                it.resident_saved.map(|bytes| if bytes == 0 { "0".to_owned() } else { mebibytes(bytes) })
            }),
            of(|it| Some(mebibytes(it.buffers))),
        ]
    });
    Table::new(headings).with_optional(&["buffers", "packed"]).with_rows(rows)
}

/// Of a model whose cache has another shape than GPT-OSS-20B's: what each arm would take there.
fn at_20b(arms: &[KvArm]) -> Option<String> {
    let bytes = arms.iter().filter_map(|arm| Some((&arm.arm, arm.bytes.as_ref()?)));
    let other = |it: &KvBytesPerToken| (it.packed_per_token_at_20b - it.packed_per_token).abs() > 0.5;
    let scaled: Vec<String> = bytes
        .filter(|(_, bytes)| other(bytes))
        .map(|(arm, bytes)| format!("{arm} {:.0}", bytes.packed_per_token_at_20b))
        .collect();
    (!scaled.is_empty())
        .then(|| format!("packed B/token in the shape of GPT-OSS-20B's cache: {}", scaled.join(", ")))
}

/// What the processes really took: packing saves no memory until this is less.
fn peaks(arms: &[KvArm]) -> Option<String> {
    let peaks = arms.iter().enumerate().filter_map(|(at, arm)| {
        Some(format!("arm {} {}", at + 1, mebibytes(arm.bytes.as_ref()?.peak_rss_bytes?)))
    });
    let peaks: Vec<String> = peaks.collect();
    (!peaks.is_empty()).then(|| format!("peak RSS of a generation, buffers included: {}", peaks.join(", ")))
}

fn time(arms: &[KvArm]) -> Table {
    let headings = [
        "arm",
        "changed in",
        "TPOT ms",
        "ratio",
        "95 % interval",
        "TTFT ratio",
        "read ms",
        "transform ms",
        "write ms",
    ];
    let rows = arms.iter().map(|arm| {
        let cost = arm.cost.as_ref();
        [
            numbered(arms, arm),
            changed(arm).into(),
            number(arm.tpot_ms.map(four_digits)),
            number(arm.tpot_ratio.map(|it| four_digits(it.ratio))),
            interval(arm.tpot_ratio.as_ref()),
            number(arm.ttft_ratio.map(|it| four_digits(it.ratio))),
            number(cost.map(|it| four_digits(it.read_ms))),
            number(cost.map(|it| four_digits(it.transform_ms))),
            number(cost.map(|it| four_digits(it.write_ms))),
        ]
    });
    Table::new(headings).with_optional(&["TTFT ratio", "changed in", "write ms", "read ms"]).with_rows(rows)
}

/// As in "2 copy": charts name an arm by its number.
fn numbered(arms: &[KvArm], arm: &KvArm) -> Cell {
    let number = arms.iter().position(|it| it.arm == arm.arm).unwrap_or_default() + 1;
    format!("{number} {}", arm.arm).into()
}

fn changed(arm: &KvArm) -> &'static str {
    match arm.method {
        KvMethod::Unchanged => "-",
        KvMethod::States => "states",
        KvMethod::Graph => "graph",
        KvMethod::Plugin => "plugin",
    }
}

fn published(record: &Experiment) -> Vec<String> {
    let metric_values = record.published_engines.iter().filter_map(|it| Some((it, it.baseline?)));
    let line = |(it, baseline): (&crate::record::PublishedValue, f64)| {
        format!(
            "{}: {} tok/s beside {}, {} x the time",
            it.series,
            four_digits(it.value),
            four_digits(baseline),
            four_digits(baseline / it.value)
        )
    };
    metric_values.map(line).collect()
}

const SCHEMA: &str = "arcgauge-kv@1";

/// A record of `kv` as JSON.
pub fn kv_json(record: &Experiment) -> String {
    let agreements =
        record.arms.iter().filter_map(|arm| Some((arm.label.clone(), json!(arm.kv.as_ref()?.agreements))));
    let value = json!({
        "schema": SCHEMA,
        "run_id": record.run_id,
        "when_utc": record.when_utc,
        "outcome": record.outcome,
        "failure": record.failure,
        "arms": kv_arms(record),
        "agreements": agreements.collect::<serde_json::Map<String, Value>>(),
        "published": record.published_engines,
        "warnings": record.warnings,
    });
    visible::json(&format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ModelShape;
    use crate::judge::peers::example::{engine, record};
    use crate::measure::kv::{KvAgreement, KvUse};
    use crate::record::{Arm, KvRecord, PlanKind};

    fn arm(name: &str, method: KvMethod, percent: u64, uses: &[KvUse], mean_kl_nats: &[f64]) -> Arm {
        let mut arm = engine(name, "arcgauge", "sdpa", "f32", percent);
        let agreement = |(seed, mean_kl_nats): (usize, &f64)| KvAgreement {
            text: "probe".into(),
            seed: Some(seed as u64),
            steps: 10,
            agreed_steps: 9,
            first_difference: Some(4),
            mean_kl_nats: *mean_kl_nats,
            largest_kl_nats: 2.0 * mean_kl_nats,
            largest_margin_change_logit: 0.5,
        };
        let agreements = mean_kl_nats.iter().enumerate().map(agreement).collect();
        let shape =
            ModelShape { layers: Some(24), kv_heads: Some(8), head_size: Some(64), ..ModelShape::default() };
        arm.model.shape = Some(shape);
        arm.kv = Some(KvRecord { transform: name.into(), method, uses: uses.to_vec(), agreements });
        arm
    }

    fn experiment() -> Experiment {
        let packed = KvUse {
            tokens: 100,
            rows: 100,
            packed_bytes: 1_612_800,
            buffer_bytes: 4 << 20,
            changes: 3,
            read_ns: 3_000_000,
            transform_ns: 600_000,
            write_ns: 6_000_000,
        };
        let pruned = KvUse { rows: 50, packed_bytes: 2_457_600, ..packed };
        let whole = KvUse { packed_bytes: 4_915_200, ..packed };
        let arms = vec![
            arm("none", KvMethod::Unchanged, 100, &[KvUse { changes: 0, ..whole }], &[]),
            arm("turboquant:k6v4", KvMethod::States, 200, &[packed], &[1e-5, 3e-5]),
            arm("triattention:50,calibration=/a/b.json", KvMethod::States, 50, &[pruned], &[2e-3]),
        ];
        Experiment { plan: PlanKind::Kv, ..record(arms) }
    }

    #[test]
    fn arms_are_reported_by_output_bytes_and_time_and_full_width_rows_save_nothing() {
        let text = kv_document(&experiment()).to_text(Some(200));
        for row in [
            "A small model judges mechanics, not quality",
            "golden: match",
            "90.0 %   2.0e-5  1.0e-5 to 3.0e-5",
            "16128       33 %  1.5 MiB   9.4 MiB                0  4.0 MiB",
            "24576       50 %  2.3 MiB   4.7 MiB          4.7 MiB  4.0 MiB",
            "2.000",
            "peak RSS of a generation, buffers included: arm 1 ",
        ] {
            assert!(text.contains(row), "{row}\n{text}");
        }
    }

    #[test]
    fn both_charts_number_the_arms_as_the_tables_do() {
        let mut document = Document::default();
        add_charts(&mut document, &experiment());
        add_agreements(&mut document, &experiment());
        let text = format!("{document:?}");
        for part in ["Agreement and bytes", "Agreement and time", "1e-5", "1e-3"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        // The description, and the label of each of the two forms of each of the two charts.
        assert_eq!(text.matches("2 is turboquant:k6v4; 3 is triattention:50.").count(), 6, "{text}");
    }

    #[test]
    fn programs_get_every_digit_and_each_seed() {
        let json: Value = serde_json::from_str(&kv_json(&experiment())).unwrap();
        assert_eq!(json["schema"], SCHEMA);
        assert_eq!(json["arms"][1]["teacher_forced"]["seeds"], 2);
        assert_eq!(json["agreements"]["turboquant:k6v4"][1]["mean_kl_nats"], 3e-5);
        assert_eq!(json["arms"][2]["free_running"]["first_difference"], Value::Null);
    }
}
