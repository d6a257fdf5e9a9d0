//! How near decoding comes to what memory allows: a share for a model that memory must give, and none
//! for one that the processor's cache holds.

use std::path::Path;

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::{ActiveWeights, DeviceKind, Graph};
use arcgauge::golden::{Golden, GoldenSet};
use arcgauge::judge::{Roofline, RooflineFacts, roofline};
use arcgauge::measure::{
    CANARY_BYTES, Canary, CanaryReading, Metric, MonotonicClock, PlannedPrompt, last_level_cache_bytes,
    sample_here,
};

use crate::big_model::{self, BigModel};
use crate::checkout::{repository, shipped_model};
use crate::this_machine::engine_of;

/// Enough for a time per token, and soon done.
const NEW_TOKENS: usize = 10;

fn weights_of(model: &Path) -> ActiveWeights {
    let folder = ModelFolder::open(model).unwrap();
    ActiveWeights::of(&Graph::read(&folder).unwrap(), folder.config()).unwrap()
}

fn golden() -> Golden {
    let goldens = GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap();
    goldens.goldens.into_values().next().unwrap()
}

/// Milliseconds per token of a model on this machine's processor, its tokens being the golden ones.
fn measured_tpot_ms(model: &Path) -> f64 {
    let golden = golden();
    let prompt = PlannedPrompt { id: golden.prompt_id.clone(), token_ids: golden.prompt_token_ids.clone() };
    let mut engine = engine_of(model);
    let mut decode = || sample_here(&mut engine, &prompt, NEW_TOKENS, &MonotonicClock).unwrap();
    decode();
    let sample = decode();
    assert_eq!(sample.token_ids, golden.token_ids[..NEW_TOKENS]);
    Metric::TimePerOutputToken.of(&sample).unwrap().value
}

fn facts(model: &Path, canary: &CanaryReading) -> RooflineFacts {
    let weights = weights_of(model);
    RooflineFacts {
        active_bytes_per_token: Some(weights.active_bytes_per_token),
        total_weight_bytes: Some(weights.total_bytes),
        bandwidth_bytes_per_s: canary.bandwidth_bytes_per_s(),
        canary_buffer_bytes: Some(canary.buffer_bytes),
        last_level_cache_bytes: last_level_cache_bytes(Path::new("/sys")),
        tpot_ms: Some(measured_tpot_ms(model)),
        device: DeviceKind::Cpu,
    }
}

#[test]
fn a_model_that_memory_must_give_reaches_a_share_of_what_memory_allows() {
    let big = BigModel::make();
    let facts = RooflineFacts {
        // A server's cache may hold even this model, and then there is nothing to be told.
        last_level_cache_bytes: Some(32 << 20),
        ..facts(&big.path(), &Canary::run().unwrap())
    };
    // All that differs is the vocabulary: the head is read whole, of the embedding one row.
    let (shipped, added_bytes) = (weights_of(&shipped_model()), big_model::BYTES_ADDED_TO_A_TABLE);
    assert_eq!(facts.total_weight_bytes, Some(shipped.total_bytes + 2 * added_bytes));
    assert_eq!(facts.active_bytes_per_token, Some(shipped.active_bytes_per_token + added_bytes));
    let Roofline::Share { fastest_ms_per_token, share, caveat } = roofline(facts) else {
        panic!("{:?} of {facts:?}", roofline(facts))
    };
    assert!(fastest_ms_per_token > 0.0 && share > 0.0 && share < 1.0, "{share} of {facts:?}");
    assert_eq!(caveat, None);
}

#[test]
fn the_shipped_model_has_no_roofline_where_the_last_level_cache_holds_it() {
    let facts = facts(&shipped_model(), &Canary::run().unwrap());
    let fits = facts.last_level_cache_bytes.is_some_and(|cache| cache >= facts.total_weight_bytes.unwrap());
    let because = "the weights fit in the last-level cache";
    assert_eq!(roofline(facts) == Roofline::NotMeaningful { because }, fits, "{facts:?}");
}

#[test]
fn the_canary_reads_its_whole_buffer_at_a_speed_that_memory_can_have() {
    let reading = Canary::run().unwrap();
    assert_eq!(reading.buffer_bytes, CANARY_BYTES as u64);
    let bandwidth = reading.bandwidth_bytes_per_s().unwrap();
    assert!((1e8..1e13).contains(&bandwidth), "{reading:?}");
}
