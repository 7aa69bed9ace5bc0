//! Where things lie on the board: pure geometry, in points.

use egui::{Rect, Vec2, pos2, vec2};

/// Space between cards and between pictures.
pub const GAP: f32 = 10.0;
/// Space between pictures.
const PICTURE_GAP: f32 = 4.0;
/// Height of a card's title.
pub const TITLE: f32 = 36.0;
/// Least and largest width of a card at zoom 1; between them a card takes a share of the board.
const CARD: std::ops::RangeInclusive<f32> = 280.0..=430.0;
/// That share.
const CARD_SHARE: f32 = 0.28;
/// Height of a card by its width.
const CARD_RATIO: f32 = 0.72;
/// Least height of a picture on a card.
const SMALLEST_PICTURE: f32 = 16.0;

/// Cards in rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Cards {
    /// One rectangle for each card, from (0, 0).
    pub rects: Vec<Rect>,
    /// Height of all rows.
    pub height: f32,
}

/// Lays `count` cards of one size into rows that fill `width`.
pub fn cards(count: usize, width: f32, zoom: f32) -> Cards {
    let card = (width * CARD_SHARE).clamp(*CARD.start(), *CARD.end()) * zoom;
    let columns = (((width + GAP) / (card + GAP)).round() as usize).max(1);
    let card_width = ((width - GAP * (columns - 1) as f32) / columns as f32).floor();
    let size = vec2(card_width, (card_width * CARD_RATIO).floor());
    let rects = (0..count)
        .map(|at| {
            let corner = pos2((at % columns) as f32 * (size.x + GAP), (at / columns) as f32 * (size.y + GAP));
            Rect::from_min_size(corner, size)
        })
        .collect();
    Cards { rects, height: (count.div_ceil(columns) as f32 * (size.y + GAP) - GAP).max(0.0) }
}

/// Pictures in rows of one height.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// One rectangle for each picture that has room, from (0, 0).
    pub rects: Vec<Rect>,
    /// Height of all rows.
    pub height: f32,
}

/// Lays pictures of these proportions (width by height) into rows of one height: the largest up to `largest` at which
/// all of them fit into `space`. Where even the smallest height is too large, the last ones have no room.
pub fn pack(ratios: &[f32], space: Vec2, largest: f32) -> Packed {
    let mut height = largest.min(space.y).max(SMALLEST_PICTURE);
    loop {
        let packed = rows(ratios, space.x, height);
        if packed.height <= space.y {
            return packed;
        }
        if height <= SMALLEST_PICTURE {
            let rects = packed.rects.into_iter().take_while(|rect| rect.max.y <= space.y).collect::<Vec<_>>();
            let height = rects.last().map_or(0.0, |rect| rect.max.y);
            return Packed { rects, height };
        }
        height = (height * 0.92).floor().max(SMALLEST_PICTURE);
    }
}

/// Lays pictures into rows of the given height, as many rows as it takes.
pub fn rows(ratios: &[f32], width: f32, height: f32) -> Packed {
    let mut rects = Vec::with_capacity(ratios.len());
    let (mut x, mut y) = (0.0, 0.0);
    for ratio in ratios {
        let size = vec2((height * ratio).min(width).floor(), height);
        if x > 0.0 && x + size.x > width {
            (x, y) = (0.0, y + height + PICTURE_GAP);
        }
        rects.push(Rect::from_min_size(pos2(x, y), size));
        x += size.x + PICTURE_GAP;
    }
    let height = rects.last().map_or(0.0, |rect| rect.max.y);
    Packed { rects, height }
}

/// The nearest of `places` to `from` in the direction `step` (a unit vector along an axis): near along it counts, off
/// to the side counts double.
pub fn nearest<Key: Copy>(from: Rect, step: Vec2, places: impl IntoIterator<Item = (Key, Rect)>) -> Option<Key> {
    let here = from.center();
    places
        .into_iter()
        .filter_map(|(key, rect)| {
            let away = rect.center() - here;
            let along = away.dot(step);
            let aside = (away - along * step).length();
            // Things of the same row or column are not "beyond" one another.
            let beyond =
                along > 1.0 && along * 1.5 >= aside - 0.5 * (from.size() * (Vec2::splat(1.0) - step.abs())).length();
            beyond.then_some((key, along + 2.0 * aside))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cards_fill_the_width_without_touching() {
        for (count, width, zoom) in [(1, 900.0, 1.0), (8, 900.0, 1.0), (9, 2100.0, 0.6), (3, 150.0, 2.0)] {
            let cards = cards(count, width, zoom);
            assert_eq!(cards.rects.len(), count);
            for (at, a) in cards.rects.iter().enumerate() {
                assert!(a.min.x >= 0.0 && a.max.x <= width + 0.1 && a.max.y <= cards.height + 0.1);
                assert!(cards.rects[at + 1..].iter().all(|b| !a.expand(GAP / 2.0 - 1.0).intersects(b.shrink(1.0))));
            }
        }
    }

    #[test]
    fn every_picture_fits_as_long_as_there_is_room() {
        let ratios: Vec<f32> = (0..60).map(|at| 0.5 + (at % 7) as f32 * 0.25).collect();
        let space = vec2(210.0, 140.0);
        for count in [1, 3, 10, 25] {
            let packed = pack(&ratios[..count], space, 90.0);
            assert_eq!(packed.rects.len(), count);
            assert!(packed.rects.iter().all(|rect| rect.max.x <= space.x && rect.max.y <= space.y), "{count}");
            let heights: Vec<f32> = packed.rects.iter().map(Rect::height).collect();
            assert!(heights.windows(2).all(|pair| pair[0] == pair[1]));
        }
        let crowded = pack(&[1.0; 200], space, 90.0);
        assert!(crowded.rects.len() < 200 && crowded.rects.len() > 20);
    }

    #[test]
    fn arrows_go_to_the_neighbour() {
        let place = |column: usize, row: usize| {
            Rect::from_min_size(pos2(column as f32 * 50.0, row as f32 * 50.0), vec2(40.0, 40.0))
        };
        let all = || (0..9).map(|at| (at, place(at % 3, at / 3)));
        let from = place(1, 1);
        assert_eq!(nearest(from, vec2(1.0, 0.0), all()), Some(5));
        assert_eq!(nearest(from, vec2(-1.0, 0.0), all()), Some(3));
        assert_eq!(nearest(from, vec2(0.0, -1.0), all()), Some(1));
        assert_eq!(nearest(from, vec2(0.0, 1.0), all()), Some(7));
        assert_eq!(nearest(place(2, 0), vec2(1.0, 0.0), all()), None);
    }
}
