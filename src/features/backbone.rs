//! Features from a pre-trained VGG16: the mean over the picture of each channel of the last block.
//!
//! Images whose features are in the cache are not opened. The others are decoded on a thread of their own, a few ahead
//! of the network, and each small batch is written to the cache when it is done, so that stopping or a crash loses at
//! most one batch.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use image::RgbImage;

use super::cache::FeatureCache;
use super::matrix::FeatureMatrix;
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::nn::device::SelectedDevice;
use crate::nn::vgg16::{MINIMUM_SIZE_PX, Pooling, Vgg16};
use crate::nn::weights::{Weights, embedded_vgg16_hash};
use crate::progress::{Cancel, Observer, Stage};

/// Pictures that go through the network at once. At 384 pixels four need about 300 MB.
const BATCH_IMAGES: usize = 4;
/// Number of features of an image.
const POOLED_FEATURES: usize = 512;
/// Changes when the kernels do, since their results then differ in the last bits.
const KERNELS: &str = "winograd";

/// An image to take features of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackboneImage {
    /// The project's id of it.
    pub image_id: ImageId,
    /// Where its file is.
    pub path: PathBuf,
    /// Hash of what it shows; images with the same hash have the same features.
    pub content_hash: String,
}

/// Pooled VGG16 features (512) of each image that can be read, in the order asked, and the images that cannot.
///
/// `load` decodes a file to `size_px` × `size_px`; it is called from another thread. The cache is a file in
/// `cache_folder` for each weights, size and kind of device. Features are the same bits from the cache or fresh, and
/// whatever other images are asked with them.
///
/// # Errors
/// `Config` for a size under 32; `Cancelled`; `Model` or `Device` from the network; `User` or `Device` from the cache.
/// An image that cannot be read is no error but an entry of the second value.
pub fn pooled_vgg16(
    images: &[BackboneImage],
    size_px: u32,
    load: &(dyn Fn(&Path, u32) -> Result<RgbImage> + Sync),
    cache_folder: &Path,
    device: &SelectedDevice,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Vec<(ImageId, Error)>)> {
    if size_px < MINIMUM_SIZE_PX {
        return Err(Error::config(format!(
            "the picture size is {size_px} pixels, but must be {MINIMUM_SIZE_PX} or more"
        )));
    }
    // A GPU's sums differ in the last bits, so its features are kept apart.
    let kind = if device.is_cpu() { "cpu" } else { "gpu" };
    let hash = embedded_vgg16_hash();
    let name = format!("vgg16-{}-{size_px}px-{kind}-{KERNELS}.features", &hash[..16]);
    let (mut cache, note) = FeatureCache::open(
        cache_folder,
        &name,
        &format!("vgg16 pooled {hash} {size_px} {kind} {KERNELS}"),
        POOLED_FEATURES,
    )?;
    if let Some(note) = note {
        observer.note(&note);
    }

    let mut asked = HashSet::new();
    let missing: Vec<&BackboneImage> = images
        .iter()
        .filter(|image| cache.get(&image.content_hash).is_none() && asked.insert(image.content_hash.as_str()))
        .collect();
    let mut unreadable: HashMap<&str, Error> = HashMap::new();
    if !missing.is_empty() {
        cancel.check()?;
        let network = Vgg16::load(&Weights::embedded_vgg16()?, device)?;
        unreadable = compute(&missing, size_px, load, &network, &mut cache, observer, cancel)?;
    }

    let (mut image_ids, mut values, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for image in images {
        match cache.get(&image.content_hash) {
            Some(features) => {
                image_ids.push(image.image_id);
                values.extend_from_slice(features);
            }
            None => {
                // A second image with the same content tells of the first one's failure.
                let failure = unreadable.remove(image.content_hash.as_str());
                let failure = failure.unwrap_or_else(|| {
                    Error::data(format!("{} shows the same as another image that cannot be read", image.path.display()))
                });
                failures.push((image.image_id, failure));
            }
        }
    }
    let names = (0..POOLED_FEATURES).map(|channel| format!("vgg16_{channel:03}")).collect();
    Ok((FeatureMatrix::new(image_ids, names, values)?, failures))
}

/// Sends the images through the network into the cache; gives back those that cannot be read, by content hash.
fn compute<'a>(
    images: &[&'a BackboneImage],
    size_px: u32,
    load: &(dyn Fn(&Path, u32) -> Result<RgbImage> + Sync),
    network: &Vgg16,
    cache: &mut FeatureCache,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<HashMap<&'a str, Error>> {
    let stage = Stage::new("Computing VGG16 features", images.len());
    observer.progress(stage.at(0));
    let mut unreadable = HashMap::new();
    std::thread::scope(|scope| {
        let (sender, receiver) = crossbeam_channel::bounded::<(usize, Result<RgbImage>)>(2 * BATCH_IMAGES);
        scope.spawn(move || {
            for (index, image) in images.iter().enumerate() {
                if cancel.is_cancelled() {
                    return;
                }
                let picture = load(&image.path, size_px).and_then(|picture| {
                    if picture.dimensions() == (size_px, size_px) {
                        Ok(picture)
                    } else {
                        Err(Error::internal(format!("{} was not decoded to {size_px} pixels", image.path.display())))
                    }
                });
                // Nobody listens any more once the network failed or was stopped.
                if sender.send((index, picture)).is_err() {
                    return;
                }
            }
        });

        let mut done = 0;
        let (mut indices, mut pictures) = (Vec::new(), Vec::new());
        loop {
            let received = receiver.recv();
            cancel.check()?;
            let ended = received.is_err();
            if let Ok((index, picture)) = received {
                match picture {
                    Ok(picture) => {
                        indices.push(index);
                        pictures.push(picture);
                    }
                    Err(error) => {
                        unreadable.insert(images[index].content_hash.as_str(), error);
                        done += 1;
                    }
                }
            }
            if pictures.len() == BATCH_IMAGES || (ended && !pictures.is_empty()) {
                let features = network.features(&pictures, Pooling::Mean)?;
                for (&index, values) in indices.iter().zip(features.chunks_exact(POOLED_FEATURES)) {
                    cache.insert(&images[index].content_hash, values)?;
                }
                done += pictures.len();
                indices.clear();
                pictures.clear();
                observer.progress(stage.at(done));
            }
            if ended {
                observer.progress(stage.at(done));
                return Ok(unreadable);
            }
        }
    })
}
