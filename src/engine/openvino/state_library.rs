//! The library with the C++ API, on Linux.

use std::ffi::c_int;
use std::path::Path;

use libloading::Error;
use libloading::os::unix::{Library, RTLD_LAZY};

pub(super) type Loaded = Library;

pub(super) const SYMBOLS: [&str; 5] = [
    "_ZN2ov12InferRequest11query_stateEv",
    "_ZN2ov12InferRequest11reset_stateEv",
    "_ZNK2ov13VariableState8get_nameB5cxx11Ev",
    "_ZNK2ov13VariableState9get_stateEv",
    "_ZN2ov13VariableState9set_stateERKNS_6TensorE",
];

/// `RTLD_NOLOAD` of Linux: open only what is open already.
const RTLD_NOLOAD: c_int = 4;

/// Through the C library its dependency is found, which has the symbols.
pub(super) fn opened(c_library: &Path) -> Result<Library, Error> {
    // SAFETY: nothing is loaded that was not before, and so no initialiser runs.
    unsafe { Library::open(Some(c_library), RTLD_LAZY | RTLD_NOLOAD) }
}

/// Whether this very file is loaded in this process.
pub(in crate::engine::openvino) fn is_loaded(c_library: &Path) -> bool {
    opened(c_library).is_ok()
}

/// What the library needs is found by the paths that are built into it.
pub(in crate::engine::openvino) fn prepare_load(_c_library: &Path) {}
