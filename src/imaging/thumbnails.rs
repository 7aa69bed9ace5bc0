//! Small pictures kept on disk, so that a picture is decoded in full only once.
//!
//! Layout: `<folder>/ab/<content hash>.jpg`, where `ab` are the first two digits of the hash. The folder is a
//! cache: it can be deleted at any time, and a damaged thumbnail is made again.

use std::io;
use std::path::PathBuf;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageEncoder, RgbImage};

use super::decode::{DecodeLimits, decode};
use super::picture_file::PictureFile;
use super::read::read_picture_file;
use super::resize::thumbnail;
use crate::atomic;
use crate::error::{Error, Result};

/// Longer side of a stored thumbnail.
pub const THUMBNAIL_SIDE_PX: u32 = 256;
/// Longer side of a picture for looking at in a browser.
pub const LARGE_SIDE_PX: u32 = 1600;
const JPEG_QUALITY: u8 = 85;

/// A folder of thumbnails, by content hash.
#[derive(Clone, Debug)]
pub struct ThumbnailCache {
    folder: PathBuf,
    side_px: u32,
}

impl ThumbnailCache {
    /// The cache in `folder`, which is made when the first thumbnail is stored.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), side_px: THUMBNAIL_SIDE_PX }
    }

    /// A cache in `folder` of pictures with up to [`LARGE_SIDE_PX`] instead of [`THUMBNAIL_SIDE_PX`].
    pub fn large(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), side_px: LARGE_SIDE_PX }
    }

    /// Where the thumbnail of the picture named `content_hash` lies, or would lie.
    pub fn path(&self, content_hash: &str) -> PathBuf {
        let shelf = content_hash.get(..2).unwrap_or("__");
        self.folder.join(shelf).join(format!("{content_hash}.jpg"))
    }

    /// The stored thumbnail, or nothing when there is none or it is damaged.
    pub fn load(&self, content_hash: &str) -> Option<RgbImage> {
        let limits = DecodeLimits::default();
        decode(&read_picture_file(&self.path(content_hash), &limits).ok()?, &limits).ok()
    }

    /// The stored thumbnail, or one made now from the picture's file, and stored.
    ///
    /// # Errors
    /// `Data`, naming the file, when the picture cannot be decoded or is not what was imported. A thumbnail that cannot be stored (a full or
    /// write-protected disk) is no error: it is made again next time.
    pub fn load_or_make(&self, picture: &PictureFile) -> Result<RgbImage> {
        if let Some(stored) = self.load(&picture.content_hash) {
            return Ok(stored);
        }
        let small = self.make(picture)?;
        // The picture can be shown all the same.
        let _ = self.store(&picture.content_hash, &small);
        Ok(small)
    }

    /// The bytes of the stored JPEG, or nothing when there is none or it is cut short.
    pub fn load_jpeg(&self, content_hash: &str) -> Option<Vec<u8>> {
        let whole = |bytes: &Vec<u8>| bytes.starts_with(&[0xFF, 0xD8]) && bytes.ends_with(&[0xFF, 0xD9]);
        std::fs::read(self.path(content_hash)).ok().filter(whole)
    }

    /// The bytes of the stored JPEG, or of one made now as in [`load_or_make`](Self::load_or_make). They hold pixels
    /// and nothing else: no EXIF, no colour profile, no text.
    ///
    /// # Errors
    /// `Data`, naming the file, when the picture cannot be decoded or is not what was imported.
    pub fn load_or_make_jpeg(&self, picture: &PictureFile) -> Result<Vec<u8>> {
        if let Some(stored) = self.load_jpeg(&picture.content_hash) {
            return Ok(stored);
        }
        let small = self.make(picture)?;
        let _ = self.store(&picture.content_hash, &small);
        let mut bytes = Vec::new();
        write_jpeg(&mut bytes, &small, JPEG_QUALITY)
            .map_err(|error| Error::internal(format!("a picture cannot be written as JPEG: {error}")))?;
        Ok(bytes)
    }

    fn make(&self, picture: &PictureFile) -> Result<RgbImage> {
        let image = picture.decode(&DecodeLimits::default()).map_err(|rejection| picture.error(rejection))?;
        Ok(thumbnail(&image, self.side_px))
    }

    /// Stores `image`, scaled to at most this cache's longer side, as JPEG.
    ///
    /// # Errors
    /// `User` or `Device`, naming the path, when the folder or file cannot be written.
    pub fn store(&self, content_hash: &str, image: &RgbImage) -> Result<()> {
        let path = self.path(content_hash);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Error::io(parent, error))?;
        }
        let small = thumbnail(image, self.side_px);
        atomic::write_file(&path, |writer| write_jpeg(writer, &small, JPEG_QUALITY))
    }
}

/// Writes `image` as JPEG of the given quality (1 to 100).
pub(crate) fn write_jpeg(writer: &mut dyn io::Write, image: &RgbImage, quality: u8) -> io::Result<()> {
    JpegEncoder::new_with_quality(writer, quality)
        .write_image(image.as_raw(), image.width(), image.height(), image::ExtendedColorType::Rgb8)
        .map_err(io::Error::other)
}
