//! The cache of compiled models: a load from it is the same setting with the same tokens, or it is found out.

use std::fs;
use std::path::Path;

use arcgauge::golden::GoldenResult;
use arcgauge::measure::protocol::CacheState;
use arcgauge::record::{Experiment, History, Setting};

use crate::ended::Ended;
use crate::gpu_plugin::{EmulatedGpu, blob, measured_tokens};
use crate::model_copy::ModelCopy;

on_each_release!(
    a_cold_and_a_warm_load_are_one_setting_with_equal_tokens,
    a_compiled_model_of_other_weights_is_found_by_its_tokens,
    a_damaged_compiled_model_is_no_warm_load,
);

/// One process and no load that fills the cache before it: the first is cold, those after it warm.
fn bench(gpu: &EmulatedGpu, more: &[&str]) -> Ended {
    let flags = ["bench", "--quick", "--max-new-tokens", "8", "--prompt", "fibonacci"];
    gpu.run_on_gpu(&[&flags[..], more].concat())
}

/// OpenVINO writes it without a permission to write.
fn replace_blob(folder: &Path, bytes: &[u8]) {
    let blob = blob(folder);
    fs::remove_file(&blob).unwrap();
    fs::write(blob, bytes).unwrap();
}

/// All records, oldest first.
fn records(gpu: &EmulatedGpu) -> Vec<Experiment> {
    gpu.checkout.record_files().iter().map(|file| History::read(file).unwrap().record).collect()
}

/// `LOADED_FROM_CACHE`, and what is made of it.
fn load(record: &Experiment) -> (Option<bool>, CacheState) {
    let load = record.arms[0].processes[0].load.as_ref().unwrap();
    (load.loaded_from_cache, load.compiled_model_cache)
}

fn a_cold_and_a_warm_load_are_one_setting_with_equal_tokens(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    bench(&gpu, &[]).exits(0).says("not tested");
    bench(&gpu, &[]).exits(0);
    let [cold, warm] = &records(&gpu)[..] else { panic!("not two records") };
    assert_eq!(load(cold), (Some(false), CacheState::Cold));
    assert_eq!(load(warm), (Some(true), CacheState::Warm));
    assert_eq!(Setting::of(cold.subject()), Setting::of(warm.subject()));
    assert_eq!(measured_tokens(&cold.arms[0]), measured_tokens(&warm.arms[0]));
    assert_eq!(gpu.compiled_models().len(), 1);
}

fn a_compiled_model_of_other_weights_is_found_by_its_tokens(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    bench(&gpu, &[]).exits(0);
    let own = gpu.compiled_models();

    let other = ModelCopy::new().without("manifest.json").with("openvino_model.bin", |bytes| {
        // The embeddings: 672 rows of 64 bytes.
        for byte in &mut bytes[284..][..672 * 64] {
            *byte = !*byte;
        }
    });
    bench(&gpu, &["--unverified", "--model-dir", &other.argument()]).exits(0);
    let of_other = gpu.compiled_models().into_iter().find(|folder| !own.contains(folder)).unwrap();
    replace_blob(&own[0], &fs::read(blob(&of_other)).unwrap());

    let ended = bench(&gpu, &[]);
    // The folder's path is shown without what names the user or the machine.
    ended.exits(11).prints("break").says(own[0].file_name().unwrap().to_str().unwrap());
}

/// OpenVINO compiles the model again where it cannot read what is in the cache, and reports nothing else of it.
fn a_damaged_compiled_model_is_no_warm_load(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    bench(&gpu, &[]).exits(0);
    let folder = gpu.compiled_models().remove(0);
    let bytes = fs::read(blob(&folder)).unwrap();
    replace_blob(&folder, &bytes[..bytes.len() / 2]);
    let ended = bench(&gpu, &[]);
    ended.exits(0);
    let record = records(&gpu).pop().unwrap();
    assert_eq!(load(&record).0, Some(false), "{ended}");
    assert_ne!(load(&record).1, CacheState::Warm, "{ended}");
    assert!(record.arms[0].prompts.iter().all(|prompt| prompt.golden == GoldenResult::Match), "{ended}");
}
