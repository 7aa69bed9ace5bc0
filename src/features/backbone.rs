//! Features from a pre-trained network, of pictures and of their augmented copies.
//!
//! What is in the cache is not opened, and where nothing is missing no network is loaded. The rest is decoded and
//! augmented on other threads ([`Loader`]), a few ahead of the network, and each small batch is written to the cache when
//! it is done, so that stopping or a crash loses at most one batch. The pictures as they are and the copies are in files
//! of their own; the copies' name tells seed and limits of the augmentation.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;

use super::cache::FeatureCache;
use super::matrix::FeatureMatrix;
use crate::dataset::{Loader, Sample};
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::imaging::{Augmentation, AugmentationLimits, PictureFile, augmented};
use crate::nn::backbone::{Backbone, BackboneOutput};
use crate::nn::device::SelectedDevice;
use crate::nn::weights::Weights;
use crate::progress::{Cancel, Observer, Stage};

/// Pictures that go through the network at once. At 384 pixels four need about 300 MB.
const BATCH_IMAGES: usize = 4;
/// Changes when the kernels do, since their results then differ in the last bits.
const KERNELS: &str = "winograd";

/// An image to take features of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackboneImage {
    /// The project's id of it.
    pub image_id: ImageId,
    /// Its file; images with the same content hash have the same features.
    pub file: PictureFile,
}

/// Decodes a picture to a square of so many pixels, if its file holds what was imported ([`PictureFile::load_square`]);
/// called from other threads.
pub type LoadSquare = Arc<dyn Fn(&PictureFile, u32) -> Result<RgbImage> + Send + Sync>;

/// Which features are made.
#[derive(Clone)]
pub struct BackboneSettings {
    /// Side of the pictures in pixels.
    pub size_px: u32,
    /// The network and which of its outputs.
    pub output: BackboneOutput,
    /// How far augmented copies go; nothing to pictures as they are.
    pub limits: AugmentationLimits,
    /// Seed of the augmented copies.
    pub seed: u64,
    /// Opens a file.
    pub load: LoadSquare,
}

impl std::fmt::Debug for BackboneSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { size_px, output, limits, seed, .. } = self;
        f.debug_struct("BackboneSettings")
            .field("size_px", size_px)
            .field("output", output)
            .field("limits", limits)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}

/// Features of each image and copy asked for (copy 0 is the image as it is), in the order asked, and the images that
/// cannot be read, each once. An image one of whose copies cannot be made has no row at all.
///
/// The cache is a file in `cache_folder` for each weights, pooling, size and kind of device, and for the copies of each
/// augmentation. Features are the same bits from the cache or fresh, and whatever else is in the batch.
///
/// # Errors
/// `Config` for a size under 32; `Cancelled`; `Model` or `Device` from the network; `User` or `Device` from the cache.
/// An image that cannot be read is no error but an entry of the second value.
pub fn backbone_features(
    requests: &[(&BackboneImage, u32)],
    settings: &BackboneSettings,
    weights: &Weights,
    cache_folder: &Path,
    device: &SelectedDevice,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Vec<(ImageId, Error)>)> {
    let size_px = settings.size_px;
    let BackboneOutput { network, output } = settings.output;
    network.check_size(size_px)?;
    let mut caches = Caches::open(requests, settings, weights, cache_folder, device, observer)?;

    let mut asked = HashSet::new();
    let mut missing: Vec<(&BackboneImage, u32)> = requests
        .iter()
        .copied()
        .filter(|&(image, copy)| {
            caches.get(image, copy).is_none() && asked.insert((image.file.content_hash.as_str(), copy))
        })
        .collect();
    let mut unreadable: HashMap<&str, Error> = HashMap::new();
    if !missing.is_empty() {
        cancel.check()?;
        // All copies of a picture one after the other, so that its file is decoded once; pictures in the order asked.
        let mut place = HashMap::new();
        for (image, _) in &missing {
            let next = place.len();
            place.entry(image.file.content_hash.as_str()).or_insert(next);
        }
        missing.sort_by_key(|(image, copy)| (place[image.file.content_hash.as_str()], *copy));
        let network = (network.load)(weights, device)?;
        unreadable = compute(&missing, settings, network.as_ref(), &mut caches, observer, cancel)?;
    }

    let failed: HashSet<&str> = requests
        .iter()
        .filter(|(image, copy)| caches.get(image, *copy).is_none())
        .map(|(image, _)| image.file.content_hash.as_str())
        .collect();
    let (mut image_ids, mut values, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut reported = HashSet::new();
    for &(image, copy) in requests {
        match caches.get(image, copy).filter(|_| !failed.contains(image.file.content_hash.as_str())) {
            Some(features) => {
                image_ids.push(image.image_id);
                values.extend_from_slice(features);
            }
            None if reported.insert(image.image_id) => {
                // A second image with the same content tells of the first one's failure.
                let failure = unreadable.remove(image.file.content_hash.as_str());
                let failure = failure.unwrap_or_else(|| {
                    Error::data(format!(
                        "{} shows the same as another image that cannot be read",
                        image.file.path.display()
                    ))
                });
                failures.push((image.image_id, failure));
            }
            None => {}
        }
    }
    let names = (0..output.width).map(|feature| format!("{}_{feature:03}", network.id)).collect();
    Ok((FeatureMatrix::new(image_ids, names, values)?, failures))
}

/// The files of pictures as they are and of copies, the latter only where copies are asked for.
struct Caches {
    originals: FeatureCache,
    copies: Option<FeatureCache>,
}

impl Caches {
    fn open(
        requests: &[(&BackboneImage, u32)],
        settings: &BackboneSettings,
        weights: &Weights,
        folder: &Path,
        device: &SelectedDevice,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let open = |augmentation: Option<(AugmentationLimits, u64)>| -> Result<FeatureCache> {
            let (output, hash) = (settings.output, &weights.hash);
            let (name, key) = cache_name(hash, output, settings.size_px, device, augmentation);
            FeatureCache::open_telling(folder, &name, &key, output.output.width, observer)
        };
        let originals = open(None)?;
        let wanted = requests.iter().any(|&(_, copy)| copy > 0);
        let copies = wanted.then(|| open(Some((settings.limits, settings.seed)))).transpose()?;
        Ok(Self { originals, copies })
    }

    fn get(&self, image: &BackboneImage, copy: u32) -> Option<&[f32]> {
        match copy {
            0 => self.originals.get(&image.file.content_hash),
            copy => self.copies.as_ref()?.get(&copy_key(image, copy)),
        }
    }

    fn insert(&mut self, image: &BackboneImage, copy: u32, values: &[f32]) -> Result<()> {
        match (copy, &mut self.copies) {
            (0, _) => self.originals.insert(&image.file.content_hash, values),
            (copy, Some(copies)) => copies.insert(&copy_key(image, copy), values),
            (_, None) => Err(Error::internal("there is no cache for copies")),
        }
    }
}

/// Name of a cache file and the kind of features it holds.
fn cache_name(
    weights_hash: &str,
    output: BackboneOutput,
    size_px: u32,
    device: &SelectedDevice,
    augmentation: Option<(AugmentationLimits, u64)>,
) -> (String, String) {
    // A GPU's sums differ in the last bits, so its features are kept apart.
    let kind = if device.is_cpu() { "cpu" } else { "gpu" };
    let short = weights_hash.get(..16).unwrap_or(weights_hash);
    let (network, output) = (output.network.id, output.output.name);
    let name = format!("{network}-{short}-{output}-{size_px}px-{kind}-{KERNELS}");
    let key = format!("{network} {output} {weights_hash} {size_px} {kind} {KERNELS}");
    match augmentation {
        None => (format!("{name}.features"), key),
        Some((limits, seed)) => {
            let augmentation = format!("seed {seed} limits {}", limits.key());
            let hash = blake3::hash(augmentation.as_bytes()).to_hex();
            (format!("{name}-copies-{}.features", &hash[..16]), format!("{key} {augmentation}"))
        }
    }
}

/// Number of pictures whose features are in the cache, or of copies by an augmentation (limits and seed); from the size
/// of the file, without opening it.
pub fn cached_features(
    cache_folder: &Path,
    weights_hash: &str,
    output: BackboneOutput,
    size_px: u32,
    device: &SelectedDevice,
    augmentation: Option<(AugmentationLimits, u64)>,
) -> usize {
    let (name, _) = cache_name(weights_hash, output, size_px, device, augmentation);
    FeatureCache::rows_in(&cache_folder.join(name), output.output.width)
}

fn copy_key(image: &BackboneImage, copy: u32) -> String {
    format!("{} copy {copy}", image.file.content_hash)
}

/// A loader that makes sample `image` of `wanted`; squares that were decoded last are kept for their other copies.
fn loader(wanted: &[(&BackboneImage, u32)], settings: &BackboneSettings) -> Result<Loader> {
    let threads = Loader::usual_threads();
    let wanted: Vec<BackboneImage> = wanted.iter().map(|(image, _)| (*image).clone()).collect();
    let settings = settings.clone();
    let recent: Mutex<VecDeque<(String, Arc<RgbImage>)>> = Mutex::default();
    let square = move |image: &BackboneImage| -> Result<Arc<RgbImage>> {
        let lock = || recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().iter().find(|(hash, _)| *hash == image.file.content_hash).map(|(_, square)| square.clone());
        if let Some(square) = known {
            return Ok(square);
        }
        let square = (settings.load)(&image.file, settings.size_px)?;
        if square.dimensions() != (settings.size_px, settings.size_px) {
            let (path, size_px) = (image.file.path.display(), settings.size_px);
            return Err(Error::internal(format!("{path} was not decoded to {size_px} pixels")));
        }
        let square = Arc::new(square);
        let mut recent = lock();
        recent.push_back((image.file.content_hash.clone(), square.clone()));
        if recent.len() > threads + 1 {
            recent.pop_front();
        }
        Ok(square)
    };
    let (limits, seed) = (settings.limits, settings.seed);
    let make = move |sample: &Sample| match *sample {
        Sample::Picture { image, copy } => {
            let image = &wanted[image];
            let augmentation = Augmentation::drawn(&limits, seed, &image.file.content_hash, copy);
            Ok(augmented(&*square(image)?, &augmentation))
        }
        Sample::Mixed { .. } => Err(Error::internal("a mixture has no features in the cache")),
    };
    Loader::new(Arc::new(make), threads, 2 * BATCH_IMAGES)
}

/// Sends the pictures through the network into the caches; gives back those that cannot be read, by content hash.
fn compute<'a>(
    wanted: &[(&'a BackboneImage, u32)],
    settings: &BackboneSettings,
    network: &dyn Backbone,
    caches: &mut Caches,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<HashMap<&'a str, Error>> {
    let stage = Stage::new(format!("Computing {} features", settings.output.network.name), wanted.len());
    observer.progress(stage.at(0));
    let loader = loader(wanted, settings)?;
    loader.request(wanted.iter().enumerate().map(|(image, &(_, copy))| Sample::Picture { image, copy }));
    let mut unreadable = HashMap::new();
    let (mut places, mut pictures) = (Vec::new(), Vec::new());
    for (place, (image, _)) in wanted.iter().enumerate() {
        cancel.check()?;
        match loader.next() {
            Some(Ok(picture)) => {
                places.push(place);
                pictures.push(picture);
            }
            Some(Err(error)) => {
                unreadable.entry(image.file.content_hash.as_str()).or_insert(error);
            }
            None => return Err(Error::internal("a picture was not asked for")),
        }
        let last = place + 1 == wanted.len();
        if pictures.len() == BATCH_IMAGES || (last && !pictures.is_empty()) {
            let features = network.features(&pictures, settings.output.output)?;
            for (&place, values) in places.iter().zip(features.chunks_exact(settings.output.output.width)) {
                let (image, copy) = wanted[place];
                caches.insert(image, copy, values)?;
            }
            places.clear();
            pictures.clear();
            observer.progress(stage.at(place + 1));
        }
    }
    observer.progress(stage.at(wanted.len()));
    Ok(unreadable)
}
