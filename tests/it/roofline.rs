//! How near decoding comes to what memory allows: a share for a model that memory must give, and none
//! for one that the processor's cache holds.

use std::path::Path;

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::{ActiveWeights, Graph};
use arcgauge::golden::GoldenSet;
use arcgauge::judge::{Roofline, roofline_of, summarise};
use arcgauge::measure::{BANDWIDTH_BUFFER_BYTES, BandwidthReference};
use arcgauge::record::Experiment;

use crate::big_model::{self, BigModel};
use crate::checkout::{Checkout, repository, shipped_model};
use crate::ended::Ended;

/// A bench of a model on the CPU, and its record.
fn bench(model: &Path) -> (Ended, Experiment) {
    let checkout = Checkout::new();
    let (device, tokens) = (["--device", "CPU", "--runs", "1"], ["--max-new-tokens", "10"]);
    let requested = ["--unverified", "--prompt", "fibonacci", "--model-dir", model.to_str().unwrap()];
    let ended = checkout.run(["bench", "--wide"].iter().chain(&device).chain(&tokens).chain(&requested));
    ended.exits(0);
    (ended, checkout.only_record())
}

/// What the table says of the roofline.
fn reported(ended: &Ended) -> &str {
    let line = ended.stdout.lines().find_map(|line| line.strip_prefix("roofline "));
    line.unwrap_or_else(|| panic!("no word on the roofline\n{ended}")).trim()
}

#[test]
fn a_model_that_memory_must_give_reaches_a_share_of_what_memory_allows() {
    let (ended, record) = bench(&BigModel::make().path());
    let goldens = GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap();
    let golden = &goldens.goldens["fibonacci"];
    assert_eq!(record.arms[0].samples.len(), 2);
    for sample in &record.arms[0].samples {
        assert_eq!(sample.token_ids, golden.token_ids[..10], "it is the shipped model, but for its size");
    }
    // All that differs is the vocabulary: the head is read whole, of the embedding one row.
    let folder = ModelFolder::open(&shipped_model()).unwrap();
    let shipped = ActiveWeights::of(&Graph::read(&folder).unwrap(), folder.config()).unwrap();
    let (weights, added_bytes) =
        (record.arms[0].model.active_weights.unwrap(), big_model::BYTES_ADDED_TO_A_TABLE);
    assert_eq!(weights.total_bytes, shipped.total_bytes + 2 * added_bytes);
    assert_eq!(weights.active_bytes_per_token, shipped.active_bytes_per_token + added_bytes);

    let can_be_reported = record.machine.last_level_cache_bytes.is_some_and(|cache| {
        cache <= BANDWIDTH_BUFFER_BYTES as u64 / 2 && cache < weights.active_bytes_per_token
    });
    match roofline_of(record.subject(), &summarise(&record.arms[0])) {
        Roofline::Share { fastest_ms_per_token, share, caveat } => {
            assert!(can_be_reported && share > 0.0 && share < 1.0 && fastest_ms_per_token > 0.0, "{share}");
            assert_eq!(caveat, None);
            let percent = share * 100.0;
            let said = format!("{percent:.0} % of what memory allows ({fastest_ms_per_token:.2} ms/token)");
            assert_eq!(reported(&ended), said);
        }
        Roofline::NotMeaningful { reason } => {
            assert!(!can_be_reported, "{reason}\n{ended}");
            assert_eq!(reported(&ended), format!("not meaningful: {reason}"));
        }
    }
}

#[test]
fn the_shipped_model_has_no_roofline_where_the_last_level_cache_holds_it() {
    let (ended, record) = bench(&shipped_model());
    let weights = record.arms[0].model.active_weights.unwrap();
    let fits = record.machine.last_level_cache_bytes.is_some_and(|cache| cache >= weights.total_bytes);
    let says_so = reported(&ended) == "not meaningful: the weights fit in the last-level cache";
    assert_eq!(says_so, fits, "{ended}");
}

#[test]
fn the_bandwidth_reference_reads_its_whole_buffer_at_a_speed_that_memory_can_have() {
    let reading = BandwidthReference::run().unwrap();
    assert_eq!(reading.buffer_bytes, BANDWIDTH_BUFFER_BYTES as u64);
    let bandwidth = reading.bandwidth_bytes_per_s().unwrap();
    assert!((1e8..1e13).contains(&bandwidth), "{reading:?}");
}
