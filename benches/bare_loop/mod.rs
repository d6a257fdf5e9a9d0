//! The least that a stateful decode step can be: the inputs written through pointers, the mask one
//! longer, the request started and waited for. No logits are read and no token is chosen.
#![expect(unsafe_code, reason = "a loop of C calls, to compare the safe one with")]

use std::ffi::{CStr, CString};
use std::fs;
use std::path::Path;
use std::ptr;

use arcgauge::engine::openvino::{DeviceKind, Graph, default_properties, last_token_only};
use openvino_sys::{
    ov_compiled_model_create_infer_request, ov_compiled_model_t, ov_core_compile_model, ov_core_create,
    ov_core_read_model, ov_core_set_property, ov_core_t, ov_element_type_e, ov_infer_request_free,
    ov_infer_request_set_tensor, ov_infer_request_start_async, ov_infer_request_t, ov_infer_request_wait_for,
    ov_model_t, ov_shape_create, ov_shape_free, ov_shape_t, ov_status_e, ov_tensor_create, ov_tensor_data,
    ov_tensor_free, ov_tensor_set_shape, ov_tensor_t,
};

use crate::shipped;

const LONGEST_WAIT_MS: i64 = 60_000;

/// A compiled model and the tensors of one generation. What it holds lives until the bench ends.
pub(crate) struct BareLoop {
    compiled: *mut ov_compiled_model_t,
    request: *mut ov_infer_request_t,
    inputs: [*mut ov_tensor_t; 4],
    input_id: *mut i64,
    position: *mut i64,
    length: i64,
}

fn ok(status: ov_status_e) {
    assert_eq!(status, ov_status_e::OK);
}

fn text(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

impl BareLoop {
    /// Compiles the same graph with the same properties; the library is loaded already.
    pub(crate) fn load() -> Self {
        let folder = shipped::folder();
        let scratch = tempfile::tempdir().unwrap();
        let graph = scratch.path().join("openvino_model.xml");
        let edited = last_token_only(&Graph::read(&folder).unwrap(), &folder.weights()).unwrap().unwrap();
        fs::write(&graph, edited).unwrap();
        let mut core: *mut ov_core_t = ptr::null_mut();
        let mut model: *mut ov_model_t = ptr::null_mut();
        let mut compiled: *mut ov_compiled_model_t = ptr::null_mut();
        let (xml, bin) = (text(&graph), text(&folder.weights()));
        // SAFETY: each call is given the handle that the one before made, and strings that live
        // through it; what it makes is checked by its status.
        unsafe {
            ok(ov_core_create(&raw mut core));
            for property in default_properties(DeviceKind::Cpu, &[]) {
                let (key, value) =
                    (CString::new(property.key).unwrap(), CString::new(property.value).unwrap());
                ok(ov_core_set_property(core, c"CPU".as_ptr(), key.as_ptr(), value.as_ptr()));
            }
            ok(ov_core_read_model(core, xml.as_ptr(), bin.as_ptr(), &raw mut model));
            ok(ov_core_compile_model(core, model, c"CPU".as_ptr(), 0, &raw mut compiled));
        }
        Self {
            compiled,
            request: ptr::null_mut(),
            inputs: [ptr::null_mut(); 4],
            input_id: ptr::null_mut(),
            position: ptr::null_mut(),
            length: 0,
        }
    }

    /// Runs a prompt in a new request, whose states are empty.
    pub(crate) fn begin(&mut self, prompt: &[u32], new_tokens: usize) {
        self.end();
        let capacity = i64::try_from(prompt.len() + new_tokens).unwrap();
        self.length = i64::try_from(prompt.len()).unwrap();
        // SAFETY: the compiled model lives; the tensors are made with room for what is written.
        unsafe {
            ok(ov_compiled_model_create_infer_request(self.compiled, &raw mut self.request));
            let (input_ids, ids) = tensor::<i64>(ov_element_type_e::I64, &[1, self.length]);
            let (position_ids, positions) = tensor::<i64>(ov_element_type_e::I64, &[1, self.length]);
            let (mask, ones) = tensor::<i64>(ov_element_type_e::I64, &[1, capacity]);
            let (beam_idx, beam) = tensor::<i32>(ov_element_type_e::I32, &[1]);
            *beam = 0;
            for (index, token) in prompt.iter().enumerate() {
                *ids.add(index) = i64::from(*token);
                *positions.add(index) = i64::try_from(index).unwrap();
            }
            for index in 0..prompt.len() + new_tokens {
                *ones.add(index) = 1;
            }
            self.inputs = [input_ids, mask, position_ids, beam_idx];
            self.input_id = ids;
            self.position = positions;
            reshape(mask, self.length);
            for (name, input) in NAMES.iter().zip(self.inputs) {
                ok(ov_infer_request_set_tensor(self.request, name.as_ptr(), input));
            }
            self.infer();
            reshape(input_ids, 1);
            reshape(position_ids, 1);
        }
    }

    /// One step.
    pub(crate) fn step(&mut self, token: u32) {
        // SAFETY: `begin` made the tensors, and shrinking them left their data where they were.
        unsafe {
            *self.input_id = i64::from(token);
            *self.position = self.length;
            self.length += 1;
            reshape(self.inputs[1], self.length);
            self.infer();
        }
    }

    /// # Safety
    /// The request has its inputs.
    unsafe fn infer(&self) {
        // SAFETY: see above.
        unsafe {
            ok(ov_infer_request_start_async(self.request));
            ok(ov_infer_request_wait_for(self.request, LONGEST_WAIT_MS));
        }
    }

    fn end(&mut self) {
        if self.request.is_null() {
            return;
        }
        // SAFETY: made by `begin`, freed once.
        unsafe {
            ov_infer_request_free(self.request);
            for input in self.inputs {
                ov_tensor_free(input);
            }
        }
        self.request = ptr::null_mut();
    }
}

const NAMES: [&CStr; 4] = [c"input_ids", c"attention_mask", c"position_ids", c"beam_idx"];

/// # Safety
/// `T` is the Rust type of the element type.
unsafe fn tensor<T>(element_type: ov_element_type_e, dimensions: &[i64]) -> (*mut ov_tensor_t, *mut T) {
    let mut tensor = ptr::null_mut();
    let mut data = ptr::null_mut();
    // SAFETY: the shape is made here and freed after its use.
    unsafe {
        let mut shape = shape(dimensions);
        ok(ov_tensor_create(element_type, shape, &raw mut tensor));
        ok(ov_shape_free(&raw mut shape));
        ok(ov_tensor_data(tensor, &raw mut data));
    }
    (tensor, data.cast())
}

/// # Safety
/// The tensor lives and has room for the length.
unsafe fn reshape(tensor: *mut ov_tensor_t, length: i64) {
    // SAFETY: see above.
    unsafe {
        let mut shape = shape(&[1, length]);
        ok(ov_tensor_set_shape(tensor, shape));
        ok(ov_shape_free(&raw mut shape));
    }
}

fn shape(dimensions: &[i64]) -> ov_shape_t {
    let mut shape = ov_shape_t { rank: 0, dims: ptr::null_mut() };
    let rank = i64::try_from(dimensions.len()).unwrap();
    // SAFETY: the dimensions live through the call, which copies them.
    ok(unsafe { ov_shape_create(rank, dimensions.as_ptr(), &raw mut shape) });
    shape
}
