//! Which pictures are selected, and steps through a grid of pictures.

use std::collections::HashSet;

use crate::app::keys::GridStep;
use crate::ids::ImageId;

/// How a grid is laid out, as last drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridShape {
    /// Pictures in a row.
    pub columns: usize,
    /// Rows that are seen at once.
    pub page_rows: usize,
}

impl Default for GridShape {
    fn default() -> Self {
        Self { columns: 1, page_rows: 1 }
    }
}

/// Which pictures are selected, with a way back.
#[derive(Debug, Default)]
pub struct Selection {
    /// The grid it is in.
    pub shape: GridShape,
    /// The selected images.
    pub images: HashSet<ImageId>,
    /// Where a range begins.
    pub anchor: Option<ImageId>,
    /// The image the keyboard is at.
    pub cursor: Option<ImageId>,
    before: Vec<HashSet<ImageId>>,
}

impl Selection {
    /// How many earlier selections are remembered.
    const REMEMBERED: usize = 100;

    /// Selects these images.
    pub fn set(&mut self, images: HashSet<ImageId>) {
        if images != self.images {
            self.before.push(std::mem::replace(&mut self.images, images));
            if self.before.len() > Self::REMEMBERED {
                self.before.remove(0);
            }
        }
    }

    /// Selects one image alone and puts the cursor there.
    pub fn only(&mut self, image: ImageId) {
        self.set(HashSet::from([image]));
        self.anchor = Some(image);
        self.cursor = Some(image);
    }

    /// Adds an image, or takes it out.
    pub fn toggle(&mut self, image: ImageId) {
        let mut images = self.images.clone();
        if !images.remove(&image) {
            images.insert(image);
        }
        self.set(images);
        self.anchor = Some(image);
        self.cursor = Some(image);
    }

    /// Selects from the anchor to `image` in the given order.
    pub fn extend(&mut self, image: ImageId, order: &[ImageId]) {
        let at = |wanted: ImageId| order.iter().position(|id| *id == wanted);
        let (Some(from), Some(to)) = (self.anchor.and_then(at), at(image)) else {
            self.only(image);
            return;
        };
        self.set(order[from.min(to)..=from.max(to)].iter().copied().collect());
        self.cursor = Some(image);
    }

    /// Moves the cursor in the grid that shows `order`; extends the selection from the anchor if asked to.
    pub fn go(&mut self, step: GridStep, extend: bool, order: &[ImageId]) {
        let Some(last) = order.len().checked_sub(1) else { return };
        let here = self.cursor.and_then(|cursor| order.iter().position(|image| *image == cursor)).unwrap_or(0);
        let GridShape { columns, page_rows } = self.shape;
        let page = columns * page_rows;
        let target = match step {
            GridStep::Left => here.saturating_sub(1),
            GridStep::Right => here + 1,
            GridStep::Up if here < columns => here,
            GridStep::Up => here - columns,
            GridStep::Down => here + columns,
            GridStep::PageUp => here.saturating_sub(page),
            GridStep::PageDown => here + page,
            GridStep::Home => 0,
            GridStep::End => last,
        };
        let target = order[target.min(last)];
        if extend {
            self.anchor = self.anchor.or(self.cursor);
            self.extend(target, order);
        } else {
            self.only(target);
        }
    }

    /// Brings the selection before the last change back.
    pub fn restore(&mut self) {
        if let Some(images) = self.before.pop() {
            self.images = images;
        }
    }
}
