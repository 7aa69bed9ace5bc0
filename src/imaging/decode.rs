//! From the bytes of a file to an upright sRGB picture, or the reason why not.
//!
//! The kind of file is recognised by its content; its name does not matter. The header is read first, so that a small
//! file claiming an enormous picture is rejected before any memory is allocated. The JPEG decoder is lenient
//! (it fills what is missing with grey), so a JPEG must also have its end marker; and a WebP must be as long as its
//! header says. What a picture takes at its height is reckoned from the header too, see [`memory_bytes`].

use std::error::Error as _;
use std::io::{self, Cursor};
use std::ops::Deref;

use image::error::{ImageError, LimitError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::colour;
use super::hashes::{content_hash, perceptual_hash};
use super::memory::{MEMORY_BUDGET_BYTES, Permit, SMALL_FILE_BYTES, permit};
use super::rejection::Rejection;
use super::resize::thumbnail;
use super::thumbnails::THUMBNAIL_SIDE_PX;
use crate::quiet::catch_quietly;

/// What a file may ask of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most pixels of a picture, in millions; checked from the header, before decoding.
    pub max_megapixels: u32,
    /// Longest file, in bytes; checked before it is read.
    pub max_file_bytes: u64,
    /// Most memory that a picture may take at its height, with its file; checked from the header, before decoding.
    pub max_memory_bytes: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_megapixels: 200, max_file_bytes: 700_000_000, max_memory_bytes: MEMORY_BUDGET_BYTES }
    }
}

/// What a decoder may take for text and profiles, which can be packed very small.
const METADATA_BYTES: u64 = 64_000_000;

/// The kinds of file that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive; grey, colour or CMYK.
    Jpeg,
    /// WebP, lossy or lossless; of an animation the first frame.
    WebP,
    /// GIF, the first frame.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF, the first page.
    Tiff,
}

impl PictureFormat {
    /// The name people know: `PNG`, `JPEG`, `WebP`, `GIF`, `BMP` or `TIFF`. Stable, for storage too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        }
    }
}

/// What is known about a sound picture file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// Kind of file, by its content.
    pub format: PictureFormat,
    /// Width after orientation.
    pub width_px: u32,
    /// Height after orientation.
    pub height_px: u32,
    /// EXIF orientation, 1 (upright) to 8.
    pub orientation: u8,
    /// Length of the file.
    pub size_bytes: u64,
    /// Identity of the picture: [`content_hash`] of the file's bytes.
    pub content_hash: String,
    /// What it looks like: [`perceptual_hash`].
    pub perceptual_hash: u64,
}

/// What one decode of a file gives.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The facts to store.
    pub facts: ImageFacts,
    /// The picture with its longer side at most [`THUMBNAIL_SIDE_PX`].
    pub thumbnail: RgbImage,
}

/// Reads a file's bytes through to the last pixel.
///
/// # Errors
/// The [`Rejection`] says why the file cannot be used.
pub fn inspect(bytes: &[u8], limits: &DecodeLimits) -> Result<Inspection, Rejection> {
    let Decoded { image, format, orientation } = decode_with_facts(bytes, limits)?;
    let thumbnail = thumbnail(&image, THUMBNAIL_SIDE_PX);
    let facts = ImageFacts {
        format,
        width_px: image.width(),
        height_px: image.height(),
        orientation,
        size_bytes: bytes.len() as u64,
        content_hash: content_hash(bytes),
        perceptual_hash: perceptual_hash(&image),
    };
    Ok(Inspection { facts, thumbnail })
}

/// The picture in a file's bytes: upright, alpha over white, sRGB, 8 bits a channel.
///
/// # Errors
/// The [`Rejection`] says why the file cannot be used.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<RgbImage, Rejection> {
    decode_with_facts(bytes, limits).map(|decoded| decoded.image.into_image())
}

/// [`decode`], for a caller who makes something smaller of the picture and drops it.
///
/// # Errors
/// As for [`decode`].
pub(super) fn decode_counted(bytes: &[u8], limits: &DecodeLimits) -> Result<DecodedPicture, Rejection> {
    decode_with_facts(bytes, limits).map(|decoded| decoded.image)
}

/// A picture that counts against the memory that all pictures may take, for as long as this lives: make something
/// smaller of it and drop it.
#[derive(Debug)]
pub struct DecodedPicture {
    image: RgbImage,
    _permit: Permit,
}

impl DecodedPicture {
    /// The picture, which is no longer counted: for one that stays open by itself.
    pub fn into_image(self) -> RgbImage {
        self.image
    }
}

impl Deref for DecodedPicture {
    type Target = RgbImage;

    fn deref(&self) -> &RgbImage {
        &self.image
    }
}

struct Decoded {
    image: DecodedPicture,
    format: PictureFormat,
    orientation: u8,
}

fn decode_with_facts(bytes: &[u8], limits: &DecodeLimits) -> Result<Decoded, Rejection> {
    if bytes.is_empty() {
        return Err(Rejection::Empty);
    }
    let guessed = image::guess_format(bytes).map_err(|_| Rejection::NotAnImage)?;
    let format = match guessed {
        ImageFormat::Png => PictureFormat::Png,
        ImageFormat::Jpeg => PictureFormat::Jpeg,
        ImageFormat::WebP => PictureFormat::WebP,
        ImageFormat::Gif => PictureFormat::Gif,
        ImageFormat::Bmp => PictureFormat::Bmp,
        ImageFormat::Tiff => PictureFormat::Tiff,
        other => return Err(Rejection::Unsupported(other.to_mime_type().to_owned())),
    };
    // A decoder that panics on a malicious file must not take the import down.
    catch_quietly(|| decode_as(bytes, guessed, limits))
        .unwrap_or_else(|| Err(Rejection::Unreadable("the decoder gave up".to_owned())))
        .map(|(image, orientation)| Decoded { image, format, orientation })
}

/// The picture, and its EXIF orientation before it was set upright.
fn decode_as(bytes: &[u8], format: ImageFormat, limits: &DecodeLimits) -> Result<(DecodedPicture, u8), Rejection> {
    if format == ImageFormat::WebP && is_webp_short(bytes) {
        return Err(Rejection::Truncated("it is shorter than its header says".to_owned()));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(allocating(METADATA_BYTES));
    let mut decoder = reader.into_decoder().map_err(rejection)?;

    let (width_px, height_px) = decoder.dimensions();
    let pixels = u64::from(width_px) * u64::from(height_px);
    if pixels == 0 {
        return Err(Rejection::Unreadable("it has no pixels".to_owned()));
    }
    if pixels > u64::from(limits.max_megapixels) * 1_000_000 {
        return Err(Rejection::TooLarge {
            megapixels: pixels.div_ceil(1_000_000),
            limit_megapixels: limits.max_megapixels.into(),
        });
    }
    if format == ImageFormat::Jpeg && !has_jpeg_end(bytes) {
        return Err(Rejection::Truncated("the end marker is missing".to_owned()));
    }

    // Damaged metadata do not make a picture unusable.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let needed = memory_bytes(&decoder, bytes, format, orientation);
    let most = limits.max_memory_bytes.min(MEMORY_BUDGET_BYTES);
    if needed > most {
        return Err(Rejection::TooMuchMemory {
            megabytes: needed.div_ceil(1_000_000),
            limit_megabytes: most / 1_000_000,
        });
    }
    // A large file is counted where it was read.
    let file = bytes.len() as u64;
    let mut permit = permit(if file > SMALL_FILE_BYTES { needed - file } else { needed });

    let profile = decoder.icc_profile().ok().flatten();
    decoder.set_limits(allocating(needed + METADATA_BYTES)).map_err(rejection)?;
    let image = DynamicImage::from_decoder(decoder).map_err(rejection)?;
    let mut image = colour::flatten(image);
    if let Some(profile) = profile {
        colour::to_srgb(&mut image, &profile);
    }
    let mut upright = DynamicImage::ImageRgb8(image);
    upright.apply_orientation(orientation);
    let image = upright.into_rgb8();
    permit.shrink(image.as_raw().len() as u64);
    Ok((DecodedPicture { image, _permit: permit }, orientation.to_exif()))
}

fn allocating(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

/// What decoding takes at its height, in bytes: the file, and the most of decoding itself, reducing to 8-bit RGB, and
/// turning upright. Never less than the decoders were seen to take.
fn memory_bytes(decoder: &impl ImageDecoder, bytes: &[u8], format: ImageFormat, orientation: Orientation) -> u64 {
    let (width_px, height_px) = decoder.dimensions();
    let pixels = u64::from(width_px) * u64::from(height_px);
    let colour = decoder.color_type();
    let decoded = decoder.total_bytes();
    let beside = match format {
        // A copy of the file; and where pixels come in several passes, the coefficients of all of them.
        ImageFormat::Jpeg => (bytes.len() as u64).saturating_add(jpeg_coefficient_bytes(bytes, pixels)),
        // The decoder's own picture, which for CMYK is larger than the one it gives.
        ImageFormat::Tiff => {
            let bits = u64::from(decoder.original_color_type().bits_per_pixel());
            pixels.saturating_mul(bits.div_ceil(8).max(colour.bytes_per_pixel().into()))
        }
        // The frame, where it is not the whole picture.
        ImageFormat::Gif => 4 * pixels,
        ImageFormat::WebP => webp_bytes_beside(bytes) * pixels,
        _ => 0,
    };
    let turning = match orientation {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            6 * pixels
        }
        _ => 0,
    };
    let most = decoded.saturating_add(beside.max(colour::flattening_bytes(colour, pixels))).max(turning);
    most.saturating_add(bytes.len() as u64)
}

/// Bytes a pixel that the WebP decoder takes beside the picture: the planes of a lossy one, the whole picture with
/// alpha of a lossless one, both with a separate alpha channel, and the canvas of an animation.
fn webp_bytes_beside(bytes: &[u8]) -> u64 {
    const ANIMATED: u8 = 2;
    match (bytes.get(12..16), bytes.get(20)) {
        (Some(b"VP8 "), _) => 2,
        (Some(b"VP8L"), _) => 4,
        (_, Some(flags)) if flags & ANIMATED != 0 => 10,
        _ => 6,
    }
}

/// What the coefficients of a JPEG take whose pixels come in several passes (a progressive one, or one colour after the
/// other), which are kept until the last; nothing for another.
fn jpeg_coefficient_bytes(bytes: &[u8], pixels: u64) -> u64 {
    const PROGRESSIVE: u8 = 0xC2;
    const SCAN: u8 = 0xDA;
    let Some((marker, frame)) = jpeg_segments(bytes).find(|(marker, _)| (0xC0..=PROGRESSIVE).contains(marker)) else {
        return 0;
    };
    // Precision, height, width, number of components; then three bytes for each, of which the second is the sampling.
    let components = frame.get(6..).unwrap_or_default().chunks_exact(3);
    let first_scan = jpeg_segments(bytes).find(|(marker, _)| *marker == SCAN).and_then(|(_, scan)| scan.first());
    let at_once = first_scan.is_some_and(|number| usize::from(*number) >= components.len());
    if marker != PROGRESSIVE && at_once {
        return 0;
    }
    let samplings = components.map(|component| u64::from(component[1] >> 4) * u64::from(component[1] & 15));
    let (sum, largest) = samplings.fold((0, 1), |(sum, largest), samples| (sum + samples, samples.max(largest)));
    // Two bytes each; a component that is sampled once for each pixel has as many as there are pixels.
    (2 * pixels).saturating_mul(sum).div_ceil(largest)
}

/// The marker of a JPEG's end.
const JPEG_END: u8 = 0xD9;

/// True when the JPEG's segments lead to its end marker (EOI). Anything after it does not matter.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    jpeg_segments(bytes).any(|(marker, _)| marker == JPEG_END)
}

/// The markers of a JPEG with what is in their segments, over coded data, up to the end marker or where there is no
/// more.
fn jpeg_segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut position = 2;
    std::iter::from_fn(move || {
        loop {
            // To the next marker: over coded data, where 0xFF is followed by 0, and over fill bytes.
            position += bytes.get(position..)?.iter().position(|byte| *byte == 0xFF)? + 1;
            match *bytes.get(position)? {
                JPEG_END => {
                    position = bytes.len();
                    return Some((JPEG_END, &[][..]));
                }
                // Stuffing, a fill byte, and the markers that stand alone.
                0x00 | 0x01 | 0xD0..=0xD8 => position += 1,
                0xFF => {}
                marker => {
                    let start = position + 1;
                    let length = bytes.get(start..start + 2)?;
                    position = start + usize::from(u16::from_be_bytes([length[0], length[1]]));
                    return Some((marker, bytes.get(start + 2..position).unwrap_or_default()));
                }
            }
        }
    })
}

/// True when the WebP's header promises more bytes than there are.
fn is_webp_short(bytes: &[u8]) -> bool {
    const BEFORE_LENGTH: u64 = 8;
    matches!(bytes, [b'R', b'I', b'F', b'F', a, b, c, d, ..]
        if u64::from(u32::from_le_bytes([*a, *b, *c, *d])) + BEFORE_LENGTH > bytes.len() as u64)
}

/// Sorts a decoder's error by what it means for the person.
fn rejection(error: ImageError) -> Rejection {
    match &error {
        ImageError::Unsupported(unsupported) => Rejection::Unsupported(unsupported.to_string()),
        ImageError::Limits(limit) => Rejection::Unreadable(limit_text(limit)),
        _ if ended_early(&error) => Rejection::Truncated(error.to_string()),
        _ => Rejection::Unreadable(error.to_string()),
    }
}

fn limit_text(error: &LimitError) -> String {
    match error.kind() {
        LimitErrorKind::InsufficientMemory => "it asks for more memory than its size explains".to_owned(),
        _ => error.to_string(),
    }
}

/// True when somewhere below the error the bytes ran out.
fn ended_early(error: &ImageError) -> bool {
    let mut cause = error.source();
    let mut causes = vec![error.to_string()];
    let mut direct = match error {
        ImageError::IoError(error) => error.kind() == io::ErrorKind::UnexpectedEof,
        _ => false,
    };
    while let Some(error) = cause {
        direct |= error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
        causes.push(error.to_string());
        cause = error.source();
    }
    direct || causes.iter().any(|text| text.to_lowercase().contains("unexpected end of file"))
}
