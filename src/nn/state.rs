//! A network's or optimiser's numbers by name, as they go into and come out of checkpoint files.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Tensor};
use safetensors::tensor::{Dtype, TensorView};

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

/// The bytes of a safetensors file (f32) with `state` and one metadata entry. They are the same whenever both are.
///
/// # Errors
/// `Internal` when a tensor has not as many values as its shape says.
pub fn to_safetensors(state: &State, metadata_key: &str, metadata: String) -> Result<Vec<u8>> {
    let internal = |error| Error::internal(format!("the tensors cannot be written: {error}"));
    let bytes: Vec<Vec<u8>> =
        state.values().map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let mut tensors = Vec::with_capacity(bytes.len());
    for ((name, tensor), bytes) in state.iter().zip(&bytes) {
        tensors.push((name.as_str(), TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(internal)?));
    }
    // More than one entry would come in an order of chance.
    safetensors::serialize(tensors, Some(HashMap::from([(metadata_key.to_owned(), metadata)]))).map_err(internal)
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
