//! The list of pre-trained networks that make features: what each is called, what it gives, and how it is loaded.
//!
//! [`BACKBONES`] is the one list that recipes, caches and the command line take networks from; a new network is a file of
//! its own with a [`BackboneSpec`] in it, and a line in that list. Pictures come in as RGB bytes ([`batch_from_rgb`]); out
//! goes one row of numbers for each, the [`Output`] that was asked for. What is trained further is VGG16 alone.

pub mod dinov2;
pub mod resnet50;
pub mod vgg16;

use std::fmt;

use candle_core::{Device, Tensor};
use image::RgbImage;

use crate::error::{Error, Result};
use crate::nn::device::SelectedDevice;
use crate::nn::tensor_error;
use crate::nn::weights::Weights;

/// All networks, the paper's first.
pub static BACKBONES: &[&BackboneSpec] = &[&vgg16::SPEC, &resnet50::TORCHVISION, &resnet50::CAFFE, &dinov2::SMALL];

/// Mean of ImageNet's red, green and blue on a scale of 0 to 1.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's red, green and blue on a scale of 0 to 1.
pub const IMAGENET_STANDARD_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// One of the rows of numbers that a network can give for a picture.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Output {
    /// What it is called in files and on the command line.
    pub name: &'static str,
    /// How many numbers it has.
    pub width: usize,
    /// What they are, as a sentence.
    pub definition: &'static str,
}

/// A network, known without being loaded.
pub struct BackboneSpec {
    /// What it is called in files, caches and on the command line. It distinguishes networks that give other numbers with the
    /// same weights.
    pub id: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Smallest side of a picture, in pixels.
    pub minimum_size_px: u32,
    /// Side of a picture unless somebody says otherwise, in pixels.
    pub usual_size_px: u32,
    /// What the side of a picture must be a multiple of, in pixels.
    pub side_multiple_px: u32,
    /// What it can give, the usual first.
    pub outputs: &'static [Output],
    /// True when its weights come with the program.
    pub has_built_in_weights: bool,
    /// True where a run can train it further.
    pub trainable: bool,
    /// Refuses weights that are not this network's, and says what they look like.
    pub check: fn(&Weights) -> Result<()>,
    /// Takes its weights to a device.
    pub load: fn(&Weights, &SelectedDevice) -> Result<Box<dyn Backbone>>,
}

/// An output of a network.
#[derive(Clone, Copy, Debug)]
pub struct BackboneOutput {
    /// The network.
    pub network: &'static BackboneSpec,
    /// What it gives.
    pub output: &'static Output,
}

impl BackboneOutput {
    /// The output called `output` of the network called `network`.
    ///
    /// # Errors
    /// `User`, with what there is to choose from.
    pub fn named(network: &str, output: &str) -> Result<Self> {
        let network = BackboneSpec::named(network)?;
        Ok(Self { network, output: network.output(output)? })
    }
}

/// A network that is loaded.
pub trait Backbone {
    /// The numbers of pictures of one size, one row of `output.width` after the other. On the
    /// processor a picture's numbers do not depend on the others; on a GPU they do in their last bits, as its libraries
    /// choose the order of sums by the size of the batch.
    ///
    /// # Errors
    /// `Internal` for pictures that differ in size or an output that is not this network's; `Device`.
    fn features(&self, images: &[RgbImage], output: &Output) -> Result<Vec<f32>>;
}

impl BackboneSpec {
    /// The network called `id`.
    ///
    /// # Errors
    /// `User`, with what there is to choose from.
    pub fn named(id: &str) -> Result<&'static Self> {
        BACKBONES.iter().copied().find(|spec| spec.id == id).ok_or_else(|| {
            let ids: Vec<&str> = BACKBONES.iter().map(|spec| spec.id).collect();
            Error::user(format!("there is no network “{id}”")).hint(format!("say one of {}", ids.join(", ")))
        })
    }

    /// The network called `id`, which a run can train further.
    ///
    /// # Errors
    /// `User`, with what there is to choose from.
    pub fn to_train(id: &str) -> Result<&'static Self> {
        let ids: Vec<&str> = BACKBONES.iter().filter(|spec| spec.trainable).map(|spec| spec.id).collect();
        let spec = Self::named(id).ok().filter(|spec| spec.trainable);
        spec.ok_or_else(|| {
            Error::user(format!("“{id}” is not a network that can be trained"))
                .hint(format!("say {}", ids.join(" or ")))
        })
    }

    /// Refuses a side of pictures that it cannot take.
    ///
    /// # Errors
    /// `Config`, with a size that will do.
    pub fn check_size(&self, size_px: u32) -> Result<()> {
        let (least, multiple) = (self.minimum_size_px, self.side_multiple_px);
        if size_px < least {
            return Err(Error::config(format!("the picture size is {size_px} pixels, but must be {least} or more")));
        }
        if !size_px.is_multiple_of(multiple) {
            let near = size_px / multiple * multiple;
            return Err(Error::config(format!(
                "the picture size is {size_px} pixels, but {} takes multiples of {multiple}",
                self.name
            ))
            .hint(format!("say {near} or {}", near + multiple)));
        }
        Ok(())
    }

    /// Its output called `name`.
    ///
    /// # Errors
    /// `User`, with what there is to choose from.
    pub fn output(&self, name: &str) -> Result<&'static Output> {
        self.outputs.iter().find(|output| output.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.outputs.iter().map(|output| output.name).collect();
            Error::user(format!("{} has no output “{name}”", self.name))
                .hint(format!("say one of {}", names.join(", ")))
        })
    }
}

impl fmt::Debug for BackboneSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Pictures of one size as a tensor N × 3 × H × W on the processor, normalised as the networks were trained.
///
/// # Errors
/// `Internal` when there are none or they differ in size.
pub fn batch_from_rgb(images: &[RgbImage]) -> Result<Tensor> {
    let Some(first) = images.first() else {
        return Err(Error::internal("a batch needs one picture or more"));
    };
    let (width, height) = first.dimensions();
    if images.iter().any(|image| image.dimensions() != (width, height)) {
        return Err(Error::internal("the pictures of a batch differ in size"));
    }
    let mut values = Vec::with_capacity(images.len() * 3 * width as usize * height as usize);
    for image in images {
        for channel in 0..3 {
            let (mean, deviation) = (IMAGENET_MEAN[channel], IMAGENET_STANDARD_DEVIATION[channel]);
            let level = |byte: u8| (f32::from(byte) / 255.0 - mean) / deviation;
            values.extend(image.as_raw().iter().skip(channel).step_by(3).map(|&byte| level(byte)));
        }
    }
    Tensor::from_vec(values, (images.len(), 3, height as usize, width as usize), &Device::Cpu).map_err(tensor_error)
}

/// The numbers behind rows on any device.
fn numbers(rows: &Tensor) -> Result<Vec<f32>> {
    rows.flatten_all().and_then(|rows| rows.to_vec1::<f32>()).map_err(tensor_error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn networks_and_outputs_are_told_apart() {
        let ids: BTreeSet<&str> = BACKBONES.iter().map(|spec| spec.id).collect();
        assert_eq!(ids.len(), BACKBONES.len());
        for spec in BACKBONES {
            assert_eq!(BackboneSpec::named(spec.id).unwrap().id, spec.id);
            let names: BTreeSet<&str> = spec.outputs.iter().map(|output| output.name).collect();
            assert!(names.len() == spec.outputs.len() && !names.is_empty(), "{spec:?}");
            assert!(spec.output("dreams").unwrap_err().hint.unwrap().contains(spec.outputs[0].name));
        }
        assert!(BackboneSpec::named("vgg19").unwrap_err().hint.unwrap().contains("vgg16"));
    }
}
