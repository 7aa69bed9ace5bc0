//! Pictures glide to their places instead of jumping there.
//!
//! Each picture belongs to an area that scrolls (tray, board …) and is remembered in that area's own coordinates, so
//! that scrolling moves it at once; when it changes areas it keeps its place on the screen and glides from there.

use std::collections::HashMap;

use egui::{Pos2, Rect, Vec2};

use crate::ids::ImageId;

/// Share of the way that is left after a second is e^−SPEED.
const SPEED: f32 = 16.0;
/// Nearer than this counts as there.
const THERE: f32 = 0.5;

/// A part of the screen that scrolls by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Area {
    Tray,
    Board,
    Spread,
    LeftOut,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    area: Area,
    /// In the area's coordinates.
    rect: Rect,
    /// True while it comes from another area and may be drawn outside of its own.
    crossing: bool,
}

/// Where a picture is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// On the screen.
    pub rect: Rect,
    /// True while it crosses from one area to another.
    pub crossing: bool,
}

/// The places of all pictures.
#[derive(Debug, Default)]
pub struct Motion {
    places: HashMap<ImageId, Place>,
    origins: HashMap<Area, Pos2>,
    moving: bool,
}

impl Motion {
    /// Says where an area's content begins on the screen in this frame.
    pub fn set_origin(&mut self, area: Area, origin: Pos2) {
        self.origins.insert(area, origin);
    }

    /// Moves a picture on towards its place (on the screen), and says where to draw it. `seconds` since the last frame.
    pub fn step(&mut self, image: ImageId, area: Area, target: Rect, seconds: f32) -> Shown {
        let origin = self.origins.get(&area).copied().unwrap_or(Pos2::ZERO).to_vec2();
        let wanted = target.translate(-origin);
        let Some(mut place) = self.places.get(&image).copied() else {
            self.places.insert(image, Place { area, rect: wanted, crossing: false });
            return Shown { rect: target, crossing: false };
        };
        if place.area != area {
            let old = self.origins.get(&place.area).copied().unwrap_or(Pos2::ZERO).to_vec2();
            place = Place { area, rect: place.rect.translate(old - origin), crossing: true };
        }
        let share = 1.0 - (-SPEED * seconds.min(0.1)).exp();
        let near = |a: f32, b: f32| (a - b).abs() < THERE;
        let rect = place.rect;
        let there = near(rect.min.x, wanted.min.x)
            && near(rect.min.y, wanted.min.y)
            && near(rect.max.x, wanted.max.x)
            && near(rect.max.y, wanted.max.y);
        if there {
            place.rect = wanted;
            place.crossing = false;
        } else {
            let toward = |from: Pos2, to: Pos2| from + (to - from) * share;
            place.rect = Rect::from_min_max(toward(rect.min, wanted.min), toward(rect.max, wanted.max));
            self.moving = true;
        }
        self.places.insert(image, place);
        Shown { rect: place.rect.translate(origin), crossing: place.crossing }
    }

    /// Puts a picture somewhere on the screen, from where it glides on.
    pub fn put(&mut self, image: ImageId, at: Rect) {
        if let Some(place) = self.places.get_mut(&image) {
            let origin = self.origins.get(&place.area).copied().unwrap_or(Pos2::ZERO).to_vec2();
            place.rect = at.translate(-origin);
            place.crossing = true;
        }
    }

    /// True when something moved since this was asked last: another frame is needed.
    pub fn take_moving(&mut self) -> bool {
        std::mem::take(&mut self.moving)
    }

    /// Where a picture is on the screen, as last drawn.
    pub fn shown(&self, image: ImageId) -> Option<Rect> {
        let place = self.places.get(&image)?;
        let origin = self.origins.get(&place.area).copied().unwrap_or(Pos2::ZERO);
        Some(place.rect.translate(origin.to_vec2()))
    }

    /// How far scrolling moved an area since another origin, for tests.
    pub fn origin(&self, area: Area) -> Option<Vec2> {
        self.origins.get(&area).map(|origin| origin.to_vec2())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use egui::{pos2, vec2};

    fn rect(x: f32) -> Rect {
        Rect::from_min_size(pos2(x, 0.0), vec2(10.0, 10.0))
    }

    #[test]
    fn a_picture_glides_and_arrives() {
        let mut motion = Motion::default();
        let image = ImageId(1);
        assert_eq!(motion.step(image, Area::Tray, rect(0.0), 0.016).rect, rect(0.0));
        assert!(!motion.take_moving());
        let mut last = 0.0;
        for _ in 0..200 {
            let shown = motion.step(image, Area::Tray, rect(100.0), 0.016);
            assert!(shown.rect.min.x >= last && shown.rect.min.x <= 100.0);
            last = shown.rect.min.x;
        }
        assert_eq!(last, 100.0);
        motion.take_moving();
        motion.step(image, Area::Tray, rect(100.0), 0.016);
        assert!(!motion.take_moving());
    }

    #[test]
    fn scrolling_takes_it_along_and_crossing_begins_where_it_was_seen() {
        let mut motion = Motion::default();
        let image = ImageId(1);
        motion.set_origin(Area::Tray, pos2(0.0, 0.0));
        motion.set_origin(Area::Board, pos2(500.0, 0.0));
        motion.step(image, Area::Tray, rect(20.0), 0.016);
        motion.set_origin(Area::Tray, pos2(0.0, -300.0));
        let scrolled = rect(20.0).translate(vec2(0.0, -300.0));
        assert_eq!(motion.step(image, Area::Tray, scrolled, 0.016).rect, scrolled);
        let first = motion.step(image, Area::Board, rect(600.0), 0.0);
        assert_eq!(first, Shown { rect: scrolled, crossing: true });
    }
}
