//! The library with the C++ API, on Windows.

use std::path::Path;

use libloading::Error;
use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library};

pub(super) type Loaded = Library;

pub(super) const SYMBOLS: [&str; 8] = [
    "?query_state@InferRequest@ov@@QEAA?AV?$vector@VVariableState@ov@@V?$allocator@VVariableState@ov@@@std@@@std@@XZ",
    "?reset_state@InferRequest@ov@@QEAAXXZ",
    "?get_name@VariableState@ov@@QEBA?AV?$basic_string@DU?$char_traits@D@std@@V?$allocator@D@2@@std@@XZ",
    "?get_state@VariableState@ov@@QEBA?AVTensor@2@XZ",
    "?set_state@VariableState@ov@@QEAAXAEBVTensor@2@@Z",
    "??1VariableState@ov@@QEAA@XZ",
    "??1Tensor@ov@@QEAA@XZ",
    "??4Tensor@ov@@QEAAAEAV01@AEBV01@@Z",
];

/// Its dependency, which has the symbols, lies beside the C library.
pub(super) fn opened(c_library: &Path) -> Result<Library, Error> {
    Library::open_already_loaded(c_library.with_file_name("openvino.dll"))
}

/// Whether this very file is loaded in this process.
pub(in crate::engine::openvino) fn is_loaded(c_library: &Path) -> bool {
    Library::open_already_loaded(c_library).is_ok()
}

/// Loads it with what lies beside it, which a load by name alone does not look for.
pub(in crate::engine::openvino) fn prepare_load(c_library: &Path) {
    // SAFETY: the initialisers are those of the OpenVINO that is to be loaded; where this fails, so does that load.
    let loaded = unsafe { Library::load_with_flags(c_library, LOAD_WITH_ALTERED_SEARCH_PATH) };
    // It stays loaded until this process ends.
    std::mem::forget(loaded);
}
