//! Weights of pre-trained networks: the VGG16 that comes with the program, or a file of the person's own.
//!
//! Only safetensors is read. Pickle files (`.pt`, `.pth`) can run code when opened and are refused.

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};
use crate::nn::tensor_error;

/// The 13 convolutions of VGG16 trained on ImageNet, safetensors, f16, torchvision's names.
pub fn embedded_vgg16() -> &'static [u8] {
    include_bytes!("../../assets/weights/vgg16-imagenet-features-f16.safetensors")
}

/// blake3 of [`embedded_vgg16`] as 64 hexadecimal digits, computed once.
pub fn embedded_vgg16_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash(embedded_vgg16()))
}

/// blake3 of weights as 64 hexadecimal digits; recorded with runs and part of the cache's key.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Named tensors of a weights file.
#[derive(Debug)]
pub struct Weights {
    tensors: HashMap<String, Tensor>,
    /// Where they come from, for messages.
    pub source: String,
    /// blake3 of the file, 64 hexadecimal digits.
    pub hash: String,
}

impl Weights {
    /// The VGG16 that comes with the program.
    ///
    /// # Errors
    /// `Model` when the program file is damaged.
    pub fn embedded_vgg16() -> Result<Self> {
        let source = "the built-in VGG16".to_owned();
        Ok(Self { tensors: parse(embedded_vgg16(), &source)?, source, hash: embedded_vgg16_hash().to_owned() })
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// `User` or `Device` when it cannot be read, `Model` when it is not a safetensors file.
    pub fn from_file(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads the bytes of a safetensors file; `source` names it in messages.
    ///
    /// # Errors
    /// `Model` when they are not those of a safetensors file.
    pub fn from_bytes(bytes: &[u8], source: &str) -> Result<Self> {
        Ok(Self { tensors: parse(bytes, source)?, source: source.to_owned(), hash: hash(bytes) })
    }

    /// The tensor `name` in single precision, on the processor.
    ///
    /// # Errors
    /// `Model` when it is missing or has another shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let wrong = |what: String| {
            Error::model(format!("{}: {what}", self.source))
                .hint("use the weights of the same network, with torchvision's names (features.0.weight, …)")
        };
        let tensor = self.tensors.get(name).ok_or_else(|| wrong(format!("the tensor {name} is missing")))?;
        if tensor.dims() != shape {
            return Err(wrong(format!("the tensor {name} has the shape {:?}, expected {shape:?}", tensor.dims())));
        }
        tensor.to_dtype(DType::F32).map_err(tensor_error)
    }
}

/// Reads safetensors bytes.
fn parse(bytes: &[u8], source: &str) -> Result<HashMap<String, Tensor>> {
    candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|error| {
        // Asked only of what cannot be read: the first byte of a sound file is part of a length, which may well be
        // the one that a pickle begins with.
        if let Err(pickle) = refuse_pickle(bytes, source) {
            return pickle;
        }
        Error::model(format!("{source}: not a readable safetensors file: {error}"))
            .hint("download it again, or convert the weights to safetensors")
            .caused_by(error)
    })
}

/// `Model` error for the bytes of a PyTorch file that is not safetensors.
pub(crate) fn refuse_pickle(bytes: &[u8], source: &str) -> Result<()> {
    // A zip archive (PyTorch since 1.6) or a bare pickle.
    if bytes.starts_with(b"PK\x03\x04") || bytes.first() == Some(&0x80) {
        return Err(Error::model(format!("{source}: this is a PyTorch pickle file, which could run code when opened"))
            .hint("convert it with safetensors.torch.save_file and use the .safetensors file"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn embedded_weights_have_their_hash() {
        let weights = Weights::embedded_vgg16().unwrap();
        assert_eq!(weights.hash, hash(embedded_vgg16()));
        assert!(weights.tensor("features.0.weight", &[64, 3, 3, 3]).is_ok());
    }

    #[test]
    fn a_header_of_any_length_is_read() {
        let mut first_bytes = std::collections::BTreeSet::new();
        for length in 1..=256 {
            let metadata = HashMap::from([("note".to_owned(), "x".repeat(length))]);
            let bytes = 1.5_f32.to_le_bytes();
            let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &bytes).unwrap();
            let file = safetensors::serialize([("w", view)], Some(metadata)).unwrap();
            first_bytes.insert(file[0]);
            assert!(Weights::from_bytes(&file, "own.safetensors").unwrap().tensor("w", &[1]).is_ok());
        }
        assert!(first_bytes.contains(&0x80));
    }

    #[test]
    fn wrong_files_are_explained() {
        let weights = Weights::embedded_vgg16().unwrap();
        for (name, shape, words) in [
            ("features.0.weight", vec![64, 3, 5, 5], "expected [64, 3, 5, 5]"),
            ("classifier.0.weight", vec![1], "classifier.0.weight is missing"),
        ] {
            let error = weights.tensor(name, &shape).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Model);
            assert!(error.message.contains(words), "{}", error.message);
        }
        for (bytes, words) in [
            (&b"PK\x03\x04rest"[..], "pickle"),
            (&b"\x80\x02}q"[..], "pickle"),
            (&b"plain text, no tensors"[..], "not a readable safetensors"),
            (&b""[..], "not a readable safetensors"),
        ] {
            let error = Weights::from_bytes(bytes, "own.pth").unwrap_err();
            assert_eq!(error.kind, ErrorKind::Model);
            assert!(error.message.contains(words) && error.message.contains("own.pth"), "{}", error.message);
        }
        let error = Weights::from_file(Path::new("no such file.safetensors")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::User);
    }
}
