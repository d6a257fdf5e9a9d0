//! Whether the model fits: into the host while it is loaded, and into each GPU.
//!
//! Both are what is published of OpenVINO's GPU plugin; neither was seen on the hardware.

use crate::cli::doctor::check::{Check, Status, size};
use crate::cli::doctor::model::FoundModel;
use crate::cli::doctor::runtime::Seen;
use crate::engine::openvino::DeviceFacts;
use crate::sys::available_memory_bytes;

const HOST: &str = "host memory";
/// While it is loaded, a model stands in the host's memory about this many times.
const TIMES_WHILE_LOADING: u64 = 2;

/// Holds the model's size against the host's memory and that of each GPU that OpenVINO lists.
pub(super) fn examine(model: Option<&FoundModel>, openvino: Option<&Seen>, level: Status) -> Vec<Check> {
    let Some(model_bytes) = model.and_then(|model| model.weights_bytes) else {
        return vec![Check::skip(HOST, "not looked at: the model's size is not known")];
    };
    let gpus = openvino.into_iter().flat_map(Seen::gpus);
    let on_gpus = gpus.map(|(name, facts)| on_gpu(name, facts, model_bytes, level));
    [on_host(model_bytes, available_memory_bytes())].into_iter().chain(on_gpus).collect()
}

fn on_host(model_bytes: u64, available: Option<u64>) -> Check {
    let Some(available) = available else {
        return Check::skip(HOST, "not looked at: the system does not tell how much is available");
    };
    let needed = model_bytes.saturating_mul(TIMES_WHILE_LOADING);
    let found = format!(
        "loading needs about {} for a while ({TIMES_WHILE_LOADING} x {}), {} are available",
        size(needed),
        size(model_bytes),
        size(available)
    );
    let fix = "end what takes most: `ps -eo pid,rss,comm --sort=-rss | head`";
    if available >= needed {
        Check::ok(HOST, found)
    } else if available >= model_bytes {
        Check::warn(HOST, found, fix)
    } else {
        Check::fail(HOST, found, fix)
    }
}

fn on_gpu(name: &str, facts: &DeviceFacts, model_bytes: u64, level: Status) -> Check {
    let subject = format!("memory of {name}");
    let Some(memory) = facts.memory_bytes else {
        return Check::skip(&subject, "not looked at: OpenVINO does not tell how much it has");
    };
    let found =
        format!("the model needs {} and its KV cache more, the GPU has {}", size(model_bytes), size(memory));
    if memory > model_bytes {
        return Check::ok(&subject, found);
    }
    let fix = "where the system limits the GPU's share of memory, raise that limit; or `--device CPU`";
    Check::trouble(level, &subject, found, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_needs_twice_its_size_to_load_and_its_size_at_the_least() {
        let status = |available| on_host(12, Some(available)).status;
        assert_eq!([24, 23, 12, 11].map(status), [Status::Ok, Status::Warn, Status::Warn, Status::Fail]);
        let check = on_host(12_840_000_000, Some(19_000_000_000));
        assert_eq!(
            check.found,
            "loading needs about 25.7 GB for a while (2 x 12.8 GB), 19.0 GB are available"
        );
    }

    #[test]
    fn memory_that_is_not_told_is_not_taken_for_none() {
        assert_eq!(on_host(12, None).status, Status::Skip);
        assert_eq!(on_gpu("GPU", &DeviceFacts::default(), 12, Status::Fail).status, Status::Skip);
    }

    #[test]
    fn a_model_that_is_larger_than_the_gpu_s_memory_is_as_bad_as_the_gpu_is_needed() {
        let facts = |bytes| DeviceFacts { memory_bytes: Some(bytes), ..Default::default() };
        assert_eq!(on_gpu("GPU", &facts(13), 12, Status::Fail).status, Status::Ok);
        assert_eq!(on_gpu("GPU", &facts(12), 12, Status::Warn).status, Status::Warn);
        let check = on_gpu("GPU.1", &facts(9_100_000_000), 12_840_000_000, Status::Fail);
        assert_eq!((check.status, check.subject.as_str()), (Status::Fail, "memory of GPU.1"));
        assert_eq!(check.found, "the model needs 12.8 GB and its KV cache more, the GPU has 9.1 GB");
    }
}
