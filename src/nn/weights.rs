//! Weights of pre-trained networks: the VGG16 that comes with the program, a file of the person's own, or one from the
//! Hugging Face hub ([`resolve`]).
//!
//! Only safetensors is read. Pickle files (`.pt`, `.pth`) can run code when opened and are refused. The convolutions
//! are found under the names of torchvision and timm, which are the same (`features.0.weight`, …), also behind a prefix
//! such as `module.` or `backbone.` that other programs put before them. The layers that tell ImageNet's classes apart
//! (`classifier.…`; `pre_logits.…` and `head.…` in timm) have no use here and are left out.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::OnceLock;

use candle_core::safetensors::Load;
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;

use crate::error::{Error, Result};
use crate::interchange::read_file;
use crate::nn::backbone::{BackboneSpec, vgg16};
use crate::nn::hub::{self, Hub, HubFile};
use crate::nn::tensor_error;
use crate::progress::{Cancel, Observer};

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

/// The weights that a setting names: empty for the built-in VGG16, `hf:owner/name/file.safetensors` for a file of the
/// Hugging Face hub ([`HubFile::parse`]), else the path of a safetensors file. They are checked to be those of VGG16.
///
/// `cache_folder` takes what is downloaded where the user has no folder for it.
///
/// # Errors
/// `User`, `Device` or `Data` when the file cannot be had, `Model` when it is not VGG16's, `Cancelled`.
pub fn resolve(setting: &str, cache_folder: &Path, observer: &dyn Observer, cancel: &Cancel) -> Result<Weights> {
    resolve_for(&vgg16::SPEC, setting, cache_folder, observer, cancel)
}

/// As [`resolve`], for any network; only VGG16 has built-in weights.
///
/// # Errors
/// As there; `User` for an empty setting where no weights come with the program.
pub fn resolve_for(
    network: &BackboneSpec,
    setting: &str,
    cache_folder: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Weights> {
    let setting = setting.trim();
    if setting.is_empty() {
        if !network.has_built_in_weights {
            return Err(Error::user(format!("the weights of {} do not come with Atmoscope", network.name))
                .hint("give a safetensors file, or one of the hub as hf:owner/name/file.safetensors"));
        }
        return Weights::embedded_vgg16();
    }
    let weights = if setting.starts_with(hub::PREFIX) {
        let path = Hub::from_environment(cache_folder).fetch(&HubFile::parse(setting)?, observer, cancel)?;
        Weights { source: setting.to_owned(), ..Weights::from_file(&path)? }
    } else {
        Weights::from_file(Path::new(setting))?
    };
    (network.check)(&weights)?;
    Ok(weights)
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
        let bytes = read_file(path)?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads the bytes of a safetensors file; `source` names it in messages.
    ///
    /// # Errors
    /// `Model` when they are not those of a safetensors file.
    pub fn from_bytes(bytes: &[u8], source: &str) -> Result<Self> {
        Ok(Self { tensors: parse(bytes, source)?, source: source.to_owned(), hash: hash(bytes) })
    }

    /// Names of all tensors, in alphabetical order.
    pub fn names(&self) -> BTreeSet<&str> {
        self.tensors.keys().map(String::as_str).collect()
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

/// Reads safetensors bytes. Where there are VGG's convolutions, only they are kept, under their plain names.
fn parse(bytes: &[u8], source: &str) -> Result<HashMap<String, Tensor>> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::model(format!("{source}: not a readable safetensors file: {error}"))
            .hint("download it again, or convert the weights to safetensors")
    };
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        // Asked only of what cannot be read: the first byte of a sound file is part of a length, which may well be
        // the one that a pickle begins with.
        refuse_pickle(bytes, source).err().unwrap_or_else(|| unreadable(&error).caused_by(error))
    })?;
    let prefix = prefix_of(file.names().into_iter(), source)?;
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors() {
        let name = match &prefix {
            Some(prefix) => match name.strip_prefix(prefix.as_str()) {
                Some(plain) if plain.starts_with("features.") => plain.to_owned(),
                _ => continue,
            },
            None => name,
        };
        let tensor = view.load(&Device::Cpu).map_err(|error| unreadable(&error).caused_by(error))?;
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// What stands before the names of VGG's convolutions: mostly nothing. None where there are no such names.
fn prefix_of<'a>(names: impl Iterator<Item = &'a str>, source: &str) -> Result<Option<String>> {
    const FIRST: &str = "features.0.weight";
    let prefixes: BTreeSet<&str> = names
        .filter_map(|name| name.strip_suffix(FIRST))
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .collect();
    // Plain names are the network's own, whatever else is in the file.
    if prefixes.contains("") {
        return Ok(Some(String::new()));
    }
    if prefixes.len() > 1 {
        let names: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}{FIRST}")).collect();
        return Err(Error::model(format!("{source}: holds more than one network: {}", names.join(", ")))
            .hint("save the one to begin with alone, under the plain names features.0.weight, …"));
    }
    Ok(prefixes.first().map(|prefix| (*prefix).to_owned()))
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
    use crate::progress::Silent;

    #[test]
    fn embedded_weights_have_their_hash() {
        let weights = Weights::embedded_vgg16().unwrap();
        assert_eq!(weights.hash, hash(embedded_vgg16()));
        assert!(weights.tensor("features.0.weight", &[64, 3, 3, 3]).is_ok());
    }

    #[test]
    fn a_header_of_any_length_is_read() {
        let mut first_bytes = BTreeSet::new();
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

    /// A file with VGG16's names behind `prefix`; each tensor holds its place in the alphabet as a number of `dtype`.
    fn network(prefix: &str, dtype: DType, others: &[(&str, Vec<usize>)]) -> Vec<u8> {
        let vgg16 = vgg16::tensor_shapes().into_iter().map(|(name, shape)| (format!("{prefix}{name}"), shape));
        let others = others.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone()));
        let tensors: Vec<(String, Tensor)> = vgg16
            .chain(others)
            .enumerate()
            .map(|(at, (name, shape))| {
                (name, Tensor::full(at as f32, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap())
            })
            .collect();
        safetensors::serialize(tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)), None).unwrap()
    }

    #[test]
    fn torchvision_and_timm_in_any_precision_and_behind_prefixes_are_vgg16() {
        (vgg16::SPEC.check)(&Weights::embedded_vgg16().unwrap()).unwrap();
        // Shapes of the tensors that are left out are small here and are not looked at.
        let torchvision = [("classifier.0.weight", vec![4, 4]), ("classifier.6.bias", vec![4])];
        let timm = [("pre_logits.fc1.weight", vec![4, 4, 1, 1]), ("head.fc.bias", vec![4])];
        let names = vgg16::tensor_shapes();
        for (prefix, dtype, others) in [
            ("", DType::F32, &torchvision),
            ("", DType::F16, &timm),
            ("module.", DType::BF16, &torchvision),
            ("model.backbone.", DType::F32, &timm),
        ] {
            let weights = Weights::from_bytes(&network(prefix, dtype, others), "own.safetensors").unwrap();
            (vgg16::SPEC.check)(&weights).unwrap();
            assert_eq!(weights.tensors.len(), 26);
            for (at, (name, shape)) in names.iter().enumerate() {
                let tensor = weights.tensor(name, shape).unwrap();
                let first = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()[0];
                assert_eq!(first, at as f32, "{prefix}{name}");
            }
        }
        // Two networks in one file: the plain one is meant; between two others there is no telling.
        let copy = [("ema.features.0.weight", vec![1])];
        assert!((vgg16::SPEC.check)(&Weights::from_bytes(&network("", DType::F16, &copy), "own").unwrap()).is_ok());
        let error = Weights::from_bytes(&network("model.", DType::F16, &copy), "own").unwrap_err();
        assert!(error.message.contains("more than one network: ema.features.0.weight, model."), "{}", error.message);
    }

    #[test]
    fn other_networks_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.safetensors");
        let file = |names: &[(&str, Vec<usize>)]| {
            let tensors: Vec<(&str, Tensor)> = names
                .iter()
                .map(|(name, shape)| (*name, Tensor::zeros(shape.clone(), DType::F32, &Device::Cpu).unwrap()))
                .collect();
            safetensors::serialize(tensors.iter().map(|(name, tensor)| (*name, tensor)), None).unwrap()
        };
        for (bytes, words) in [
            (network("", DType::F16, &[("features.34.weight", vec![1])]), "weights of VGG19"),
            (network("", DType::F16, &[("features.1.running_mean", vec![64])]), "batch normalisation"),
            (file(&[("layer1.0.conv1.weight", vec![1]), ("fc.bias", vec![1])]), "weights of a ResNet"),
            (file(&[("b", vec![1]), ("a", vec![1])]), "no tensor of VGG16 is in it; it holds a, b"),
            (file(&[("features.0.weight", vec![64, 3, 3, 3])]), "25 of VGG16's 26 tensors are missing"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = resolve(path.to_str().unwrap(), folder.path(), &Silent, &Cancel::new()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Model);
            assert!(error.message.contains(words), "{}", error.message);
            assert!(error.hint.is_some());
        }
        assert_eq!(resolve("", folder.path(), &Silent, &Cancel::new()).unwrap().hash, embedded_vgg16_hash());
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
