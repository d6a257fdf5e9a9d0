//! The KV cache on a GPU: states that cannot be read before the first inference, and that can be put back only
//! after one.

use crate::gpu_plugin::EmulatedGpu;
use crate::states::{PROMPT, block};
use crate::this_machine::tokenizer;

on_each_release!(states_are_as_long_as_what_was_fed_and_are_put_back_over_a_filled_cache_alone);

fn states_are_as_long_as_what_was_fed_and_are_put_back_over_a_filled_cache_alone(release: &'static str) {
    let tokens = tokenizer().encode(PROMPT).unwrap().len();
    let gpu = EmulatedGpu::new(release);
    let ended = gpu.run_on_gpu(&["states", "--prompt", PROMPT, "--tokens", "3"]);
    ended.exits(0);
    // The states are read as f32 although the cache is f16.
    ended.prints(&block(&format!("after the prompt's {tokens} tokens"), &format!("(1, 8, {tokens}, 64)")));
    ended.prints(&block("after 3 more", &format!("(1, 8, {}, 64)", tokens + 3)));
    for moment in ["before", "after a reset"] {
        let shown = ended.stdout.split("# ").find(|part| part.starts_with(&format!("{moment}: 48 states\n")));
        let mut states = shown.unwrap_or_else(|| panic!("{ended}")).lines().skip(1);
        let is_empty = |state: &str| state.ends_with("\t(0, 8, 0, 64)") || state.contains("not there yet");
        assert!(states.all(is_empty), "{ended}");
    }
    ended.prints("# put back into the empty cache: refused: ");
    ended.prints("# put back over a filled cache: 3 tokens came out the same");
}
