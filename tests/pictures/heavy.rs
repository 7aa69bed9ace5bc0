//! Small files that ask for much: turned away by their header, their length or their profile, before memory is taken.

use std::io::Write;
use std::path::Path;

use atmoscope::imaging::{DecodeLimits, MEMORY_BUDGET_BYTES, decode, inspect, read_picture_file};

use crate::common::peak_memory_bytes;

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(data) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &(!crc).to_be_bytes()].concat()
}

fn png(side: u32, depth: u8, colour: u8, more: &[u8], pixels: &[u8]) -> Vec<u8> {
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    let start = b"\x89PNG\r\n\x1a\n".to_vec();
    [start, chunk(b"IHDR", &header), more.to_vec(), chunk(b"IDAT", pixels), chunk(b"IEND", &[])].concat()
}

/// `count` zeros, packed by deflate as small as it can: one zero, then copies of 258.
fn packed_zeros(count: u64) -> Vec<u8> {
    let mut bytes = vec![0x78, 0x01];
    let (mut buffer, mut filled) = (0_u64, 0);
    let mut put = |bits: u64, width: u32, bytes: &mut Vec<u8>| {
        buffer |= bits << filled;
        filled += width;
        while filled >= 8 {
            bytes.push(buffer as u8);
            buffer >>= 8;
            filled -= 8;
        }
    };
    // The last block, fixed codes; the literal 0 is 0011_0000, and codes go from their highest bit on.
    put(0b011, 3, &mut bytes);
    put(0b0000_1100, 8, &mut bytes);
    for _ in 0..count / 258 {
        // Length 258 is code 285: 1100_0101; distance 1 is code 0 of five bits.
        put(0b1010_0011, 8, &mut bytes);
        put(0, 5, &mut bytes);
    }
    put(0, 7 + 7, &mut bytes);
    let adler: u32 = ((1 + count / 258 * 258) % 65521) as u32;
    bytes.extend(((adler << 16) | 1).to_be_bytes());
    bytes
}

fn tiff(side: u32, samples: u16, bits: u16, float: bool) -> Vec<u8> {
    let mut entries: Vec<(u16, u16, u32, u32)> = vec![
        (256, 4, 1, side),
        (257, 4, 1, side),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, samples.into()),
        (278, 4, 1, side),
        (279, 4, 1, 8),
    ];
    let end_of_directory = 8 + 2 + (entries.len() as u32 + 2 + u32::from(samples > 3)) * 12 + 4;
    entries.push((258, 3, samples.into(), end_of_directory));
    entries.push((339, 3, samples.into(), end_of_directory + 2 * u32::from(samples)));
    if samples > 3 {
        entries.push((338, 3, 1, 2));
    }
    entries.sort();
    let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    (0..samples).for_each(|_| bytes.extend(bits.to_le_bytes()));
    (0..samples).for_each(|_| bytes.extend((if float { 3_u16 } else { 1 }).to_le_bytes()));
    bytes
}

#[test]
fn a_picture_is_refused_for_the_memory_it_would_take() {
    // 200 megapixels each, by the header alone.
    let zeros = packed_zeros(1000);
    for (what, bytes) in [
        ("PNG of 16 bits with alpha", png(14_142, 16, 6, &[], &zeros)),
        ("TIFF of floats", tiff(14_142, 4, 32, true)),
        ("TIFF of 16 bits", tiff(14_142, 3, 16, false)),
    ] {
        let rejection = inspect(&bytes, &DecodeLimits::default()).unwrap_err();
        assert_eq!(rejection.code(), "too-much-memory", "{what}: {rejection}");
        assert!(rejection.to_string().contains("1300"), "{rejection}");
    }
    // As many pixels of 8 bits fit; here they are missing.
    let rejection = inspect(
        &png(14_142, 8, 2, &[], &zeros),
        &DecodeLimits { max_memory_bytes: 1_000_000, ..DecodeLimits::default() },
    );
    assert_eq!(rejection.unwrap_err().code(), "too-much-memory");
    assert_eq!(DecodeLimits::default().max_memory_bytes, MEMORY_BUDGET_BYTES);
}

#[test]
fn a_profile_that_unpacks_to_a_gigabyte_takes_none() {
    let profile = [b"profile\0\0".to_vec(), packed_zeros(1_000_000_000)].concat();
    let row = packed_zeros(258 * 2);
    let bytes = png(10, 8, 2, &chunk(b"iCCP", &profile), &row);
    let before = peak_memory_bytes();
    let picture = decode(&bytes, &DecodeLimits::default()).unwrap();
    assert_eq!(picture.dimensions(), (10, 10));
    if let (Some(before), Some(after)) = (before, peak_memory_bytes()) {
        assert!(after - before < 400_000_000, "{} MB", (after - before) / 1_000_000);
    }
}

#[test]
fn long_files_and_files_that_are_none_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let sparse = folder.path().join("sparse.png");
    let mut file = std::fs::File::create(&sparse).unwrap();
    file.write_all(b"\x89PNG\r\n\x1a\n").unwrap();
    file.set_len(6_000_000_000).unwrap();
    let rejection = read_picture_file(&sparse, &DecodeLimits::default()).map(drop).unwrap_err();
    assert_eq!(rejection.code(), "long-file");
    assert!(rejection.to_string().contains("6000 MB"), "{rejection}");
    assert_eq!(read_picture_file(folder.path(), &DecodeLimits::default()).unwrap_err().code(), "unopenable");
    if cfg!(unix) {
        let endless = read_picture_file(Path::new("/dev/zero"), &DecodeLimits::default()).unwrap_err();
        assert_eq!(endless.code(), "unopenable");
    }
}

#[test]
fn a_webp_shorter_than_it_says_is_cut_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    let whole = std::fs::read(folder.join("texture.webp")).unwrap();
    // The decoder does not miss these bytes.
    let mut short = whole.clone();
    short.splice(whole.len() - 40..whole.len() - 20, []);
    for bytes in [&short[..], &whole[..whole.len() - 1]] {
        let rejection = inspect(bytes, &DecodeLimits::default()).unwrap_err();
        assert_eq!(rejection.code(), "truncated", "{rejection}");
    }
}
