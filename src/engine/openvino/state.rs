//! The KV states of an infer request: read, write and reset.
//!
//! One of the rooms with `unsafe`. The C API of OpenVINO has no variable states, so the C++ functions
//! are looked up by name in the loaded library and called by `state_bridge.cpp`. That leans on the
//! layout of a few classes, tested for the releases that say so in `releases.json`;
//! `Runtime::load` opens the bridge for those only.
#![expect(unsafe_code, reason = "calls into C++ that no safe interface reaches")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::slice;

use openvino::{InferRequest, Tensor};

use crate::engine::openvino::state::library::{Loaded, SYMBOLS};
use crate::engine::openvino::tensor::{dimensions, f32_elements, f32_tensor};
use crate::engine::openvino::{failed, one_line};
use crate::error::{Error, Result};

#[cfg_attr(windows, path = "state_library_windows.rs")]
#[cfg_attr(not(windows), path = "state_library.rs")]
mod library;

pub(super) use library::{is_loaded, prepare_load};

/// One state as it was when it was read: a copy, which outlives the request.
pub struct KvState {
    name: String,
    element_type: String,
    shape: Vec<usize>,
    tensor: Tensor,
}

impl KvState {
    /// As in `past_key_values.0.keypresent.0.key`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As in `f32`. On the CPU that is f32 whatever the precision of the cache itself.
    pub fn element_type(&self) -> &str {
        &self.element_type
    }

    /// `(batch, KV heads, tokens, head size)`. Empty is `(0, heads, 0, size)`: batch 0, not 1.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Tokens held: the shape's third dimension.
    pub fn tokens(&self) -> usize {
        self.shape.get(2).copied().unwrap_or_default()
    }

    /// The elements, where they are f32. With a u4 cache they are not decoded and mean nothing.
    ///
    /// # Errors
    /// When the elements are of another type.
    pub fn elements(&self) -> Result<&[f32]> {
        f32_elements(&self.tensor)
    }

    /// The same, to change them before they are written back.
    pub(super) fn elements_mut(&mut self) -> Result<&mut [f32]> {
        // Which also makes sure that there are any, and of which type.
        if self.elements()?.is_empty() {
            return Ok(&mut []);
        }
        self.tensor.get_data_mut().map_err(|cause| failed("change a KV state", &cause))
    }

    /// A state of so many rows: those of this one, repeated.
    pub(super) fn repeated(&self, rows: usize) -> Result<Self> {
        let mut repeated = Self::with_rows(self, rows)?;
        let [_, heads, tokens, size] = self.shape[..] else {
            return Err(Error::input(format!("KV state `{}` has not four dimensions", self.name)));
        };
        let (from, to) = (self.elements()?, repeated.elements_mut()?);
        for head in 0..heads {
            let source = &from[head * tokens * size..][..tokens * size];
            for part in to[head * rows * size..][..rows * size].chunks_mut(tokens * size) {
                part.copy_from_slice(&source[..part.len()]);
            }
        }
        Ok(repeated)
    }

    /// A state of zeros with so many rows, to be filled and written in place of another.
    pub(super) fn with_rows(other: &Self, rows: usize) -> Result<Self> {
        let mut shape = other.shape.clone();
        if let Some(tokens) = shape.get_mut(2) {
            *tokens = rows;
        }
        let tensor = f32_tensor(&shape)?;
        Ok(Self { name: other.name.clone(), element_type: other.element_type.clone(), shape, tensor })
    }
}

/// One state of a request, by name.
pub struct NamedState {
    /// As in `past_key_values.0.keypresent.0.key`.
    pub name: String,
    /// The state, or why the plugin cannot read it.
    pub state: Result<KvState, String>,
}

/// The functions of OpenVINO's C++ API, in the order in which the bridge expects them; behind them our own.
#[repr(C)]
struct Functions([*const c_void; SYMBOLS.len() + 1]);

/// Access to the states of requests of one loaded OpenVINO.
pub struct StateBridge {
    functions: Functions,
    /// Keeps the functions' code loaded.
    _library: Loaded,
}

// `openvino` keeps the handle private. Its two types are one pointer each, which this and the exact
// pin of the crate's version make sure of.
const _: () = assert!(size_of::<InferRequest>() == size_of::<*const c_void>());
const _: () = assert!(size_of::<Tensor>() == size_of::<*const c_void>());

type Wanted = unsafe extern "C" fn(*mut c_void, *const u8, usize) -> bool;
type Visit = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut c_void, *const c_char);
type TensorFor = unsafe extern "C" fn(*mut c_void, *const u8, usize) -> *const c_void;

unsafe extern "C" {
    fn arcgauge_read_states(
        functions: *const Functions,
        request: *const c_void,
        wanted: Wanted,
        visit: Visit,
        context: *mut c_void,
        error: *mut c_char,
        error_size: usize,
    ) -> c_int;
    fn arcgauge_write_states(
        functions: *const Functions,
        request: *const c_void,
        tensor_for: TensorFor,
        context: *mut c_void,
        error: *mut c_char,
        error_size: usize,
    ) -> c_int;
    fn arcgauge_reset_states(
        functions: *const Functions,
        request: *const c_void,
        error: *mut c_char,
        error_size: usize,
    ) -> c_int;
}

impl StateBridge {
    /// Finds the functions in the library that is already loaded from this file.
    pub(super) fn open(c_library: &Path) -> Result<Self, String> {
        let out_of_reach = |cause| format!("the KV states are out of reach: {cause}");
        let library = library::opened(c_library).map_err(out_of_reach)?;
        let mut functions = [new_tensor as *const c_void; SYMBOLS.len() + 1];
        for (function, symbol) in functions.iter_mut().zip(SYMBOLS) {
            // SAFETY: the symbol's address is taken, not its contents; what it is called with is
            // fixed by its mangled name and repeated in the bridge.
            *function = *unsafe { library.get::<*const c_void>(symbol.as_bytes()) }.map_err(out_of_reach)?;
        }
        Ok(Self { functions: Functions(functions), _library: library })
    }

    /// The names of all states, sorted by layer and then key before value. Errors: when an inference is
    /// running.
    pub(super) fn names(&self, request: &mut InferRequest) -> Result<Vec<String>> {
        let visits = self.visit(request, &|_| false)?;
        Ok(visits.into_iter().map(|visit| visit.name).collect())
    }

    /// Copies the states of these names out, in the order of [`Self::names`]. Errors: when an inference is
    /// running.
    pub(super) fn read(
        &self,
        request: &mut InferRequest,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<NamedState>> {
        let visits = self.visit(request, wanted)?.into_iter().filter(|visit| wanted(&visit.name));
        visits.map(Visited::read).collect()
    }

    fn visit(&self, request: &mut InferRequest, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Visited>> {
        let mut visitor = Visitor { wanted, visits: Vec::new() };
        call("read the KV states", |error, error_size| {
            // SAFETY: the handle lives as long as `request`, which is borrowed here and not running;
            // the callbacks are given the visitor that `context` points at, and nothing else uses it
            // meanwhile.
            unsafe {
                arcgauge_read_states(
                    &raw const self.functions,
                    handle(request),
                    is_wanted,
                    visit_state,
                    (&raw mut visitor).cast(),
                    error,
                    error_size,
                )
            }
        })?;
        visitor.visits.sort_by_cached_key(|visit| order(&visit.name));
        Ok(visitor.visits)
    }

    /// Writes states back by name; a state that is not among them stays as it is. Errors: when an inference
    /// is running, or a shape or type does not fit.
    pub(super) fn write(&self, request: &mut InferRequest, states: &[KvState]) -> Result<()> {
        let mut context = states;
        call("write the KV states", |error, error_size| {
            // SAFETY: as in `read`; `find_tensor` is given the slice that `context` points at, whose
            // tensors outlive the call, and OpenVINO copies out of them.
            unsafe {
                arcgauge_write_states(
                    &raw const self.functions,
                    handle(request),
                    find_tensor,
                    (&raw mut context).cast(),
                    error,
                    error_size,
                )
            }
        })
    }

    /// Empties all states. Errors: when an inference is running.
    pub(super) fn reset(&self, request: &mut InferRequest) -> Result<()> {
        call("reset the KV states", |error, error_size| {
            // SAFETY: the handle lives as long as `request`, which is borrowed here.
            unsafe { arcgauge_reset_states(&raw const self.functions, handle(request), error, error_size) }
        })
    }
}

/// A handle to a new tensor, to be assigned to; null where there is no memory. The bridge on Windows cannot make one.
extern "C" fn new_tensor() -> *mut c_void {
    let Ok(tensor) = f32_tensor(&[1]) else { return std::ptr::null_mut() };
    let handle = tensor.as_c_ptr().cast_mut().cast();
    // It is the bridge's now, and then the visitor's.
    std::mem::forget(tensor);
    handle
}

pub(super) fn handle(request: &InferRequest) -> *const c_void {
    // SAFETY: the type is one pointer, the handle (asserted above, crate pinned exactly).
    unsafe { std::mem::transmute_copy(request) }
}

struct Visitor<'a> {
    wanted: &'a dyn Fn(&str) -> bool,
    visits: Vec<Visited>,
}

struct Visited {
    name: String,
    tensor: Option<Tensor>,
    reason: String,
}

impl Visited {
    fn read(self) -> Result<NamedState> {
        let Self { name, tensor, reason } = self;
        let state = match tensor {
            Some(tensor) => Ok(describe(name.clone(), tensor)?),
            None => Err(reason),
        };
        Ok(NamedState { name, state })
    }
}

unsafe extern "C" fn is_wanted(context: *mut c_void, name: *const u8, length: usize) -> bool {
    // SAFETY: `visit` passes a visitor; the bridge passes a name of this length.
    let (visitor, name) = unsafe { (&*context.cast::<Visitor>(), slice::from_raw_parts(name, length)) };
    (visitor.wanted)(&String::from_utf8_lossy(name))
}

unsafe extern "C" fn visit_state(
    context: *mut c_void,
    name: *const u8,
    length: usize,
    tensor: *mut c_void,
    reason: *const c_char,
) {
    // SAFETY: `visit` passes a visitor; the bridge passes a name of this length, a text that ends with a
    // NUL, and null or a tensor handle that is ours to free, which `openvino::Tensor` does when dropped:
    // it is one pointer, that handle (asserted above, crate pinned exactly).
    unsafe {
        let name = String::from_utf8_lossy(slice::from_raw_parts(name, length)).into_owned();
        let reason = one_line(&CStr::from_ptr(reason).to_string_lossy());
        let tensor = (!tensor.is_null()).then(|| std::mem::transmute::<*mut c_void, Tensor>(tensor));
        (*context.cast::<Visitor>()).visits.push(Visited { name, tensor, reason });
    }
}

unsafe extern "C" fn find_tensor(context: *mut c_void, name: *const u8, length: usize) -> *const c_void {
    // SAFETY: `write` passes a slice of this type; the bridge passes a name of this length.
    let (states, name) = unsafe { (*context.cast::<&[KvState]>(), slice::from_raw_parts(name, length)) };
    let found = states.iter().find(|state| state.name.as_bytes() == name);
    found.map_or(std::ptr::null(), |state| state.tensor.as_c_ptr().cast())
}

fn describe(name: String, tensor: Tensor) -> Result<KvState> {
    let shape = dimensions(&tensor)?;
    let element_type = tensor.get_element_type().map_err(|cause| failed("read a state's type", &cause))?;
    let element_type = format!("{element_type:?}").to_lowercase();
    Ok(KvState { name, element_type, shape, tensor })
}

/// Layer number, then key before value; OpenVINO gives the states in no order.
fn order(name: &str) -> (u64, String) {
    let digits: String =
        name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(u64::MAX), name.to_owned())
}

fn call(doing: &str, bridge: impl FnOnce(*mut c_char, usize) -> c_int) -> Result<()> {
    let mut error = [0_u8; 1024];
    if bridge(error.as_mut_ptr().cast(), error.len()) == 0 {
        return Ok(());
    }
    let reported = CStr::from_bytes_until_nul(&error).unwrap_or_default().to_string_lossy();
    Err(Error::harness(format!("OpenVINO cannot {doing}: {}", one_line(&reported))))
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn states_are_ordered_by_layer_and_key_before_value() {
        let mut names = [
            "past_key_values.10.keypresent.10.key",
            "past_key_values.2.valuepresent.2.value",
            "past_key_values.2.keypresent.2.key",
        ];
        names.sort_by_cached_key(|name| order(name));
        assert!(names[0].starts_with("past_key_values.2.key"));
        assert!(names[2].starts_with("past_key_values.10"));
    }
}
