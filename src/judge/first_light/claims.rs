//! Every claim in one table. `docs/gpu.md` names each.

use crate::judge::first_light::{
    ClaimResult, Evidence, bench, guards, loading, machine, paged_attention, pairs, precision,
    published_difference, states, tokens,
};

/// Something that is said of an Intel GPU and was written without one.
#[derive(Debug)]
pub struct Claim {
    /// Names it.
    pub id: &'static str,
    /// What is claimed.
    pub words: &'static str,
    /// What answers it.
    pub(super) answered_by: fn(&Evidence) -> ClaimResult,
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

const fn claim(id: &'static str, words: &'static str, answered_by: fn(&Evidence) -> ClaimResult) -> Claim {
    Claim { id, words, answered_by }
}

/// All claims, in the order in which a GPU is come nearer to.
pub static CLAIMS: [Claim; 28] = [
    claim("pci-bus", "the machine's GPU is found on the PCI bus", machine::pci_bus),
    claim("kernel-driver", "its kernel driver is found: xe or i915", machine::kernel_driver),
    claim("render-node", "its render node is found and opens", machine::render_node),
    claim("openvino-lists-gpu", "OpenVINO lists the GPU and names it", machine::openvino_lists_gpu),
    claim(
        "arc-140v",
        "an Arc 140V is recognised by PCI id and execution units, whatever its name",
        machine::arc_140v,
    ),
    claim("doctor-gpu", "`doctor` finds nothing amiss with a GPU that then runs", machine::doctor_gpu),
    claim("gpu-decodes", "the model is compiled for the GPU and decodes there", bench::gpu_decodes),
    claim(
        "device-proof",
        "the kernel's counters confirm that the GPU ran, as OpenVINO reports",
        bench::device_proof,
    ),
    claim("gpu-counters", "the worker's GPU work is read from its fdinfo", guards::gpu_counters),
    claim("f16-inference", "inference on the GPU is in f16", precision::inference),
    claim("f16-kv-cache", "the KV cache on the GPU is in f16", precision::kv_cache),
    claim("kv-states-read", "48 KV states of shape (1, 8, tokens, 64) are read on the GPU", states::read),
    claim("kv-states-reset", "they are seen empty after a reset", states::reset),
    claim("kv-states-put-back", "decoding goes on from states that were put back", states::put_back),
    claim("tokens-cross-check", "the CPU prefers the GPU's tokens, near-ties apart", tokens::cross_check),
    claim("gpu-clock", "the GPU's clock is read while it works", guards::gpu_clock),
    claim("gpu-throttle", "what holds the GPU back is read", guards::gpu_throttle),
    claim("other-gpu-clients", "other programs on the GPU are seen", guards::other_clients),
    claim("energy", "the package's energy is read while the GPU works", guards::energy),
    claim(
        "memory-by-phase",
        "memory is told for load, prefill and decode, the host's and the GPU's",
        loading::memory_by_phase,
    ),
    claim("gpu-memory", "the worker's GPU memory is read from its fdinfo", loading::gpu_memory),
    claim("cold-load", "a cache warm-up process fills the cache of compiled models", loading::cold),
    claim("warm-load", "later loads take the compiled model from there", loading::warm),
    claim("whole-model", "a model of 12 GB loads and runs on the GPU", loading::whole_model),
    claim("bench", "`bench` comes to its end on the GPU with right output", bench::bench),
    claim(
        "against-itself",
        "a commit against itself is called neither slower nor faster",
        pairs::against_itself,
    ),
    claim(
        "paged-attention",
        "SDPA, which arcgauge runs, is compared with the paged attention of openvino_genai",
        paged_attention::paged_attention,
    ),
    claim(
        "published-difference",
        "the published 27.0 against 21.24 tok/s is split into host loop, attention and KV cache",
        published_difference::published_difference,
    ),
];
