//! Environment variables that can change what a runtime does.

use std::collections::BTreeMap;

/// Beginnings of names that matter: OpenVINO, oneDNN, threading, Intel's GPU drivers and compilers, OpenCL,
/// the loader, the allocator.
const PREFIXES: [&str; 20] = [
    "OV_",
    "OPENVINO_",
    "INTEL_OPENVINO_",
    "ONEDNN_",
    "DNNL_",
    "OMP_",
    "KMP_",
    "TBB_",
    "ZE_",
    "ZES_",
    "SYCL_",
    "NEO",
    "IGC_",
    "OCL_",
    "OPENCL_",
    "POCL_",
    "ONEAPI_",
    "LD_",
    "MALLOC_",
    "GLIBC_TUNABLES",
];

/// Those of these variables that matter; values as they are.
#[must_use]
pub fn that_matter(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    variables.filter(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_runtime_is_kept_and_what_is_private_is_not() {
        let kept = that_matter(
            [
                ("OMP_NUM_THREADS", "1"),
                ("LD_PRELOAD", "x.so"),
                ("OCL_ICD_FILENAMES", "/opt/libigdrcl.so"),
                ("OCL_ICD_VENDORS", "/opt/vendors"),
                ("OPENCL_LAYERS", "/opt/liblayer.so"),
                ("HOME", "/home/me"),
                ("TOKEN", "secret"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter(),
        );
        let names =
            ["LD_PRELOAD", "OCL_ICD_FILENAMES", "OCL_ICD_VENDORS", "OMP_NUM_THREADS", "OPENCL_LAYERS"];
        assert_eq!(kept.into_keys().collect::<Vec<_>>(), names);
    }
}
