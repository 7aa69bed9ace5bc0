//! What a pre-trained network makes of the pictures, without any training.

use clap::Args;

use super::{MadeSet, Making};
use crate::engine::jobs::intensities::{self, BackboneSource, Pictures};
use crate::error::{Error, Result};
use crate::features::Recipe;
use crate::nn::backbone::{BackboneOutput, BackboneSpec};
use crate::nn::{self, DeviceChoice, weights};
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// The network: vgg16, resnet50 (torchvision's: stride in the 3×3), resnet50-caffe (Keras's: in the first 1×1) or
    /// dinov2-small.
    #[arg(long, default_value = "vgg16")]
    network: String,
    /// Which of its outputs: of vgg16 mean, statistics or grid; of resnet50 pooled, or stage-1 to stage-4; of dinov2-small
    /// class, or block-1 to block-12. The first unless given.
    #[arg(long)]
    output: Option<String>,
    /// Side of the pictures in pixels: 384 unless given, or 378 for dinov2-small, which takes multiples of 14.
    #[arg(long, value_parser = clap::value_parser!(u32).range(28..=2048))]
    size: Option<u32>,
    /// Its weights: a safetensors file, or hf:owner/name/file; the built-in ones unless given.
    #[arg(long, default_value = "")]
    weights: String,
}

impl Settings {
    pub(super) fn recipe(&self, _project: &Project) -> Result<Recipe> {
        let spec = BackboneSpec::named(&self.network)?;
        let size_px = self.size.unwrap_or(spec.usual_size_px);
        spec.check_size(size_px)?;
        Ok(Recipe::Backbone {
            backbone: self.network.clone(),
            output: self.output.clone().unwrap_or_else(|| spec.outputs[0].name.to_owned()),
            size_px,
            weights: self.weights.clone(),
            weights_hash: String::new(),
        })
    }
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::Backbone { backbone, output, size_px, weights, .. } = recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let Making { project, images, observer, cancel } = making;
    let wanted = BackboneOutput::named(&backbone, &output)?;
    let device = nn::select(DeviceChoice::default())?;
    let found = weights::resolve_for(wanted.network, &weights, &project.weights_folder(), observer, cancel)?;
    let source = BackboneSource { weights: &found, output: wanted, image_size_px: size_px, device: &device };
    let (matrix, left_out) = source.features(&Pictures::of(project)?, &images, observer, cancel)?;
    if matrix.rows() == 0 {
        return Err(intensities::none_readable());
    }
    let weights_hash = found.hash.clone();
    Ok(MadeSet { recipe: Recipe::Backbone { backbone, output, size_px, weights, weights_hash }, matrix, left_out })
}
