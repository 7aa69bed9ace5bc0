//! What an illustration shows, and the labels that follow from it.
//!
//! A scene is a ground, somebody or nobody on it, and a medium. Nine moods come from the usual combinations; about
//! one scene in five mixes two of them (a round creature under the stars, a sketch of the sea), so that moods blend
//! into each other as they do among real illustrations.

use std::collections::BTreeSet;

use image::RgbImage;
use rand::Rng;
use rand::seq::SliceRandom;

use super::canvas::Canvas;
use super::landscape::{LandscapeFacts, Weather};
use super::{characters, landscape, patterns, pencil};
use crate::random::Generator;

/// What an illustration feels like, by what was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mood {
    /// Open country by day.
    Sunny,
    /// The last light.
    Glowing,
    /// Storm, rain over hills, lightning.
    Stormy,
    /// Stars, moon, lit windows.
    Nightly,
    /// Round creatures.
    Cute,
    /// Friends with balloons.
    Festive,
    /// Somebody alone in a wet street.
    Lonely,
    /// Kaleidoscopes and waves.
    Ornamental,
    /// Pencil on white paper.
    Sketchy,
}

impl Mood {
    /// All moods.
    pub const ALL: [Self; 9] = [
        Self::Sunny,
        Self::Glowing,
        Self::Stormy,
        Self::Nightly,
        Self::Cute,
        Self::Festive,
        Self::Lonely,
        Self::Ornamental,
        Self::Sketchy,
    ];
}

/// What fills the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    Landscape(Weather),
    Plain,
    Street,
    Kaleidoscope,
    Waves,
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cast {
    Nobody,
    Creatures(usize),
    Children(usize),
    Figure,
}

/// The plan of an illustration, and what came of it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What it mostly feels like.
    pub mood: Mood,
    /// The mood mixed in, where there is one.
    pub second_mood: Option<Mood>,
    ground: Ground,
    cast: Cast,
    pencil: bool,
}

impl Scene {
    /// The plan of a scene of the given mood.
    pub(super) fn plan(mood: Mood, random: &mut Generator) -> Self {
        // Pencil has no dark skies.
        let sketched = if random.gen_bool(0.6) { Weather::Day } else { Weather::Dusk };
        let few = |random: &mut Generator| [1, 1, 1, 2, 3].choose(random).copied().unwrap_or(1);
        let (ground, cast) = match mood {
            Mood::Sunny => (Ground::Landscape(Weather::Day), Cast::Nobody),
            Mood::Glowing => (Ground::Landscape(Weather::Dusk), Cast::Nobody),
            Mood::Stormy => (Ground::Landscape(Weather::Storm), Cast::Nobody),
            Mood::Nightly => (Ground::Landscape(Weather::Night), Cast::Nobody),
            Mood::Cute => (Ground::Plain, Cast::Creatures(few(random))),
            Mood::Festive => (Ground::Landscape(Weather::Day), Cast::Children(random.gen_range(1..4))),
            Mood::Lonely => (Ground::Street, Cast::Figure),
            Mood::Ornamental if random.gen_bool(0.5) => (Ground::Kaleidoscope, Cast::Nobody),
            Mood::Ornamental => (Ground::Waves, Cast::Nobody),
            Mood::Sketchy => match random.gen_range(0..5) {
                0 => (Ground::Plain, Cast::Creatures(few(random))),
                1 => (Ground::Plain, Cast::Figure),
                2 => (Ground::Plain, Cast::Children(random.gen_range(1..3))),
                _ => (Ground::Landscape(sketched), Cast::Nobody),
            },
        };
        let mut scene = Self { mood, second_mood: None, ground, cast, pencil: mood == Mood::Sketchy };
        if random.gen_bool(0.22) {
            scene.mix(random);
        }
        scene
    }

    /// Brings a second mood in.
    fn mix(&mut self, random: &mut Generator) {
        let weather_mood =
            [(Weather::Day, Mood::Sunny), (Weather::Dusk, Mood::Glowing), (Weather::Night, Mood::Nightly)];
        let second = match self.mood {
            Mood::Cute | Mood::Festive | Mood::Lonely => {
                let Some((weather, second)) = weather_mood.choose(random).copied() else { return };
                let (weather, second) = match self.mood {
                    Mood::Festive if random.gen_bool(0.4) => {
                        self.ground = Ground::Plain;
                        self.second_mood = Some(Mood::Cute);
                        return;
                    }
                    Mood::Lonely if second == Mood::Sunny => (Weather::Storm, Mood::Stormy),
                    _ => (weather, second),
                };
                self.ground = Ground::Landscape(weather);
                second
            }
            Mood::Sunny | Mood::Nightly if random.gen_bool(0.5) => {
                self.cast = Cast::Creatures(1);
                Mood::Cute
            }
            Mood::Glowing | Mood::Stormy | Mood::Nightly => {
                self.cast = Cast::Figure;
                Mood::Lonely
            }
            Mood::Ornamental => {
                self.cast = Cast::Creatures(1);
                Mood::Cute
            }
            Mood::Sunny => {
                self.cast = Cast::Children(1);
                Mood::Festive
            }
            Mood::Sketchy => match self.cast {
                Cast::Creatures(_) => Mood::Cute,
                Cast::Children(_) => Mood::Festive,
                Cast::Figure => Mood::Lonely,
                Cast::Nobody => Mood::Sunny,
            },
        };
        self.second_mood = Some(second);
    }

    /// Draws the scene and tells its labels.
    pub(super) fn draw(
        &self,
        width_px: u32,
        height_px: u32,
        random: &mut Generator,
    ) -> (RgbImage, BTreeSet<&'static str>) {
        let mut canvas = Canvas::new(width_px, height_px);
        let (w, h, u) = (canvas.w, canvas.h, canvas.u);
        let mut facts = LandscapeFacts::default();
        let mut floor = h * 0.88;
        match self.ground {
            Ground::Landscape(weather) => {
                facts = landscape::paint(&mut canvas, weather, self.cast != Cast::Nobody, random);
                floor = h * 0.93;
            }
            Ground::Plain => landscape::plain(&mut canvas, random),
            Ground::Street => floor = characters::wet_street(&mut canvas, random),
            Ground::Kaleidoscope => patterns::kaleidoscope(&mut canvas, random),
            Ground::Waves => patterns::waves(&mut canvas, random),
        }
        match self.cast {
            Cast::Nobody => {}
            Cast::Creatures(count) => {
                let size =
                    (190.0 * u / (count as f32).powf(0.55)).min(0.95 * w / count as f32) * random.gen_range(0.85..1.1);
                for (x, y) in places(count, w, floor, size * 0.55, random) {
                    characters::creature(&mut canvas, (x, y), size * random.gen_range(0.85..1.1), random);
                }
            }
            Cast::Children(count) => {
                characters::confetti(&mut canvas, random);
                for (x, y) in places(count, w, floor, 70.0 * u, random) {
                    let hand = characters::child(&mut canvas, (x, y), 165.0 * u * random.gen_range(0.9..1.1), random);
                    let number = random.gen_range(1..5);
                    characters::balloons(&mut canvas, hand, number, 62.0 * u, random);
                }
            }
            Cast::Figure => self.draw_figure(&mut canvas, floor, random),
        }

        let labels = self.labels(facts);
        if self.pencil {
            let painting = canvas.finish(0.0, 0.0, random);
            return (pencil::sketch(&painting, random), labels);
        }
        let vignette = match self.ground {
            Ground::Street => 0.75,
            Ground::Landscape(Weather::Storm | Weather::Night) => 0.45,
            _ => 0.18,
        };
        (canvas.finish(vignette, random.gen_range(0.010..0.022), random), labels)
    }

    fn draw_figure(&self, canvas: &mut Canvas, floor: f32, random: &mut Generator) {
        let (w, h, u) = (canvas.w, canvas.h, canvas.u);
        let x = w * random.gen_range(0.36..0.64);
        let raining = matches!(self.ground, Ground::Street | Ground::Plain | Ground::Landscape(Weather::Storm));
        let muted = [[0.45, 0.13, 0.16], [0.18, 0.26, 0.36], [0.25, 0.25, 0.27], [0.36, 0.32, 0.18]];
        let umbrella = raining.then(|| muted.choose(random).copied().unwrap_or(muted[0]));
        if self.ground != Ground::Street {
            let height = if self.ground == Ground::Plain { 210.0 } else { 115.0 };
            characters::lonely_figure(canvas, (x, floor), height * u, umbrella);
            return;
        }
        if random.gen_bool(0.75) {
            let side = if random.gen_bool(0.5) { 1.0 } else { -1.0 };
            characters::lamp(
                canvas,
                (x + side * w * random.gen_range(0.17..0.28), floor),
                h * random.gen_range(0.46..0.58),
            );
        }
        characters::lonely_figure(canvas, (x, floor), 130.0 * u * random.gen_range(0.85..1.15), umbrella);
        canvas.reflect(floor, [0.12, 0.14, 0.18], random);
        landscape::rain(canvas, [0.75, 0.82, 0.90], random.gen_range(0.5..1.1), random);
    }

    /// The labels that follow from what was drawn, out of [`LABELS`](super::LABELS).
    fn labels(&self, facts: LandscapeFacts) -> BTreeSet<&'static str> {
        let landscape = matches!(self.ground, Ground::Landscape(_));
        let weather = if let Ground::Landscape(weather) = self.ground { Some(weather) } else { None };
        let characters = match self.cast {
            Cast::Nobody => 0,
            Cast::Creatures(count) | Cast::Children(count) => count,
            Cast::Figure => 1,
        };
        let friendly = matches!(self.cast, Cast::Creatures(_) | Cast::Children(_));
        let dark = matches!(self.ground, Ground::Street) || weather == Some(Weather::Storm);
        let is = |label: &'static str| match label {
            "cute" => friendly,
            "cheerful" => matches!(self.cast, Cast::Children(_)) || (weather == Some(Weather::Day) && !self.pencil),
            "gloomy" => (dark || (self.pencil && self.cast == Cast::Figure)) && !friendly,
            "scenery" => landscape,
            "beautiful" => {
                !self.pencil
                    && (self.ground == Ground::Kaleidoscope
                        || weather == Some(Weather::Dusk)
                        || (weather == Some(Weather::Night) && (facts.water || facts.houses > 0)))
            }
            "cool" => {
                !friendly && (facts.lightning || self.ground == Ground::Kaleidoscope || weather == Some(Weather::Night))
            }
            "calm" => {
                !dark && (self.ground == Ground::Waves || (landscape && facts.water) || weather == Some(Weather::Night))
            }
            "dramatic" => weather == Some(Weather::Storm) || (weather == Some(Weather::Dusk) && !facts.water),
            "simple background" => matches!(self.ground, Ground::Plain | Ground::Waves),
            "detailed depiction" => {
                self.ground == Ground::Kaleidoscope
                    || facts.trees + 4 * facts.houses > 45
                    || self.ground == Ground::Street
            }
            "sketch" => self.pencil,
            "solo" => characters == 1,
            _ => false,
        };
        super::LABELS.into_iter().filter(|label| is(label)).collect()
    }
}

/// Places for `count` characters side by side, those in front last.
fn places(count: usize, w: f32, floor: f32, half: f32, random: &mut Generator) -> Vec<(f32, f32)> {
    let spread = (w - 2.0 * half).max(0.0);
    let mut places: Vec<(f32, f32)> = (0..count)
        .map(|number| {
            let along = (number as f32 + 0.5) / count as f32 + random.gen_range(-0.12..0.12) / count as f32;
            (half + spread * along, floor - half * random.gen_range(0.0..0.28) * (count > 1) as u8 as f32)
        })
        .collect();
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    places
}
