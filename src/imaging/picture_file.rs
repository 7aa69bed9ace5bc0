//! A picture as it was imported: where its file is, and what the file must hold.
//!
//! Everything that is computed or kept under a content hash is made from bytes that have that hash. This is the one
//! place where such bytes are read: [`PictureFile::read`] compares them with the hash and refuses a file that was
//! changed, exchanged or overwritten since, whatever its name, length or date say. Hashing (BLAKE3) costs less than a
//! hundredth of the decoding.

use std::path::PathBuf;

use image::RgbImage;

use super::decode::{DecodeLimits, DecodedPicture, decode_counted};
use super::hashes::content_hash;
use super::read::{PictureBytes, read_picture_file};
use super::rejection::Rejection;
use super::resize::square_crop;
use crate::error::{Error, Result};

/// A picture of a project: its file, and the hash of what was imported from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PictureFile {
    /// Where the file is.
    pub path: PathBuf,
    /// [`content_hash`] of the bytes that were imported: the picture's identity.
    pub content_hash: String,
}

impl PictureFile {
    /// The file at `path` as it is now.
    ///
    /// # Errors
    /// [`Rejection::Unopenable`].
    pub fn as_found(path: impl Into<PathBuf>) -> Result<Self, Rejection> {
        let path = path.into();
        let bytes = read_picture_file(&path, &DecodeLimits::default())?;
        Ok(Self { content_hash: content_hash(&bytes), path })
    }

    /// The bytes that were imported.
    ///
    /// # Errors
    /// As [`read_picture_file`]; [`Rejection::Changed`] when the file holds something else now.
    pub fn read(&self, limits: &DecodeLimits) -> Result<PictureBytes, Rejection> {
        let bytes = read_picture_file(&self.path, limits)?;
        if content_hash(&bytes) == self.content_hash { Ok(bytes) } else { Err(Rejection::Changed) }
    }

    /// The picture: [`decode`](super::decode()) of what was imported.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`decode`](super::decode()).
    pub fn decode(&self, limits: &DecodeLimits) -> Result<DecodedPicture, Rejection> {
        decode_counted(&self.read(limits)?, limits)
    }

    /// The picture as the network sees it: [`square_crop`].
    ///
    /// # Errors
    /// `Data`, naming the file, when it cannot be decoded within the default [`DecodeLimits`] or was changed.
    pub fn load_square(&self, size_px: u32) -> Result<RgbImage> {
        let image = self.decode(&DecodeLimits::default()).map_err(|rejection| self.error(rejection))?;
        Ok(square_crop(&image, size_px))
    }

    /// The rejection as an error about this file.
    pub fn error(&self, rejection: Rejection) -> Error {
        rejection.into_error(&self.path.display().to_string())
    }
}
