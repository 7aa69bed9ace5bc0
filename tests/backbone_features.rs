//! Features from the pre-trained network: cache, order, failures, stopping.
#![allow(clippy::unwrap_used)]

mod common_numbers;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use atmoscope::error::{Error, ErrorKind, Result};
use atmoscope::features::{BackboneImage, FeatureMatrix, pooled_vgg16};
use atmoscope::ids::ImageId;
use atmoscope::nn::device::SelectedDevice;
use atmoscope::progress::{Cancel, Observer, Progress, Silent};
use common_numbers::picture;
use image::RgbImage;

const SIZE_PX: u32 = 32;

/// Images named 0, 1, …; each name is the seed of its picture.
fn images(names: impl IntoIterator<Item = u32>) -> Vec<BackboneImage> {
    let image = |name: u32| BackboneImage {
        image_id: ImageId(i64::from(name)),
        path: PathBuf::from(name.to_string()),
        content_hash: format!("hash of {name}"),
    };
    names.into_iter().map(image).collect()
}

fn load(path: &Path, size_px: u32) -> Result<RgbImage> {
    match path.to_str().unwrap().parse::<u32>().unwrap() {
        13 => Err(Error::data("13: not a picture")),
        seed => Ok(picture(size_px, seed)),
    }
}

fn features(
    images: &[BackboneImage],
    folder: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Vec<(ImageId, Error)>)> {
    pooled_vgg16(images, SIZE_PX, &load, folder, &SelectedDevice::cpu(), observer, cancel)
}

#[test]
fn features_are_the_same_fresh_cached_and_in_any_company() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (fresh, failures) = features(&images(0..7), one.path(), &Silent, &Cancel::new()).unwrap();
    assert!(failures.is_empty());
    assert_eq!((fresh.rows(), fresh.columns()), (7, 512));
    assert_ne!(fresh.row(0), fresh.row(1));
    assert!(fresh.values.iter().any(|&value| value > 0.0) && fresh.values.iter().all(|value| value.is_finite()));

    let calls = AtomicUsize::new(0);
    let counting = |path: &Path, size_px: u32| {
        calls.fetch_add(1, Ordering::Relaxed);
        load(path, size_px)
    };
    let device = SelectedDevice::cpu();
    let (cached, _) =
        pooled_vgg16(&images([5, 9, 3]), SIZE_PX, &counting, one.path(), &device, &Silent, &Cancel::new()).unwrap();
    assert_eq!(calls.into_inner(), 1, "only image 9 is new");
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
fn a_wrong_size_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let device = SelectedDevice::cpu();
    let error = pooled_vgg16(&images([1]), 16, &load, folder.path(), &device, &Silent, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config);
    let small = |_: &Path, _: u32| Ok(picture(20, 1));
    let (_, failures) =
        pooled_vgg16(&images([1]), 32, &small, folder.path(), &device, &Silent, &Cancel::new()).unwrap();
    assert!(failures[0].1.message.contains("32 pixels"));
}
