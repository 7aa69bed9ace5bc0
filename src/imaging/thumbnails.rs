//! Thumbnails kept on disk, so that a picture is decoded in full only once.
//!
//! Layout: `<folder>/ab/<content hash>.jpg`, where `ab` are the first two digits of the hash. The folder is a
//! cache: it can be deleted at any time, and a damaged thumbnail is made again.

use std::io;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{ImageEncoder, RgbImage};

use super::decode::{DecodeLimits, decode_file};
use super::resize::thumbnail;
use crate::error::{Error, Result};
use crate::interchange::atomic;

/// Longer side of a stored thumbnail.
pub const THUMBNAIL_SIDE_PX: u32 = 256;
const JPEG_QUALITY: u8 = 85;

/// A folder of thumbnails, by content hash.
#[derive(Clone, Debug)]
pub struct ThumbnailCache {
    folder: PathBuf,
}

impl ThumbnailCache {
    /// The cache in `folder`, which is made when the first thumbnail is stored.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where the thumbnail of the picture named `content_hash` lies, or would lie.
    pub fn path(&self, content_hash: &str) -> PathBuf {
        let shelf = content_hash.get(..2).unwrap_or("__");
        self.folder.join(shelf).join(format!("{content_hash}.jpg"))
    }

    /// The stored thumbnail, or nothing when there is none or it is damaged.
    pub fn load(&self, content_hash: &str) -> Option<RgbImage> {
        decode_file(&self.path(content_hash), &DecodeLimits::default()).ok()
    }

    /// The stored thumbnail, or one made now from the picture at `source_path`, and stored.
    ///
    /// # Errors
    /// `Data`, naming the file, when the picture cannot be decoded. A thumbnail that cannot be stored (a full or
    /// write-protected disk) is no error: it is made again next time.
    pub fn load_or_make(&self, content_hash: &str, source_path: &Path) -> Result<RgbImage> {
        if let Some(stored) = self.load(content_hash) {
            return Ok(stored);
        }
        let image = decode_file(source_path, &DecodeLimits::default())
            .map_err(|rejection| rejection.into_error(&source_path.display().to_string()))?;
        let small = thumbnail(&image, THUMBNAIL_SIDE_PX);
        // The picture can be shown all the same.
        let _ = self.store(content_hash, &small);
        Ok(small)
    }

    /// Stores `image`, scaled to at most [`THUMBNAIL_SIDE_PX`], as JPEG.
    ///
    /// # Errors
    /// `User` or `Device`, naming the path, when the folder or file cannot be written.
    pub fn store(&self, content_hash: &str, image: &RgbImage) -> Result<()> {
        let path = self.path(content_hash);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Error::io(parent, error))?;
        }
        let small = thumbnail(image, THUMBNAIL_SIDE_PX);
        atomic::write_file(&path, |writer| write_jpeg(writer, &small, JPEG_QUALITY))
    }
}

/// Writes `image` as JPEG of the given quality (1 to 100).
pub(crate) fn write_jpeg(writer: &mut dyn io::Write, image: &RgbImage, quality: u8) -> io::Result<()> {
    JpegEncoder::new_with_quality(writer, quality)
        .write_image(image.as_raw(), image.width(), image.height(), image::ExtendedColorType::Rgb8)
        .map_err(io::Error::other)
}
