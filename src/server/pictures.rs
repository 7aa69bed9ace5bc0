//! Pictures for pages: small and large JPEGs made from the originals once, which never leave this computer themselves.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};
use tokio::task::spawn_blocking;

use super::writer::StudyPicture;
use crate::error::Result;
use crate::imaging::ThumbnailCache;

/// Pictures that have the same lock wait for each other.
const LOCKS: usize = 64;

/// Makes pictures, a few at a time.
#[derive(Debug)]
pub(super) struct PictureMaker {
    small: ThumbnailCache,
    large: ThumbnailCache,
    /// Held while one is made, so that a picture that many ask for at once is made once.
    locks: Vec<Mutex<()>>,
    /// So many are made at once.
    hands: Semaphore,
}

/// How large a picture is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Small,
    Large,
}

impl PictureMaker {
    /// Keeps what it makes in these folders; the window keeps the small ones there too.
    pub(super) fn new(small_folder: &Path, large_folder: &Path) -> Self {
        // One processor stays free to answer.
        let hands = std::thread::available_parallelism().map_or(1, |processors| processors.get().saturating_sub(1));
        Self {
            small: ThumbnailCache::new(small_folder),
            large: ThumbnailCache::large(large_folder),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            hands: Semaphore::new(hands.max(1)),
        }
    }

    /// Makes all of these that are not there yet, so that nobody has to wait for one.
    pub(super) async fn prepare(&self, pictures: Vec<Arc<StudyPicture>>) {
        for picture in &pictures {
            for size in [Size::Small, Size::Large] {
                // One that cannot be made is reported when it is requested.
                let _ = self.jpeg(picture, size).await;
            }
        }
    }

    /// The bytes of the picture as JPEG.
    ///
    /// # Errors
    /// `Data`, naming the file, when the original cannot be decoded.
    pub(super) async fn jpeg(&self, picture: &Arc<StudyPicture>, size: Size) -> Result<Vec<u8>> {
        let cache = match size {
            Size::Small => &self.small,
            Size::Large => &self.large,
        };
        let work = |make: bool| {
            let (cache, picture) = (cache.clone(), picture.clone());
            spawn_blocking(move || {
                if make {
                    cache.load_or_make_jpeg(&picture.file).map(Some)
                } else {
                    Ok(cache.load_jpeg(&picture.file.content_hash))
                }
            })
        };
        let lost = |error: tokio::task::JoinError| crate::error::Error::internal(error.to_string());
        if let Some(stored) = work(false).await.map_err(lost)?? {
            return Ok(stored);
        }
        let lock = picture.file.content_hash.bytes().fold(0, |sum, byte| sum * 31 % LOCKS + usize::from(byte)) % LOCKS;
        let _first = self.locks[lock].lock().await;
        let _hand = self.hands.acquire().await;
        Ok(work(true).await.map_err(lost)??.unwrap_or_default())
    }
}
