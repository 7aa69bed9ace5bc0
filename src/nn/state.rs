//! A network's or optimiser's numbers by name, as they go into and come out of checkpoint files.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};

use crate::error::{Error, Result};
use crate::nn::tensor_error;

/// Values with their shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// As many values as the sizes multiply to.
    pub values: Vec<f32>,
}

/// Named tensors, in the order of their names.
pub type State = BTreeMap<String, NamedTensor>;

impl NamedTensor {
    /// Copies a tensor.
    pub(crate) fn from_tensor(tensor: &Tensor) -> Result<Self> {
        let values = tensor
            .to_dtype(DType::F32)
            .and_then(|tensor| tensor.flatten_all())
            .and_then(|tensor| tensor.to_vec1::<f32>())
            .map_err(tensor_error)?;
        Ok(Self { shape: tensor.dims().to_vec(), values })
    }
}

/// The tensor `name` of `state`, which must have this shape.
///
/// # Errors
/// `Model` when it is missing or has another shape.
pub fn take<'a>(state: &'a State, name: &str, shape: &[usize]) -> Result<&'a NamedTensor> {
    let tensor = state.get(name).ok_or_else(|| Error::model(format!("the tensor {name} is missing")))?;
    if tensor.shape != shape {
        return Err(Error::model(format!("the tensor {name} has the shape {:?}, expected {shape:?}", tensor.shape)));
    }
    Ok(tensor)
}
