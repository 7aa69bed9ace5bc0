//! From the bytes of a file to an upright sRGB picture, or the reason why not.
//!
//! The kind of file is told by its content; its name does not matter. The header is read first, so that a small
//! file claiming an enormous picture is turned away before any memory is asked for. The JPEG decoder is lenient
//! (it fills what is missing with grey), so a JPEG must also have its end marker.

use std::error::Error as _;
use std::io::{self, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::error::{ImageError, LimitError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

use super::colour;
use super::hashes::{content_hash, perceptual_hash};
use super::rejection::Rejection;
use super::resize::thumbnail;
use super::thumbnails::THUMBNAIL_SIDE_PX;

/// What a file may ask of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most pixels of a picture, in millions; checked from the header, before decoding.
    pub max_megapixels: u32,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_megapixels: 200 }
    }
}

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

    /// The format stored as `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Png, Self::Jpeg, Self::WebP, Self::Gif, Self::Bmp, Self::Tiff].into_iter().find(|it| it.name() == name)
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
    decode_with_facts(bytes, limits).map(|decoded| decoded.image)
}

struct Decoded {
    image: RgbImage,
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
    catch_unwind(AssertUnwindSafe(|| decode_as(bytes, guessed, limits)))
        .unwrap_or_else(|_| Err(Rejection::Unreadable("the decoder gave up".to_owned())))
        .map(|(image, orientation)| Decoded { image, format, orientation })
}

/// The picture, and its EXIF orientation before it was set upright.
fn decode_as(bytes: &[u8], format: ImageFormat, limits: &DecodeLimits) -> Result<(RgbImage, u8), Rejection> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.no_limits();
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
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(|error| {
        if format == ImageFormat::WebP && is_webp_short(bytes) {
            return Rejection::Truncated(error.to_string());
        }
        rejection(error)
    })?;
    let mut image = colour::flatten(image);
    if let Some(profile) = profile {
        colour::to_srgb(&mut image, &profile);
    }
    let mut upright = DynamicImage::ImageRgb8(image);
    upright.apply_orientation(orientation);
    Ok((upright.into_rgb8(), orientation.to_exif()))
}

/// True when the JPEG's segments lead to its end marker (EOI). Anything after it does not matter.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    let mut position = 2;
    loop {
        // To the next marker: over coded data, where 0xFF is followed by 0, and over fill bytes.
        let Some(offset) = bytes.get(position..).and_then(|rest| rest.iter().position(|byte| *byte == 0xFF)) else {
            return false;
        };
        position += offset + 1;
        match bytes.get(position) {
            None => return false,
            Some(0xD9) => return true,
            // Stuffing, a fill byte, and the markers that stand alone.
            Some(0x00 | 0x01 | 0xD0..=0xD8) => position += 1,
            Some(0xFF) => {}
            Some(_) => match bytes.get(position + 1..position + 3) {
                Some(length) => position += 1 + usize::from(u16::from_be_bytes([length[0], length[1]])),
                None => return false,
            },
        }
    }
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
