//! SIFT against OpenCV's (tests/goldens/make_sift.py), on twenty of the real illustrations.

use std::path::PathBuf;

use atmoscope::imaging::{DESCRIPTOR_LENGTH, Feature, PictureFile, sift};

/// The pictures, as make_sift.py takes them.
fn pictures() -> Vec<PathBuf> {
    let data = PathBuf::from(std::env::var_os("ATMOSCOPE_TEST_DATA").expect("ATMOSCOPE_TEST_DATA names the folder"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(data.join("illustrations/images"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jpg"))
        .collect();
    files.sort();
    files.into_iter().step_by(29).take(20).collect()
}

struct Expected {
    /// x, y, size, angle of each point.
    points: Vec<[f32; 4]>,
    /// Of every fourth point.
    descriptors: Vec<[u8; DESCRIPTOR_LENGTH]>,
    hash: String,
}

/// Each picture: the BLAKE3 of its square, the number of points, the points, and the descriptor of every fourth.
fn expected() -> Vec<Expected> {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/sift.bin")).unwrap();
    let mut rest = &bytes[..];
    let mut take = |count: usize| {
        let (taken, after) = rest.split_at(count);
        rest = after;
        taken
    };
    (0..20)
        .map(|_| {
            let hash = String::from_utf8(take(64).to_vec()).unwrap();
            let count = u32::from_le_bytes(take(4).try_into().unwrap()) as usize;
            let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
            let point = |bytes: &[u8]| std::array::from_fn(|place| number(&bytes[4 * place..4 * place + 4]));
            let points = take(16 * count).chunks_exact(16).map(point).collect();
            let descriptors = take(DESCRIPTOR_LENGTH * count.div_ceil(4)).chunks_exact(DESCRIPTOR_LENGTH);
            Expected { points, descriptors: descriptors.map(|of| of.try_into().unwrap()).collect(), hash }
        })
        .collect()
}

#[test]
#[ignore = "needs the real illustrations"]
fn points_and_descriptors_are_those_of_opencv() {
    let (mut wanted, mut matched, mut extra) = (0, 0, 0);
    let (mut difference, mut compared) = (0.0, 0);
    let writing = std::env::var_os("ATMOSCOPE_WRITE_SQUARES");
    let goldens = if writing.is_some() { Vec::new() } else { expected() };
    for (number, file) in pictures().into_iter().enumerate() {
        let square = PictureFile::as_found(&file).unwrap().load_square(384).unwrap();
        if let Some(folder) = &writing {
            let name = file.with_extension("rgb");
            std::fs::write(PathBuf::from(folder).join(name.file_name().unwrap()), square.as_raw()).unwrap();
            continue;
        }
        let expected = &goldens[number];
        let hash = blake3::hash(square.as_raw()).to_hex();
        assert_eq!(
            hash.as_str(),
            expected.hash,
            "{}: decoded otherwise than when make_sift.py was run",
            file.display()
        );
        let found = sift(&square);
        let is_it = |of: &Feature, point: &[f32; 4]| {
            let turned = ((of.point.angle - point[3] + 180.0).rem_euclid(360.0) - 180.0).abs();
            (of.point.x - point[0]).hypot(of.point.y - point[1]) < 1.0
                && (of.point.size / point[2] - 1.0).abs() < 0.1
                && turned < 5.0
        };
        wanted += expected.points.len();
        extra += found.len().saturating_sub(expected.points.len());
        for (place, point) in expected.points.iter().enumerate() {
            let of: Vec<&Feature> = found.iter().filter(|of| is_it(of, point)).collect();
            matched += usize::from(!of.is_empty());
            if place % 4 == 0 && !of.is_empty() {
                let expected = &expected.descriptors[place / 4];
                let apart = |of: &&Feature| -> u32 {
                    of.descriptor.iter().zip(expected).map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
                };
                difference += f64::from(of.iter().map(apart).min().unwrap()) / DESCRIPTOR_LENGTH as f64;
                compared += 1;
            }
        }
    }
    if writing.is_some() {
        return;
    }
    let (share, difference) = (matched as f64 / wanted as f64, difference / compared as f64);
    println!(
        "{matched} of {wanted} points matched ({share:.4}), {extra} more; descriptors differ by {difference:.3} of 255"
    );
    assert!(wanted > 10_000 && share >= 0.99 && extra < wanted / 100 && difference < 0.1);
}
