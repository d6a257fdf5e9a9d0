//! The published value is judged for its own model and device alone, and only where the record can be
//! trusted.

use arcgauge::engine::openvino::DeviceFacts;
use arcgauge::golden::GoldenResult;
use arcgauge::judge::{Standing, standing};
use arcgauge::measure::guard::Watch;
use arcgauge::measure::{Metric, MetricValue};
use arcgauge::record::{Experiment, PublishedReference};
use arcgauge::sys::SysfsRoot;

use crate::forged;

/// A record that the published value holds for, and the value with that record's model accepted.
fn published_run() -> (Experiment, PublishedReference) {
    let mut record = forged::record();
    let mut published = forged::published();
    record.arms[0].device = forged::arc(Some(true));
    record.arms[0].prompts[0].golden = GoldenResult::Match;
    published.model.accepted = vec![forged::accepted(&record.arms[0].model.sha256)];
    published.prompts = vec!["fibonacci".into()];
    published.new_tokens = record.arms[0].workload.new_tokens;
    (record, published)
}

fn at(value: f64) -> MetricValue {
    MetricValue { metric: Metric::EndToEndThroughput, value }
}

#[test]
fn the_same_model_on_the_same_device_is_judged() {
    let (record, published) = published_run();
    assert_eq!(standing(&published, &record.arms[0], Some(at(21.24))), Standing::Reached);
    assert_eq!(standing(&published, &record.arms[0], Some(at(21.23))), Standing::Below);
}

#[test]
fn whatever_is_unlike_or_cannot_be_believed_is_shown_and_not_judged() {
    let judged = |edit: &dyn Fn(&mut Experiment), speed: Option<MetricValue>| {
        let (mut record, published) = published_run();
        edit(&mut record);
        match standing(&published, &record.arms[0], speed) {
            Standing::NotJudged(reason) => reason,
            other => panic!("{other:?}"),
        }
    };
    let fast = Some(at(99.0));
    assert_eq!(judged(&|record| record.arms[0].model.sha256 = "7".repeat(64), fast), "another model");
    assert_eq!(judged(&|record| record.arms[0].device = forged::a_gpu(), fast), "another device");
    let by_its_name_alone = DeviceFacts {
        full_name: Some("Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)".into()),
        execution_units: Some(64),
        ..DeviceFacts::default()
    };
    let named = forged::gpu_with(by_its_name_alone);
    assert_eq!(judged(&|record| record.arms[0].device = named.clone(), fast), "another device");
    let emulated = "the device is emulated";
    assert_eq!(judged(&|record| record.arms[0].device = forged::an_emulated_arc(), fast), emulated);
    assert_eq!(
        judged(&|record| record.arms[0].workload.new_tokens = 5, fast),
        "other prompts or another number of tokens"
    );
    assert_eq!(
        judged(&|record| record.arms[0].prompts[0].golden = GoldenResult::None, fast),
        "the output is not verified"
    );
    let by_word = "the device is proven as reported by OpenVINO alone";
    assert_eq!(judged(&|record| record.arms[0].device = forged::arc(None), fast), by_word);
    assert_eq!(judged(&|_| {}, None), "there is no speed");
    let decode = Some(MetricValue { metric: Metric::DecodeThroughput, value: 99.0 });
    assert!(judged(&|_| {}, decode).contains("different definitions"));
    // A GPU of which nothing was seen at work, by a log that could have seen it.
    let nothing_at_work = |record: &mut Experiment| {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Watch::start(SysfsRoot::at(folder.path().to_owned()), || 0, None).finish();
        for reading in &mut log.readings {
            reading.oom_kills = arcgauge::sys::Observed::Observed(reading.at_ns);
        }
        log.readings.last_mut().unwrap().oom_kills = arcgauge::sys::Observed::Observed(1);
        record.arms[0].processes[0].guards = Some(log);
        record.arms[0].samples[0].times = None;
    };
    assert_eq!(judged(&nothing_at_work, fast), "a guard tripped while it was measured");
}
