//! Features from the pre-trained network: cache, order, failures, stopping.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::numbers::picture;
use atmoscope::error::{Error, ErrorKind, Result};
use atmoscope::features::{BackboneImage, BackboneSettings, FeatureMatrix, LoadSquare, backbone_features};
use atmoscope::ids::ImageId;
use atmoscope::imaging::{Augmentation, AugmentationLimits, PictureFile, augmented};
use atmoscope::nn::device::SelectedDevice;
use atmoscope::nn::vgg16::{Pooling, Vgg16};
use atmoscope::nn::weights::Weights;
use atmoscope::progress::{Cancel, Observer, Progress, Silent};
use image::RgbImage;

const SIZE_PX: u32 = 32;

/// Images named 0, 1, …; each name is the seed of its picture.
fn images(names: impl IntoIterator<Item = u32>) -> Vec<BackboneImage> {
    let image = |name: u32| BackboneImage {
        image_id: ImageId(i64::from(name)),
        file: PictureFile { path: PathBuf::from(name.to_string()), content_hash: format!("hash of {name}") },
    };
    names.into_iter().map(image).collect()
}

fn load(file: &PictureFile, size_px: u32) -> Result<RgbImage> {
    match file.path.to_str().unwrap().parse::<u32>().unwrap() {
        13 => Err(Error::data("13: not a picture")),
        seed => Ok(picture(size_px, seed)),
    }
}

fn settings(load: LoadSquare) -> BackboneSettings {
    let limits = AugmentationLimits { rotation_degrees: 45.0, translation_share: 0.1, flip: true };
    BackboneSettings { size_px: SIZE_PX, output: Pooling::Mean.output(), limits, seed: 1, load }
}

/// Features of images and copies with these settings.
fn copies(
    requests: &[(BackboneImage, u32)],
    settings: &BackboneSettings,
    folder: &Path,
) -> Result<(FeatureMatrix, Vec<(ImageId, Error)>)> {
    let requests: Vec<(&BackboneImage, u32)> = requests.iter().map(|(image, copy)| (image, *copy)).collect();
    let weights = Weights::embedded_vgg16().unwrap();
    backbone_features(&requests, settings, &weights, folder, &SelectedDevice::cpu(), &Silent, &Cancel::new())
}

fn features(
    images: &[BackboneImage],
    folder: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Vec<(ImageId, Error)>)> {
    let requests: Vec<(&BackboneImage, u32)> = images.iter().map(|image| (image, 0)).collect();
    let weights = Weights::embedded_vgg16().unwrap();
    let settings = settings(Arc::new(load));
    backbone_features(&requests, &settings, &weights, folder, &SelectedDevice::cpu(), observer, cancel)
}

/// Settings whose pictures are counted as they are opened.
fn counting() -> (BackboneSettings, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let load = move |file: &PictureFile, size_px: u32| {
        counted.fetch_add(1, Ordering::Relaxed);
        load(file, size_px)
    };
    (settings(Arc::new(load)), calls)
}

#[test]
fn features_are_the_same_fresh_cached_and_in_any_company() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (fresh, failures) = features(&images(0..7), one.path(), &Silent, &Cancel::new()).unwrap();
    assert!(failures.is_empty());
    assert_eq!((fresh.rows(), fresh.columns()), (7, 512));
    assert_ne!(fresh.row(0), fresh.row(1));
    assert!(fresh.values.iter().any(|&value| value > 0.0) && fresh.values.iter().all(|value| value.is_finite()));

    let (settings, calls) = counting();
    let requests: Vec<(BackboneImage, u32)> = images([5, 9, 3]).into_iter().map(|image| (image, 0)).collect();
    let (cached, _) = copies(&requests, &settings, one.path()).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1, "only image 9 is new");
    assert_eq!(cached.image_ids, [ImageId(5), ImageId(9), ImageId(3)]);
    assert_eq!((cached.row(0), cached.row(2)), (fresh.row(5), fresh.row(3)));

    let (other, _) = features(&images([9, 6]), two.path(), &Silent, &Cancel::new()).unwrap();
    assert_eq!((other.row(0), other.row(1)), (cached.row(1), fresh.row(6)));
}

#[test]
fn an_image_that_cannot_be_read_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = images([4, 13, 2, 4]);
    asked[3].image_id = ImageId(40);
    let (matrix, failures) = features(&asked, folder.path(), &Silent, &Cancel::new()).unwrap();
    assert_eq!(matrix.image_ids, [ImageId(4), ImageId(2), ImageId(40)]);
    assert_eq!(matrix.row(0), matrix.row(2));
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].0, ImageId(13));
    assert!(failures[0].1.message.contains("not a picture"));
    let (nothing, failures) = features(&images([13]), folder.path(), &Silent, &Cancel::new()).unwrap();
    assert_eq!((nothing.rows(), failures.len()), (0, 1));
    assert_eq!(features(&[], folder.path(), &Silent, &Cancel::new()).unwrap().0.rows(), 0);
}

/// Stops once some images are done.
struct StopAfter {
    images: usize,
    cancel: Cancel,
    seen: Mutex<Vec<usize>>,
}

impl Observer for StopAfter {
    fn progress(&self, progress: Progress) {
        self.seen.lock().unwrap().push(progress.done);
        if progress.done >= self.images {
            self.cancel.cancel();
        }
    }
}

#[test]
fn stopping_loses_no_finished_batch() {
    let folder = tempfile::tempdir().unwrap();
    let stop = StopAfter { images: 4, cancel: Cancel::new(), seen: Mutex::default() };
    let error = features(&images(20..40), folder.path(), &stop, &stop.cancel).unwrap_err();
    assert!(error.is_cancelled());
    let done = stop.seen.into_inner().unwrap().into_iter().max().unwrap();
    assert!((4..20).contains(&done));

    let rest = StopAfter { images: usize::MAX, cancel: Cancel::new(), seen: Mutex::default() };
    let (matrix, _) = features(&images(20..40), folder.path(), &rest, &rest.cancel).unwrap();
    assert_eq!(matrix.rows(), 20);
    assert_eq!(rest.seen.into_inner().unwrap().last(), Some(&(20 - done)));
}

#[test]
fn copies_are_cached_apart_and_follow_from_seed_and_limits() {
    let folder = tempfile::tempdir().unwrap();
    let of = |wanted: &[(u32, u32)]| -> Vec<(BackboneImage, u32)> {
        wanted.iter().map(|&(name, copy)| (images([name]).remove(0), copy)).collect()
    };
    let (settings, calls) = counting();
    let asked = of(&[(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2)]);
    let (fresh, failures) = copies(&asked, &settings, folder.path()).unwrap();
    assert!(failures.is_empty());
    assert_eq!(fresh.image_ids, [1, 2, 1, 2, 1, 2].map(ImageId));
    let rows: std::collections::HashSet<Vec<u32>> =
        (0..6).map(|row| fresh.row(row).iter().map(|value| value.to_bits()).collect()).collect();
    assert_eq!(rows.len(), 6, "each copy is another picture");

    // From the cache, in another order, without opening a file; and the network itself gives the same.
    let before = calls.load(Ordering::Relaxed);
    let (cached, _) = copies(&of(&[(2, 2), (1, 0), (1, 1)]), &settings, folder.path()).unwrap();
    assert_eq!([cached.row(0), cached.row(1), cached.row(2)], [fresh.row(5), fresh.row(0), fresh.row(2)]);
    assert_eq!(calls.load(Ordering::Relaxed), before);
    let augmentation = Augmentation::drawn(&settings.limits, 1, "hash of 2", 2);
    let network = Vgg16::load(&Weights::embedded_vgg16().unwrap(), &SelectedDevice::cpu()).unwrap();
    let pictures = [augmented(&picture(SIZE_PX, 2), &augmentation)];
    assert_eq!(network.features(&pictures, Pooling::Mean).unwrap(), fresh.row(5));

    let differently = |settings: BackboneSettings| copies(&of(&[(1, 0), (1, 1)]), &settings, folder.path()).unwrap().0;
    let limits = AugmentationLimits { flip: false, rotation_degrees: 5.0, ..settings.limits };
    for other in [BackboneSettings { seed: 2, ..settings.clone() }, BackboneSettings { limits, ..settings.clone() }] {
        let other = differently(other);
        assert_eq!(other.row(0), fresh.row(0));
        assert_ne!(other.row(1), fresh.row(2));
    }
    let statistics = differently(BackboneSettings { output: Pooling::Statistics.output(), ..settings.clone() });
    assert_eq!((statistics.rows(), statistics.columns()), (2, 2048));

    // An image that is gone has no row at all, though its own features are known, and is told of once.
    let gone = |file: &PictureFile, size_px: u32| match file.path.to_str() {
        Some("1") => Err(Error::data("1: gone")),
        _ => load(file, size_px),
    };
    let settings = BackboneSettings { load: Arc::new(gone), ..settings };
    let (left, failures) = copies(&of(&[(1, 0), (2, 0), (1, 3), (2, 3), (1, 4)]), &settings, folder.path()).unwrap();
    assert_eq!(left.image_ids, [2, 2].map(ImageId));
    assert_eq!(
        failures.iter().map(|(image, error)| (image.0, error.message.as_str())).collect::<Vec<_>>(),
        [(1, "1: gone")]
    );
}

#[test]
fn a_wrong_size_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let asked = [(images([1]).remove(0), 0)];
    let tiny = BackboneSettings { size_px: 16, ..settings(Arc::new(load)) };
    assert_eq!(copies(&asked, &tiny, folder.path()).unwrap_err().kind, ErrorKind::Config);
    let small = settings(Arc::new(|_: &PictureFile, _: u32| Ok(picture(20, 1))));
    let (_, failures) = copies(&asked, &small, folder.path()).unwrap();
    assert!(failures[0].1.message.contains("32 pixels"));
}
