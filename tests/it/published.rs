//! The published figure is judged for its own model and device alone, and only where the record can be
//! believed.

use arcgauge::engine::openvino::DeviceFacts;
use arcgauge::golden::GoldenResult;
use arcgauge::judge::{Standing, standing};
use arcgauge::measure::guard::Watch;
use arcgauge::measure::{Figure, Metric, SysfsRoot};
use arcgauge::record::{PublishedReference, RunRecord};

use crate::forged;

/// A record that the published figure holds for, and the figure with that record's model accepted.
fn published_run() -> (RunRecord, PublishedReference) {
    let mut record = forged::record();
    let mut published = forged::published();
    record.device = forged::arc(Some(true));
    record.prompts[0].golden = GoldenResult::Match;
    published.model.accepted = vec![forged::accepted(&record.model.sha256)];
    published.prompts = vec!["fibonacci".into()];
    published.new_tokens = record.workload.new_tokens;
    (record, published)
}

fn at(value: f64) -> Figure {
    Figure { metric: Metric::EndToEndThroughput, value }
}

#[test]
fn the_same_model_on_the_same_device_is_judged() {
    let (record, published) = published_run();
    assert_eq!(standing(&published, &record, Some(at(21.24))), Standing::Reached);
    assert_eq!(standing(&published, &record, Some(at(21.23))), Standing::Below);
}

#[test]
fn whatever_is_unlike_or_cannot_be_believed_is_shown_and_not_judged() {
    let judged = |edit: &dyn Fn(&mut RunRecord), speed: Option<Figure>| {
        let (mut record, published) = published_run();
        edit(&mut record);
        match standing(&published, &record, speed) {
            Standing::NotJudged(because) => because,
            other => panic!("{other:?}"),
        }
    };
    let fast = Some(at(99.0));
    assert_eq!(judged(&|record| record.model.sha256 = "7".repeat(64), fast), "another model");
    assert_eq!(judged(&|record| record.device = forged::a_gpu(), fast), "another device");
    let by_its_name_alone = DeviceFacts {
        full_name: Some("Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)".into()),
        execution_units: Some(64),
        ..DeviceFacts::default()
    };
    let named = forged::gpu_with(by_its_name_alone);
    assert_eq!(judged(&|record| record.device = named.clone(), fast), "another device");
    let emulated = "the device is emulated";
    assert_eq!(judged(&|record| record.device = forged::an_emulated_arc(), fast), emulated);
    assert_eq!(
        judged(&|record| record.workload.new_tokens = 5, fast),
        "other prompts or another number of tokens"
    );
    assert_eq!(
        judged(&|record| record.prompts[0].golden = GoldenResult::None, fast),
        "the output is not verified"
    );
    let by_word = "the device is proven by OpenVINO's word alone";
    assert_eq!(judged(&|record| record.device = forged::arc(None), fast), by_word);
    assert_eq!(judged(&|_| {}, None), "there is no speed");
    let decode = Some(Figure { metric: Metric::DecodeThroughput, value: 99.0 });
    assert!(judged(&|_| {}, decode).contains("different definitions"));
    // A GPU of which nothing was seen at work, by a log that could have seen it.
    let nothing_at_work = |record: &mut RunRecord| {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Watch::start(SysfsRoot::at(folder.path().to_owned()), || 0, None).finish();
        for reading in &mut log.readings {
            reading.oom_kills = arcgauge::measure::Observed::Observed(reading.at_ns);
        }
        log.readings.last_mut().unwrap().oom_kills = arcgauge::measure::Observed::Observed(1);
        record.processes[0].guards = Some(log);
        record.samples[0].times = None;
    };
    assert_eq!(judged(&nothing_at_work, fast), "a guard tripped while it was measured");
}
