//! Pictures on the graphics card: asked for while drawing, made by the pool, kept while they are in use.
//!
//! Drawing asks [`Textures::get`] for each visible picture; what is not there yet is put on the frame's wish list.
//! Between frames [`Textures::update`] uploads a few finished pictures and hands the wish list to the pool.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use egui::{ColorImage, TextureHandle, TextureOptions};

use crate::engine::thumbnails::{PicturePool, PictureRequest, PictureSize};
use crate::imaging::PictureFile;
use crate::project::ImageRecord;

/// Thumbnails kept: some 200 MB on the graphics card.
const KEPT_THUMBNAILS: usize = 1200;
/// Large pictures kept.
const KEPT_LARGE: usize = 12;
/// Time for uploads in one frame.
const UPLOAD_BUDGET: Duration = Duration::from_millis(4);

/// A picture as far as it is there.
#[derive(Clone)]
pub enum Shown {
    /// Ready to draw.
    Ready(TextureHandle),
    /// On its way.
    Waiting,
    /// Cannot be shown, and why.
    Broken(String),
}

struct Kept {
    shown: Shown,
    last_used_frame: u64,
}

/// The pictures.
pub struct Textures {
    pool: Option<PicturePool>,
    kept: HashMap<(String, PictureSize), Kept>,
    wishes: Vec<PictureRequest>,
    had_wishes: bool,
    frame: u64,
}

impl std::fmt::Debug for Textures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Textures").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Default for Textures {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Textures {
    /// No pictures yet; they will come from `pool`.
    pub fn new(pool: Option<PicturePool>) -> Self {
        Self { pool, kept: HashMap::new(), wishes: Vec::new(), had_wishes: false, frame: 0 }
    }

    /// The picture in the given size; if it is not there, it is asked for.
    pub fn get(&mut self, image: &ImageRecord, path: impl FnOnce() -> std::path::PathBuf, size: PictureSize) -> Shown {
        let key = (image.content_hash.clone(), size);
        if let Some(kept) = self.kept.get_mut(&key) {
            kept.last_used_frame = self.frame;
            return kept.shown.clone();
        }
        self.wishes.push(PictureRequest { file: PictureFile { content_hash: key.0, path: path() }, size });
        Shown::Waiting
    }

    /// True while something asked for is not there yet.
    pub fn is_waiting(&self) -> bool {
        self.had_wishes
    }

    /// Forgets pictures that could not be shown, so that they are tried again.
    pub fn retry_broken(&mut self) {
        self.kept.retain(|_, kept| !matches!(kept.shown, Shown::Broken(_)));
    }

    /// Between frames: uploads what is ready and passes the wishes on.
    pub fn update(&mut self, context: &egui::Context) {
        self.frame += 1;
        let Some(pool) = &self.pool else { return };
        let started = Instant::now();
        let largest = context.input(|input| input.max_texture_side) as u32;
        while let Some(picture) = pool.next_ready() {
            let shown = match picture.image {
                Ok(image) => {
                    let image = if image.width().max(image.height()) > largest {
                        crate::imaging::thumbnail(&image, largest)
                    } else {
                        image
                    };
                    let size = [image.width() as usize, image.height() as usize];
                    let pixels = ColorImage::from_rgb(size, image.as_raw());
                    let options = TextureOptions::LINEAR.with_mipmap_mode(None);
                    Shown::Ready(context.load_texture(&picture.content_hash, pixels, options))
                }
                Err(error) => Shown::Broken(error.message),
            };
            self.kept.insert((picture.content_hash, picture.size), Kept { shown, last_used_frame: self.frame });
            if started.elapsed() > UPLOAD_BUDGET {
                context.request_repaint();
                break;
            }
        }
        self.had_wishes = !self.wishes.is_empty();
        let kept = &self.kept;
        pool.want(
            self.wishes.drain(..).filter(|wish| !kept.contains_key(&(wish.file.content_hash.clone(), wish.size))),
        );
        self.forget_old();
    }

    fn forget_old(&mut self) {
        for (limit, is_kind) in [
            (KEPT_THUMBNAILS, (|size| size == PictureSize::Thumbnail) as fn(PictureSize) -> bool),
            (KEPT_LARGE, |size| size != PictureSize::Thumbnail),
        ] {
            let mut ages: Vec<u64> = self
                .kept
                .iter()
                .filter(|((_, size), _)| is_kind(*size))
                .map(|(_, kept)| kept.last_used_frame)
                .collect();
            if ages.len() <= limit {
                continue;
            }
            // Dropping down to nine tenths at once keeps this from happening every frame.
            let surplus = ages.len() - limit * 9 / 10;
            ages.sort_unstable();
            let oldest_kept = ages[surplus].min(self.frame.saturating_sub(1));
            self.kept.retain(|(_, size), kept| !is_kind(*size) || kept.last_used_frame >= oldest_kept);
        }
    }
}
