//! Measures one prompt in this process, and prints no speed before every token was compared with its golden.
//!
//! `cargo xtask setup` fetches OpenVINO; then: `cargo run --release --example measure_one_prompt`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::path::Path;

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::{Graph, ResolvedRuntime, Sources};
use arcgauge::error::{Error, Result};
use arcgauge::golden::GoldenSet;
use arcgauge::measure::{MetricValues, RequestedPrompt, sample_here};
use arcgauge::sys::MonotonicClock;

fn main() -> Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let model = ModelFolder::open(&fixtures.join("models/tiny-gpt-oss"))?;
    let goldens = GoldenSet::load(&fixtures.join("golden/tiny-gpt-oss"))?;
    let golden = &goldens.goldens["fibonacci"];

    let openvino = Sources::from_environment(None).locate()?;
    let mut device = ResolvedRuntime::on(openvino, "CPU", &[])?;
    let mut engine = device.load(&model, &Graph::read(&model)?, None, None)?;

    let prompt = RequestedPrompt::new(&golden.prompt_id, golden.prompt_token_ids.clone());
    let mut generate = || sample_here(&mut engine, &prompt, golden.token_ids.len(), &MonotonicClock);
    generate()?; // The warm-up does not count.
    let sample = generate()?;
    if sample.token_ids != golden.token_ids {
        return Err(Error::wrong_output("a token differs from its golden, so there is no speed"));
    }
    for (metric, value) in MetricValues::of_sample(&sample).iter() {
        println!("{:22} {value:10.3} {}", metric.id(), metric.unit());
    }
    Ok(())
}
