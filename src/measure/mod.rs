//! What is observed: time, tokens and memory of generations in fresh worker processes, and the plan
//! by which they are made.

mod bandwidth;
mod cool_down;
mod estimates;
mod generation;
pub mod guard;
pub mod kv;
mod metric;
mod plan;
mod profile;
pub mod protocol;
pub mod supervisor;
mod tokenizer_process;
pub mod worker;

pub use bandwidth::{BANDWIDTH_BUFFER_BYTES, BandwidthReading, BandwidthReference};
pub use cool_down::{CoolDownScene, CooledDown, LONGEST_COOL_DOWN_SECONDS, SAME_START_CELSIUS, cool_down};
pub use estimates::{BenchesEnded, Estimate, read_estimates, run_benches};
pub use generation::{Generated, KnownToken, TokenSink, record_generation, sample_here};
pub use metric::{Direction, Metric, MetricValue, MetricValues};
pub use plan::{Plan, RequestedPrompt, Role, Sample};
pub use profile::{OperatorTime, Profile};
pub use tokenizer_process::{serve_tokenizer, start_tokenizer};
