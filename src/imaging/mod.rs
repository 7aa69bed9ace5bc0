//! Pictures from files: decoding, orientation, hashes, crops, thumbnails.
//!
//! A file's bytes go through [`inspect`] once, when a picture is imported: the whole picture is decoded, which
//! proves that the file is sound, and the same decode gives its size, its hashes and its thumbnail. A file that
//! cannot be used comes back as a [`Rejection`], a reason to show beside it. Later [`decode`] gives the full
//! picture for looking at, and [`PictureFile`] opens a picture of a project again, provided that its file still holds what
//! was imported, for example as the square that the network sees. Whatever the file holds (alpha,
//! grey, 16 bits, CMYK, another colour profile), what leaves this module is upright sRGB with 8 bits a channel.
//!
//! Files are read by [`read_picture_file`], which refuses what is too long, and a picture is decoded only when the
//! memory it needs at its height is free: all pictures that are open at once stay below [`MEMORY_BUDGET_BYTES`].

mod augment;
mod colour;
mod decode;
mod hashes;
mod memory;
mod picture_file;
mod read;
mod rejection;
mod resize;
mod sift;
mod thumbnails;

pub use augment::{Augmentation, AugmentationLimits, augmented, mixed};
pub use decode::{DecodeLimits, DecodedPicture, ImageFacts, Inspection, PictureFormat, decode, inspect};
pub use hashes::{content_hash, perceptual_hash};
pub use memory::MEMORY_BUDGET_BYTES;
pub use picture_file::PictureFile;
pub use read::{PictureBytes, read_picture_file};
pub use rejection::Rejection;
pub use resize::{square_crop, thumbnail};
pub use sift::{DESCRIPTOR_LENGTH, Feature, Keypoint, sift};
pub(crate) use thumbnails::write_jpeg;
pub use thumbnails::{LARGE_SIDE_PX, THUMBNAIL_SIDE_PX, ThumbnailCache};
