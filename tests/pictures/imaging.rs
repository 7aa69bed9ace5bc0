//! Pictures of every kind come out upright, in sRGB, or with the right reason why not.

use std::path::{Path, PathBuf};

use crate::common::numbers::{floats, golden};
use atmoscope::error::ErrorKind;
use atmoscope::imaging::{
    Augmentation, DecodeLimits, PictureFile, PictureFormat, Rejection, THUMBNAIL_SIDE_PX, ThumbnailCache, augmented,
    content_hash, decode, inspect, perceptual_hash, square_crop, thumbnail,
};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255; 3];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn read(name: &str) -> RgbImage {
    decode(&bytes(name), &DecodeLimits::default()).unwrap()
}

/// The colours in the middle of the four quarters: top left, top right, bottom left, bottom right.
fn quarters(image: &RgbImage) -> [[u8; 3]; 4] {
    let (width, height) = image.dimensions();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| image.get_pixel(width * x / 4, height * y / 4).0)
}

fn assert_near(name: &str, actual: [[u8; 3]; 4], expected: [[u8; 3]; 4], tolerance: u8) {
    let worst = actual.as_flattened().iter().zip(expected.as_flattened()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(worst <= tolerance, "{name}: {actual:?} instead of {expected:?}");
}

fn rejected(bytes: &[u8]) -> Rejection {
    let limits = DecodeLimits::default();
    let rejection = inspect(bytes, &limits).unwrap_err();
    assert_eq!(decode(bytes, &limits).unwrap_err(), rejection);
    rejection
}

#[test]
fn every_format_is_read() {
    for (name, format, tolerance) in [
        ("plain.png", PictureFormat::Png, 0),
        ("palette.png", PictureFormat::Png, 0),
        ("plain.bmp", PictureFormat::Bmp, 0),
        ("plain.tif", PictureFormat::Tiff, 0),
        ("plain.webp", PictureFormat::WebP, 0),
        ("plain.gif", PictureFormat::Gif, 0),
        ("animated.gif", PictureFormat::Gif, 0),
        ("animated.webp", PictureFormat::WebP, 0),
        ("progressive.jpg", PictureFormat::Jpeg, 3),
        ("named-wrongly.png", PictureFormat::Jpeg, 3),
    ] {
        let facts = inspect(&bytes(name), &DecodeLimits::default()).unwrap_or_else(|e| panic!("{name}: {e}")).facts;
        assert_eq!((facts.format, facts.width_px, facts.height_px, facts.orientation), (format, 24, 16, 1), "{name}");
        assert_eq!(facts.size_bytes, bytes(name).len() as u64);
        assert_near(name, quarters(&read(name)), [RED, GREEN, BLUE, WHITE], tolerance);
    }
}

#[test]
fn every_orientation_comes_out_upright() {
    for number in 1..=8 {
        let name = format!("orientation-{number}.jpg");
        let facts = inspect(&bytes(&name), &DecodeLimits::default()).unwrap().facts;
        assert_eq!((facts.width_px, facts.height_px, facts.orientation), (24, 16, number), "{name}");
        assert_near(&name, quarters(&read(&name)), [RED, GREEN, BLUE, WHITE], 3);
    }
    for name in ["orientation-6.png", "orientation-6.webp"] {
        let facts = inspect(&bytes(name), &DecodeLimits::default()).unwrap().facts;
        assert_eq!((facts.width_px, facts.height_px, facts.orientation), (24, 16, 6), "{name}");
        assert_near(name, quarters(&read(name)), [RED, GREEN, BLUE, WHITE], 0);
    }
}

#[test]
fn every_colour_model_becomes_8_bit_srgb() {
    // Transparent shows white, half transparent half of it.
    let half_blue_over_white = [127, 127, 255];
    assert_near("alpha", quarters(&read("alpha.png")), [WHITE, GREEN, half_blue_over_white, WHITE], 1);

    let luma = |value: u8| [value; 3];
    let grey = [luma(76), luma(150), luma(29), luma(255)];
    assert_near("grey.png", quarters(&read("grey.png")), grey, 1);
    assert_near("grey.jpg", quarters(&read("grey.jpg")), grey, 3);
    let ramp = read("grey-16.png");
    assert_eq!((ramp.get_pixel(0, 0).0, ramp.get_pixel(23, 5).0), ([0; 3], [255; 3]));
    assert!(read("bilevel.tif").pixels().all(|pixel| pixel.0 == [0; 3] || pixel.0 == WHITE));

    let grey_ink = [127; 3];
    assert_near("cmyk.jpg", quarters(&read("cmyk.jpg")), [RED, GREEN, BLUE, grey_ink], 3);
    assert_near("cmyk.tif", quarters(&read("cmyk.tif")), [RED, GREEN, BLUE, grey_ink], 1);
    // As Pillow reads it, see make.py.
    let ycck = [[179, 0, 227], [255, 207, 30], [77, 255, 255], [0, 67, 0]];
    assert_near("ycck.jpg", quarters(&read("ycck.jpg")), ycck, 3);
}

#[test]
fn an_embedded_profile_is_turned_into_srgb() {
    // As littleCMS converts it, see make.py.
    let [red, green, blue] = read("display-p3.png").get_pixel(4, 4).0;
    assert!(red.abs_diff(215) <= 2 && green.abs_diff(93) <= 2 && blue.abs_diff(31) <= 3, "{red} {green} {blue}");
}

#[test]
fn files_cut_in_half_are_truncated() {
    for name in [
        "texture.jpg",
        "texture-progressive.jpg",
        "texture.png",
        "texture.webp",
        "texture.gif",
        "texture.bmp",
        "texture.tif",
    ] {
        let whole = bytes(name);
        assert_eq!(inspect(&whole, &DecodeLimits::default()).unwrap().facts.width_px, 120, "{name}");
        for share in [0.3, 0.5, 0.9] {
            let rejection = rejected(&whole[..(whole.len() as f64 * share) as usize]);
            assert_eq!(rejection.code(), "truncated", "{name} cut at {share}: {rejection}");
        }
    }
    // Junk after the end is harmless.
    let mut longer = bytes("texture.jpg");
    longer.extend_from_slice(b"appended by some server");
    assert!(inspect(&longer, &DecodeLimits::default()).is_ok());
}

#[test]
fn what_is_no_picture_is_told_apart() {
    assert_eq!(rejected(b""), Rejection::Empty);
    assert_eq!(rejected(b"I am a text file named picture.png\n"), Rejection::NotAnImage);
    assert_eq!(rejected(b"\x89PNG\r\n\x1a\nand then nonsense that is no chunk at all").code(), "unreadable");
    // The header of an AVIF file.
    assert_eq!(rejected(b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B").code(), "unsupported");
    assert_eq!(rejected(&bytes("bomb.png")), Rejection::TooLarge { megapixels: 3600, limit_megapixels: 200 });
    let missing = PictureFile::as_found(Path::new("no/such/file.png")).unwrap_err();
    assert_eq!(missing.code(), "unopenable");
    let strict = DecodeLimits { max_megapixels: 0, ..DecodeLimits::default() };
    assert_eq!(decode(&bytes("plain.png"), &strict).unwrap_err().code(), "too-large");
}

#[test]
fn damaged_bytes_never_panic() {
    for name in ["texture.png", "texture.jpg", "texture.webp", "texture.gif", "texture.tif", "texture.bmp", "cmyk.jpg"]
    {
        let whole = bytes(name);
        for step in 0..40 {
            let mut damaged = whole.clone();
            let position = step * whole.len() / 40;
            damaged[position] ^= 0x55;
            // Whether it can still be read does not matter.
            let _ = decode(&damaged, &DecodeLimits::default());
        }
    }
}

#[test]
fn rejections_are_told_apart_and_say_what_to_do() {
    let mut codes = std::collections::BTreeSet::new();
    for rejection in [
        Rejection::Empty,
        Rejection::NotAnImage,
        Rejection::Unreadable("bad".into()),
        Rejection::Truncated("short".into()),
        Rejection::TooLarge { megapixels: 3600, limit_megapixels: 200 },
        Rejection::LongFile { megabytes: 6000, limit_megabytes: 700 },
        Rejection::TooMuchMemory { megabytes: 6400, limit_megabytes: 1300 },
        Rejection::Unsupported("image/avif".into()),
        Rejection::Unopenable("denied".into()),
    ] {
        assert!(codes.insert(rejection.code()));
        assert!(!rejection.to_string().is_empty() && !rejection.hint().is_empty());
    }
}

#[test]
fn the_square_is_the_centre_at_the_asked_size() {
    // Three stripes, 30 wide each: only the middle one is in the square.
    let stripes = RgbImage::from_fn(90, 30, |x, _| Rgb([RED, GREEN, BLUE][x as usize / 30]));
    let tall = RgbImage::from_fn(30, 90, |_, y| Rgb([RED, GREEN, BLUE][y as usize / 30]));
    for (image, size_px) in [(&stripes, 7), (&stripes, 30), (&stripes, 384), (&tall, 12), (&tall, 100)] {
        let square = square_crop(image, size_px);
        assert_eq!(square.dimensions(), (size_px, size_px));
        // As in scaling before cropping, what lies just outside reaches the edge.
        let margin = size_px / 40 + 1;
        let inside = margin..size_px - margin;
        for (x, y, pixel) in square.enumerate_pixels() {
            assert!(pixel.0 == GREEN || !inside.contains(&x) || !inside.contains(&y), "{size_px}: {x}, {y}: {pixel:?}");
        }
    }
    let file = |name: &str| PictureFile::as_found(path(name)).unwrap();
    assert_eq!(file("plain.png").load_square(33).unwrap().dimensions(), (33, 33));
    let error = file("make.py").load_square(33).unwrap_err();
    assert!(error.kind == ErrorKind::Data && error.message.contains("make.py") && error.hint.is_some());
}

#[test]
fn the_square_is_what_pillow_makes() {
    let expected = read("texture-square-32.png");
    let worst = square_crop(&read("texture.png"), 32)
        .as_raw()
        .iter()
        .zip(expected.as_raw())
        .map(|(ours, theirs)| ours.abs_diff(*theirs))
        .max();
    assert!(worst <= Some(1), "{worst:?}");
}

#[test]
fn thumbnails_keep_the_shape_and_never_grow() {
    assert_eq!(thumbnail(&RgbImage::new(1000, 500), 256).dimensions(), (256, 128));
    assert_eq!(thumbnail(&RgbImage::new(4000, 3), 256).dimensions(), (256, 1));
    assert_eq!(thumbnail(&RgbImage::new(100, 80), 256).dimensions(), (100, 80));
}

#[test]
fn thumbnails_are_kept_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = ThumbnailCache::new(folder.path().join("thumbnails"));
    let hash = content_hash(&bytes("texture.png"));
    assert_eq!(hash.len(), 64);
    assert!(cache.load(&hash).is_none());

    // Nothing is kept under a hash that the file does not have.
    let other = PictureFile { path: path("plain.png"), content_hash: hash.clone() };
    let error = cache.load_or_make(&other).unwrap_err();
    assert!(error.message.contains("plain.png") && error.message.contains("changed since"), "{error}");
    assert!(cache.load_or_make_jpeg(&other).is_err() && cache.load(&hash).is_none());

    let picture = PictureFile { path: path("texture.png"), content_hash: hash.clone() };
    let made = cache.load_or_make(&picture).unwrap();
    assert_eq!(made.dimensions(), (120, 90));
    assert!(cache.path(&hash).ends_with(format!("thumbnails/{}/{hash}.jpg", &hash[..2])));
    // From now on the picture itself is not needed.
    let gone = PictureFile { path: "gone.png".into(), ..picture };
    assert_eq!(cache.load_or_make(&gone).unwrap().dimensions(), (120, 90));

    std::fs::write(cache.path(&hash), b"damaged").unwrap();
    assert!(cache.load(&hash).is_none());
    cache.store(&hash, &RgbImage::new(2000, 1000)).unwrap();
    assert_eq!(cache.load(&hash).unwrap().dimensions(), (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX / 2));
    let left: Vec<_> = std::fs::read_dir(cache.path(&hash).parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "a temporary file was left behind");
}

#[test]
fn perceptual_hashes_tell_alike_from_different() {
    let distance = |a: u64, b: u64| (a ^ b).count_ones();
    for index in 0..20 {
        let picture = crate::common::sample_image(index);
        let original = perceptual_hash(&picture);
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 75).encode_image(&picture).unwrap();
        let recompressed = perceptual_hash(&decode(&jpeg, &DecodeLimits::default()).unwrap());
        let smaller = perceptual_hash(&thumbnail(&picture, 40));
        let distances = (distance(original, recompressed), distance(original, smaller));
        assert!(distances.0 <= 6 && distances.1 <= 6, "picture {index}: {distances:?}");
    }
    assert_eq!(perceptual_hash(&RgbImage::from_pixel(50, 40, Rgb([90, 20, 200]))), 1);

    let hashes: Vec<_> = (0..60).map(|index| perceptual_hash(&crate::common::sample_image(index))).collect();
    for (index, hash) in hashes.iter().enumerate() {
        assert!(hashes[..index].iter().all(|other| distance(*hash, *other) > 6), "picture {index}");
    }
}

#[test]
fn augmented_copies_are_what_scipy_makes() {
    let golden = golden("augmentation.json");
    let number = |value: &serde_json::Value| value.as_u64().unwrap() as u32;
    let image = crate::common::numbers::picture(number(&golden["size"]), number(&golden["seed"]));
    for case in golden["cases"].as_array().unwrap() {
        let augmentation = Augmentation {
            rotation_degrees: case["rotation_degrees"].as_f64().unwrap(),
            translation_share: case["translation_share"].as_f64().unwrap(),
            mirrored: case["mirrored"].as_bool().unwrap(),
        };
        let copy = augmented(&image, &augmentation);
        for (place, (ours, theirs)) in copy.as_raw().iter().zip(floats(&case["pixels"])).enumerate() {
            // Half a level of rounding, and a little for weights of 11 bits.
            assert!((f64::from(*ours) - theirs).abs() < 0.7, "{augmentation:?} {place}: {ours} {theirs}");
        }
    }
}
