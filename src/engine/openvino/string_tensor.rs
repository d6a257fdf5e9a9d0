//! What the `openvino` crate has no call for: a tensor of one text, and extensions of a core.
//!
//! The elements of a string tensor are C++ objects, which `string_bridge.cpp` writes and reads.
#![expect(unsafe_code, reason = "calls into C++ that no safe interface reaches")]

use std::ffi::{CString, c_char, c_void};
use std::path::Path;
use std::slice;

use openvino::{Core, ElementType, InferenceError, Shape, Tensor};

use crate::engine::openvino::{failed, one_line};
use crate::error::{Error, Result};

unsafe extern "C" {
    fn arcgauge_set_string(element: *mut c_void, text: *const c_char, length: usize) -> bool;
    fn arcgauge_string_size() -> usize;
    fn arcgauge_get_string(element: *const c_void, length: *mut usize) -> *const c_char;
}

// `openvino` keeps the handle private; its type is one pointer, which this and the exact pin of the crate make sure of.
const _: () = assert!(size_of::<Core>() == size_of::<*const c_void>());

/// Adds the operations of an extension's library to a core.
pub(super) fn add_extension(core: &Core, library: &Path) -> Result<()> {
    let path = CString::new(library.as_os_str().as_encoded_bytes())
        .map_err(|_| Error::input(format!("`{}` is no path", library.display())))?;
    // SAFETY: the type is one pointer, the handle (asserted above), and `core` outlives the call; the path ends with a
    // NUL.
    let status = unsafe {
        let core = std::mem::transmute_copy::<Core, *mut openvino_sys::ov_core_t>(core);
        openvino_sys::ov_core_add_extension(core, path.as_ptr())
    };
    let message = openvino::get_last_error_message();
    InferenceError::convert(status, message).map_err(|cause| {
        let cause = one_line(cause.message.as_deref().unwrap_or("no reason given"));
        Error::harness(format!(
            "OpenVINO cannot load its tokenizers extension `{}`: {cause}",
            library.display()
        ))
    })
}

/// A tensor of one text.
pub(super) fn string_tensor(text: &str) -> Result<Tensor> {
    let doing = |cause| failed("allocate a text", &cause);
    let mut tensor =
        Shape::new(&[1]).and_then(|shape| Tensor::new(ElementType::String, &shape)).map_err(doing)?;
    let element = tensor.get_raw_data_mut().map_err(doing)?;
    check_size(element.len())?;
    // SAFETY: the tensor has one element, a `std::string` that OpenVINO made, of the size that is checked; the text lives
    // through the call, which copies it.
    let is_set =
        unsafe { arcgauge_set_string(element.as_mut_ptr().cast(), text.as_ptr().cast(), text.len()) };
    if is_set {
        Ok(tensor)
    } else {
        Err(Error::harness(format!("no memory for a text of {} bytes", text.len())))
    }
}

/// The text of a tensor that has one.
pub(super) fn text_of(tensor: &Tensor) -> Result<String> {
    let doing = |cause| failed("read a text", &cause);
    let element_type = tensor.get_element_type().map_err(doing)?;
    if element_type != ElementType::String {
        return Err(Error::input(format!("the detokenizer gives `{element_type:?}` in place of a text")));
    }
    let element = tensor.get_raw_data().map_err(doing)?;
    check_size(element.len())?;
    let mut length = 0;
    // SAFETY: the tensor has one element, a `std::string` that OpenVINO made, of the size that is checked; its text is
    // copied while `tensor` is borrowed.
    let text = unsafe {
        let text = arcgauge_get_string(element.as_ptr().cast(), &raw mut length);
        slice::from_raw_parts(text.cast::<u8>(), length)
    };
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Refuses a tensor that has not one text of the C++ library that this program is built with.
fn check_size(bytes: usize) -> Result<()> {
    // SAFETY: it only gives a number.
    let one = unsafe { arcgauge_string_size() };
    if bytes == one {
        return Ok(());
    }
    if one == 0 {
        return Err(Error::harness("texts of OpenVINO cannot be read on Windows")
            .hint("use a model whose tokenizer is a `tokenizer.json`, or name one: `--tokenizer FILE`"));
    }
    Err(Error::harness(format!("a tensor of one text has {bytes} bytes, and a text {one}")))
}
