//! What the network is shown in training: pictures, their augmented copies, and mixtures of two pictures.
//!
//! A [`Sample`] says what is shown in terms of positions in a list of images; [`SampleMaker`] opens the files and makes
//! the picture. The [`Loader`](super::Loader) calls it ahead of the network.

use image::RgbImage;

use crate::error::{Error, Result};
use crate::imaging::{Augmentation, AugmentationLimits, PictureFile, augmented, mixed};

/// One thing that the network learns from. Images are positions in the list that training was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// An image or one of its augmented copies.
    Picture {
        /// The image.
        image: usize,
        /// The copy, from 1; 0 is the image as it is.
        copy: u32,
    },
    /// A point between two images, pixel by pixel (MLSMOTE): (1 − u)·image + u·reference.
    Mixed {
        /// The image that has the rare label.
        image: usize,
        /// The neighbour that it is mixed with.
        reference: usize,
        /// How much of the neighbour, 0 to 1.
        u: f32,
    },
}

/// Makes the pictures of samples.
#[derive(Clone, Debug)]
pub struct SampleMaker {
    /// The images that samples name by their position; their content hashes name their random streams.
    pub images: Vec<PictureFile>,
    /// Side of the pictures, in pixels.
    pub size_px: u32,
    /// How far copies may go.
    pub limits: AugmentationLimits,
    /// Seed of the copies.
    pub seed: u64,
}

impl SampleMaker {
    /// The picture of a sample, `size_px` × `size_px`.
    ///
    /// # Errors
    /// `Data` or `User`, naming the file, when it cannot be read; `Internal` for an image that is not in the list.
    pub fn picture(&self, sample: &Sample) -> Result<RgbImage> {
        match *sample {
            Sample::Picture { image, copy } => {
                let augmentation = Augmentation::drawn(&self.limits, self.seed, &self.image(image)?.content_hash, copy);
                Ok(augmented(&self.square(image)?, &augmentation))
            }
            Sample::Mixed { image, reference, u } => Ok(mixed(&self.square(image)?, &self.square(reference)?, u)),
        }
    }

    fn image(&self, image: usize) -> Result<&PictureFile> {
        self.images.get(image).ok_or_else(|| Error::internal(format!("there is no image at place {image}")))
    }

    fn square(&self, image: usize) -> Result<RgbImage> {
        let file = self.image(image)?;
        let picture = file.load_square(self.size_px)?;
        if picture.dimensions() == (self.size_px, self.size_px) {
            return Ok(picture);
        }
        Err(Error::internal(format!("{} was not decoded to {} pixels", file.path.display(), self.size_px)))
    }
}
