use crate::golden::GoldenResult;
use crate::judge::peers::example::{all_engines, engine, record};
use crate::judge::peers::{Facet, Multiple, Stands, peer_values, round_values, steps, whole_step};
use crate::measure::Metric;
use crate::record::{Experiment, encode};

fn multiple(record: &Experiment, metric: Metric, engine: usize) -> Option<Multiple> {
    Multiple::of(metric, &round_values(record), engine, 0)
}

fn is_about(value: f64, expected: f64) -> bool {
    (value / expected - 1.0).abs() < 1e-3
}

#[test]
fn an_engine_that_takes_a_quarter_longer_is_a_quarter_slower_and_worse() {
    let record = all_engines();
    let tpot = multiple(&record, Metric::TimePerOutputToken, 4).unwrap();
    assert!(is_about(tpot.ratio, 1.25) && tpot.rounds == 3, "{tpot:?}");
    assert_eq!(tpot.stands(), Stands::Worse);
    let throughput = multiple(&record, Metric::EndToEndThroughput, 4).unwrap();
    assert!(is_about(throughput.ratio, 0.8), "{throughput:?}");
    assert_eq!(throughput.stands(), Stands::Worse, "of a throughput less is worse");
    assert_eq!(multiple(&record, Metric::TimePerOutputToken, 3).unwrap().stands(), Stands::Better);
    assert_eq!(multiple(&record, Metric::TimePerOutputToken, 1).unwrap().stands(), Stands::Alike);
}

#[test]
fn each_step_is_between_engines_that_differ_in_one_thing() {
    let record = all_engines();
    let reported: Vec<_> = steps(&record).iter().map(|step| (step.facet, step.from, step.to)).collect();
    assert_eq!(
        reported,
        [
            (Facet::HostLoop, 1, 0),
            (Facet::HostLoop, 4, 0),
            (Facet::HostLoop, 4, 1),
            (Facet::Attention, 1, 2),
            (Facet::KvCachePrecision, 2, 3),
        ]
    );
    let whole = whole_step(&record).unwrap();
    assert_eq!((whole.from, whole.to), (4, 3));
    assert!(is_about(whole.throughput.ratio, 1.25 / 0.8));
}

#[test]
fn engines_that_differ_in_another_property_as_well_make_no_step() {
    let mut record = all_engines();
    let runtime = record.arms[4].runtime.as_mut().unwrap();
    runtime.properties_effective.insert("DYNAMIC_QUANTIZATION_GROUP_SIZE".into(), "32".into());
    assert!(steps(&record).iter().all(|step| step.from != 4), "optimum computes otherwise");
    let mut record = all_engines();
    record.arms[1].differences = vec!["ENABLE_CPU_PINNING=NO".into()];
    assert!(
        steps(&record).iter().all(|step| step.from != 1 && step.to != 1),
        "not read back, and requested of genai"
    );
    let mut record = all_engines();
    record.arms[1].attention = None;
    assert!(steps(&record).iter().all(|step| step.facet != Facet::Attention), "genai does not say");
}

#[test]
fn the_published_two_are_compared_with_each_other_only_as_each_comes() {
    let mut record = all_engines();
    record.arms.remove(3);
    record.rounds.iter_mut().for_each(|round| round.order = vec![0, 1, 2, 3]);
    assert_eq!(whole_step(&record), None, "paged, and its cache is not compressed");
    let mut record = all_engines();
    record.arms[3].differences = vec!["KV_CACHE_PRECISION=u8".into(), "NUM_STREAMS=2".into()];
    assert_eq!(whole_step(&record), None, "set otherwise as well");
}

#[test]
fn an_engine_with_a_wrong_prompt_is_compared_with_nothing() {
    let mut record = all_engines();
    let run = &mut record.arms[1];
    run.prompts[1].golden = GoldenResult::Break;
    let wrong = run.prompts[1].id.clone();
    run.samples.iter_mut().filter(|it| it.prompt_id == wrong).for_each(|it| it.times = None);
    assert_eq!(peer_values(&record)[1].multiples, [], "not even its memory");
    assert!(multiple(&record, Metric::TimePerOutputToken, 2).is_some());
}

#[test]
fn an_engine_that_notes_no_inferences_has_no_host_overhead() {
    let record = all_engines();
    assert!(multiple(&record, Metric::HostOverhead, 1).is_some());
    assert_eq!(multiple(&record, Metric::HostOverhead, 2), None);
    let metric_values = peer_values(&record);
    assert!(metric_values[1].host_overhead_us.is_some() && metric_values[2].host_overhead_us.is_none());
}

#[test]
fn one_round_has_no_interval_and_no_word() {
    let mut record = all_engines();
    record.rounds.truncate(1);
    let tpot = multiple(&record, Metric::TimePerOutputToken, 4).unwrap();
    assert_eq!((tpot.rounds, tpot.lower, tpot.stands()), (1, None, Stands::Unknown));
}

#[test]
fn a_record_comes_back_as_it_was_written_and_one_of_a_round_that_never_was_is_refused() {
    let mut whole = record(vec![
        engine("stateful", "arcgauge", "sdpa", "f32", 100),
        engine("genai", "openvino_genai", "sdpa", "f32", 110),
    ]);
    let encoded = encode(&whole).unwrap();
    let payload = encoded.splitn(2, |byte| *byte == b'\n').nth(1).unwrap();
    assert_eq!(serde_json::from_slice::<Experiment>(payload).unwrap(), whole);
    whole.rounds[2].order = vec![0, 7];
    let error = encode(&whole).unwrap_err().to_string();
    assert!(error.contains("an order in `rounds[2]` which is none of its arms"), "{error}");
    whole.rounds[2].order = vec![0, 0];
    assert!(encode(&whole).is_err());
}
