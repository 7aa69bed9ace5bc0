//! Thousands of damaged pictures: each is taken or listed with its reason, none ends the program or its memory.
//!
//! Every mutant follows from the seed and its number. `ATMOSCOPE_MUTANTS=10000` makes so many; less is usual.

use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use atmoscope::engine::jobs::import::{self, ImportRequest};
use atmoscope::imaging::{DecodeLimits, decode};
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::Project;
use image::{DynamicImage, ImageFormat, RgbaImage};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus as Random;

use crate::common::{peak_memory_bytes, sample_image};

const SEED: u64 = 20_261_126;
const USUAL: usize = 600;
/// Mutants imported at once.
const BATCH: usize = 500;
/// Most memory that the whole test may take.
const MOST_BYTES: u64 = 1_500_000_000;

/// Names and bytes of sound pictures to begin with: those of `tests/images`, and small ones of every format.
fn originals() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    let mut originals: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .filter(|(_, bytes)| decode(bytes, &DecodeLimits::default()).is_ok())
        .collect();
    originals.sort();
    let formats = [
        ("png", ImageFormat::Png),
        ("jpg", ImageFormat::Jpeg),
        ("webp", ImageFormat::WebP),
        ("gif", ImageFormat::Gif),
        ("bmp", ImageFormat::Bmp),
        ("tif", ImageFormat::Tiff),
    ];
    for (size, (width, height)) in [(1, 1), (7, 5), (33, 64)].into_iter().enumerate() {
        let plain = DynamicImage::ImageRgb8(sample_image(size)).resize_exact(width, height, FILTER);
        let faded = RgbaImage::from_fn(width, height, |x, y| image::Rgba([x as u8, y as u8, 99, (x * 7) as u8]));
        for (ending, format) in formats {
            let mut pictures = vec![("plain", plain.clone())];
            if format != ImageFormat::Jpeg {
                pictures.push(("alpha", DynamicImage::ImageRgba8(faded.clone())));
            }
            if matches!(format, ImageFormat::Png | ImageFormat::Tiff) {
                pictures.push(("deep", DynamicImage::ImageRgb16(plain.to_rgb16())));
                pictures.push(("grey", DynamicImage::ImageLuma8(plain.to_luma8())));
            }
            for (kind, picture) in pictures {
                let mut bytes = Cursor::new(Vec::new());
                picture.write_to(&mut bytes, format).unwrap();
                originals.push((format!("made-{width}-{kind}.{ending}"), bytes.into_inner()));
            }
        }
    }
    originals
}

const FILTER: image::imageops::FilterType = image::imageops::FilterType::Triangle;

/// Where a mutant comes from, for the message, and its bytes.
struct Mutant {
    number: usize,
    original: usize,
    kind: &'static str,
    bytes: Vec<u8>,
}

fn mutant(number: usize, originals: &[(String, Vec<u8>)]) -> Mutant {
    let mut random = Random::seed_from_u64(SEED ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let original = random.gen_range(0..originals.len());
    let mut bytes = originals[original].1.clone();
    let length = bytes.len();
    let place = random.gen_range(0..length);
    let piece = place..(place + random.gen_range(1..=64)).min(length);
    let kind = match random.gen_range(0..10) {
        0 => {
            for _ in 0..random.gen_range(1..=8) {
                let place = random.gen_range(0..length);
                bytes[place] ^= 1 << random.gen_range(0..8);
            }
            "bits turned over"
        }
        1 => {
            bytes[piece].fill(0);
            "a hole"
        }
        2 => {
            bytes.truncate(random.gen_range(1..length.max(2)));
            "cut short"
        }
        3 => {
            // Sizes, counts and offsets stand near the beginning.
            let place = random.gen_range(0..length.min(96));
            let lie: u32 = *[0, 1, 0xFF, 0x7FFF, 0xFFFF, 20_000, 0x7FFF_FFFF, u32::MAX].choose(&mut random).unwrap();
            let lie = if random.r#gen() { lie.to_be_bytes() } else { lie.to_le_bytes() };
            bytes.iter_mut().skip(place).zip(lie).for_each(|(byte, lie)| *byte = lie);
            "a lie in the header"
        }
        4 => {
            let other = &originals[random.gen_range(0..originals.len())].1;
            bytes.extend_from_slice(other);
            "two files in one"
        }
        5 => {
            let more: Vec<u8> = (0..random.gen_range(1..=64)).map(|_| random.r#gen()).collect();
            bytes.splice(place..place, more);
            "bytes put in"
        }
        6 => {
            bytes.drain(piece);
            "bytes taken out"
        }
        7 => {
            let copy = bytes[piece].to_vec();
            bytes.splice(place..place, copy);
            "a piece twice"
        }
        8 => {
            let other = &originals[random.gen_range(0..originals.len())].1;
            let start = random.gen_range(0..other.len());
            bytes.truncate(place.max(1));
            bytes.extend_from_slice(&other[start..]);
            "the end of another"
        }
        _ => {
            chunks_changed(&mut bytes, &mut random);
            "chunks changed"
        }
    };
    // Half of the damaged PNGs say that they are sound.
    if bytes.starts_with(b"\x89PNG") && kind != "cut short" && random.r#gen() {
        mend_checksums(&mut bytes);
    }
    Mutant { number, original, kind, bytes }
}

/// The chunks of a PNG: start, and length of the data.
fn png_chunks(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut chunks = Vec::new();
    let mut place = 8;
    while let Some(length) = bytes.get(place..place + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        if bytes.len() < place.saturating_add(length).saturating_add(12) {
            break;
        }
        chunks.push((place, length));
        place += length + 12;
    }
    chunks
}

/// Takes out, doubles or changes one part: a chunk of a PNG, elsewhere what lies between two likely borders.
fn chunks_changed(bytes: &mut Vec<u8>, random: &mut Random) {
    let parts: Vec<(usize, usize)> = if bytes.starts_with(b"\x89PNG") {
        png_chunks(bytes).into_iter().map(|(start, length)| (start, start + length + 12)).collect()
    } else {
        // Segments of a JPEG; for others any four bytes that may be a length do as well.
        let borders: Vec<usize> = (2..bytes.len()).filter(|place| bytes[*place] == 0xFF || place % 97 == 0).collect();
        borders.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let Some(&(start, end)) = parts.choose(random) else { return };
    match random.gen_range(0..4) {
        0 => drop(bytes.drain(start..end)),
        1 => {
            let copy = bytes[start..end].to_vec();
            bytes.splice(end..end, copy);
        }
        2 => {
            let inside = random.gen_range(start..end);
            bytes[inside] = random.r#gen();
        }
        _ => {
            let part: Vec<u8> = bytes.drain(start..end).collect();
            let place = random.gen_range(bytes.len().min(8)..=bytes.len());
            bytes.splice(place..place, part);
        }
    }
}

fn mend_checksums(bytes: &mut [u8]) {
    for (start, length) in png_chunks(bytes) {
        let data = start + 4..start + 8 + length;
        let mut sum = u32::MAX;
        for byte in &bytes[data.clone()] {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = (sum >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(sum & 1));
            }
        }
        bytes[data.end..data.end + 4].copy_from_slice(&(!sum).to_be_bytes());
    }
}

#[test]
fn mutated_pictures_are_taken_or_listed() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Other tests of this file may fail beside this one.
        if info.location().is_none_or(|place| !place.file().contains("tests/")) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        usual(info);
    }));
    let count = std::env::var("ATMOSCOPE_MUTANTS").map_or(USUAL, |count| count.parse().unwrap());
    let originals = originals();
    let folder = tempfile::tempdir().unwrap();
    let mut project = Project::create(&folder.path().join("project")).unwrap();
    let (mut taken, mut listed, mut doubles, mut gave_up) = (0, 0, 0, 0);
    let mut reasons = std::collections::BTreeMap::<String, usize>::new();
    for first in (0..count).step_by(BATCH) {
        let images = folder.path().join(format!("images-{first}"));
        std::fs::create_dir(&images).unwrap();
        let mutants: Vec<Mutant> =
            (first..(first + BATCH).min(count)).map(|number| mutant(number, &originals)).collect();
        for mutant in &mutants {
            std::fs::write(images.join(format!("{:05}.png", mutant.number)), &mutant.bytes).unwrap();
        }
        let request = ImportRequest { images: Some(images.clone()), ..ImportRequest::default() };
        let report = import::run(&mut project, &request, &Silent, &Cancel::new()).unwrap();
        assert_eq!(report.added + report.already_there + report.moved + report.rejected.len(), mutants.len());
        taken += report.added;
        for file in &report.rejected {
            assert!(!file.reason.trim().is_empty(), "{file:?}");
            *reasons.entry(file.code.clone()).or_default() += 1;
            doubles += usize::from(file.code == "exact-double");
            gave_up += usize::from(file.reason.contains("gave up"));
        }
        listed += report.rejected.len();
        mutants.iter().for_each(|mutant| is_whole_or_refused(mutant, &originals));
        std::fs::remove_dir_all(&images).unwrap();
    }
    let peak = peak_memory_bytes();
    println!(
        "{count} mutants of {} pictures: {taken} taken, {listed} listed ({doubles} of them doubles): {reasons:?}; \
         {gave_up} decoders gave up, {} panics were shown, peak {} MB",
        originals.len(),
        PANICS.load(Ordering::SeqCst),
        peak.map_or(0, |bytes| bytes / 1_000_000)
    );
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    assert!(peak.is_none_or(|bytes| bytes < MOST_BYTES), "{peak:?} bytes");
}

/// A picture that was cut short is refused where its format tells its end; a PNG that lacks only what comes after its
/// pixels may be taken, and then looks as it did.
fn is_whole_or_refused(mutant: &Mutant, originals: &[(String, Vec<u8>)]) {
    let (name, whole) = &originals[mutant.original];
    let Mutant { number, kind: "cut short", bytes, .. } = mutant else { return };
    let Ok(picture) = decode(bytes, &DecodeLimits::default()) else { return };
    let format = image::guess_format(whole).unwrap();
    assert!(!matches!(format, ImageFormat::Jpeg | ImageFormat::WebP), "mutant {number} of {name} was taken");
    if format == ImageFormat::Png {
        let before = decode(whole, &DecodeLimits::default()).unwrap();
        assert!(picture == before, "mutant {number} of {name} was taken with other pixels");
    }
}
