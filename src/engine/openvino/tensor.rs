//! Input tensors that are written in place and change their length without changing their owner.
//!
//! The corners of `openvino::Tensor` that this keeps inside: `set_shape` hands out a second owner
//! of the same handle (dropping both frees it twice), growing past the first allocation moves the
//! data, and the element type of a view is not checked.

use std::marker::PhantomData;
use std::mem;

use openvino::{ElementType, Shape, Tensor};

use crate::engine::openvino::failed;
use crate::error::{Error, Result};

/// A Rust type that an OpenVINO element type stands for.
pub(super) trait Element: Copy {
    const TYPE: ElementType;
}

impl Element for i64 {
    const TYPE: ElementType = ElementType::I64;
}

impl Element for i32 {
    const TYPE: ElementType = ElementType::I32;
}

/// A tensor of one batch row, `[1, length]` or `[1]`, with room for `capacity` elements.
pub(super) struct Row<T> {
    tensor: Tensor,
    capacity: usize,
    length: usize,
    /// Shapes made beforehand, of `prepared_from` elements and up.
    prepared: Vec<Shape>,
    prepared_from: usize,
    element: PhantomData<T>,
}

impl<T: Element> Row<T> {
    pub(super) fn with_capacity(capacity: usize) -> Result<Self> {
        let tensor = Tensor::new(T::TYPE, &shape(&[1, capacity])?)
            .map_err(|cause| failed("allocate an input", &cause))?;
        Ok(Self::of(tensor, capacity))
    }

    /// A vector `[1]` of one zero.
    pub(super) fn single() -> Result<Self> {
        let tensor =
            Tensor::new(T::TYPE, &shape(&[1])?).map_err(|cause| failed("allocate an input", &cause))?;
        Ok(Self::of(tensor, 1))
    }

    fn of(tensor: Tensor, capacity: usize) -> Self {
        let prepared = Vec::new();
        Self { tensor, capacity, length: capacity, prepared, prepared_from: 0, element: PhantomData }
    }

    /// Makes the shapes of all lengths from this one to the capacity, so that none is made in a
    /// timed step.
    pub(super) fn prepare_lengths(&mut self, from: usize) -> Result<()> {
        self.prepared = (from..=self.capacity).map(|length| shape(&[1, length])).collect::<Result<_>>()?;
        self.prepared_from = from;
        Ok(())
    }

    /// Changes the length to at most the capacity; the data stay where they are.
    pub(super) fn set_length(&mut self, length: usize) -> Result<()> {
        // After an inference the library's code is out of the caches: a call spared is a microsecond.
        if length == self.length {
            return Ok(());
        }
        if length > self.capacity {
            return Err(Error::harness(format!(
                "an input of `{length}` elements was to fit in {}",
                self.capacity
            )));
        }
        let made;
        let prepared = length.checked_sub(self.prepared_from).and_then(|index| self.prepared.get(index));
        let shape = if let Some(prepared) = prepared {
            prepared
        } else {
            made = shape(&[1, length])?;
            &made
        };
        let second_owner =
            self.tensor.set_shape(shape).map_err(|cause| failed("change an input's length", &cause))?;
        // The handle has one owner, this row's tensor.
        mem::forget(second_owner);
        self.length = length;
        Ok(())
    }

    pub(super) fn elements(&mut self) -> Result<&mut [T]> {
        self.tensor.get_data_mut::<T>().map_err(|cause| failed("write an input", &cause))
    }

    /// Changes the length and copies the elements in.
    pub(super) fn write(&mut self, elements: &[T]) -> Result<()> {
        self.set_length(elements.len())?;
        self.elements()?.copy_from_slice(elements);
        Ok(())
    }

    pub(super) fn tensor(&self) -> &Tensor {
        &self.tensor
    }
}

pub(super) fn dimensions(tensor: &Tensor) -> Result<Vec<usize>> {
    let shape = tensor.get_shape().map_err(|cause| failed("read a tensor's shape", &cause))?;
    let dimensions = shape.get_dimensions().iter();
    dimensions
        .map(|&dimension| {
            usize::try_from(dimension)
                .map_err(|_| Error::harness(format!("a tensor has a dimension of `{dimension}`")))
        })
        .collect()
}

/// A tensor of f32.
pub(super) fn f32_tensor(dimensions: &[usize]) -> Result<Tensor> {
    Tensor::new(ElementType::F32, &shape(dimensions)?).map_err(|cause| failed("allocate a tensor", &cause))
}

/// The elements of a tensor that is known to be f32 and not empty.
pub(super) fn known_f32_elements(tensor: &Tensor) -> Result<&[f32]> {
    tensor.get_data::<f32>().map_err(|cause| failed("read a tensor", &cause))
}

/// The f32 elements of a tensor; an error when its elements are of another type.
pub(super) fn f32_elements(tensor: &Tensor) -> Result<&[f32]> {
    let element_type = tensor.get_element_type().map_err(|cause| failed("read a tensor's type", &cause))?;
    if element_type != ElementType::F32 {
        return Err(Error::harness(format!("a tensor of `{element_type:?}` was to be read as f32")));
    }
    // An empty tensor may have no memory at all, of which no slice can be made.
    if tensor.get_size().map_err(|cause| failed("read a tensor's size", &cause))? == 0 {
        return Ok(&[]);
    }
    known_f32_elements(tensor)
}

fn shape(dimensions: &[usize]) -> Result<Shape> {
    let as_i64 = |&dimension: &usize| i64::try_from(dimension).ok();
    let dimensions: Option<Vec<i64>> = dimensions.iter().map(as_i64).collect();
    let dimensions = dimensions.ok_or_else(|| Error::harness("a dimension does not fit 63 bits"))?;
    Shape::new(&dimensions).map_err(|cause| failed("make a shape", &cause))
}
