//! Synthetic illustrations drawn by our own code, to try every step of the method without anybody's pictures.
//!
//! [`draw`] makes one illustration from a seed and a number: a [`Scene`] is planned, painted, and its labels follow
//! from what was painted. [`generate`] makes a set of them, [`simulated_raters`] sorts the test part as three people
//! might, and [`write()`] lays everything down as files that the rest of the program imports like any others. The same
//! seed gives the same pictures.

mod canvas;
mod characters;
mod landscape;
mod patterns;
mod pencil;
mod raters;
mod scene;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use image::RgbImage;
use rand::seq::SliceRandom;
use rayon::prelude::*;

pub use raters::simulated_raters;
pub use scene::{Mood, Scene};

use crate::atomic;
use crate::dataset::{Part, SplitImage, SplitSettings, split};
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::imaging::write_jpeg;
use crate::interchange::labels::{LabelRow, LabelTable};
use crate::interchange::{groupings, image_list, labels};
use crate::progress::{Cancel, Observer, Stage};
use crate::random::generator;

/// Where the demo lives when no folder is given: in the user's data folder.
///
/// # Errors
/// `Device` when the system names no such folder.
pub fn default_folder() -> Result<PathBuf> {
    directories::ProjectDirs::from("", "", "Atmoscope")
        .map(|folders| folders.data_dir().join("demo"))
        .ok_or_else(|| Error::device("the system names no folder for data").hint("give one: `atmoscope demo FOLDER`"))
}

/// The pseudo-labels of the demonstration, in the order of the file's columns.
pub const LABELS: [&str; 12] = [
    "cute",
    "cheerful",
    "gloomy",
    "scenery",
    "beautiful",
    "cool",
    "calm",
    "dramatic",
    "simple background",
    "detailed depiction",
    "sketch",
    "solo",
];

/// Longer side of an illustration of the set.
pub const SIDE_PX: u32 = 480;
/// Fewest illustrations in a set: its test part is sorted into eight groups.
pub const LEAST_COUNT: usize = 60;

const JPEG_QUALITY: u8 = 90;
const FOLDER: &str = "images";
const README: &str = "\
All of this is synthetic. The pictures were drawn by Atmoscope's own code (`atmoscope demo`), the labels follow
from what was drawn, and the three raters are simulated: no person made or judged any of it, and no result
obtained from it says anything about people. It is here to try the program.

images/          the illustrations
labels.csv       pseudo-labels of every illustration
test-images.txt  the test part, which the simulated raters sorted
groupings.csv    their groups: condition 1, any number of groups of three or more; condition 2, exactly eight
";

/// One illustration.
#[derive(Clone, Debug)]
pub struct DemoIllustration {
    /// Its path in the set, with `/`.
    pub name: String,
    /// The picture.
    pub image: RgbImage,
    /// Those of [`LABELS`] that it has.
    pub labels: BTreeSet<&'static str>,
    /// What was drawn.
    pub scene: Scene,
}

impl DemoIllustration {
    /// Mean of all channels, 0 to 255.
    pub fn brightness(&self) -> f64 {
        let sum: u64 = self.image.as_raw().iter().map(|value| u64::from(*value)).sum();
        sum as f64 / self.image.as_raw().len() as f64
    }
}

/// Draws illustration number `index` of the set with this seed; its longer side is about `size_px`.
///
/// Every nine numbers in a row show the nine moods once each, in an order drawn by lot.
pub fn draw(seed: u64, index: usize, size_px: u32) -> DemoIllustration {
    let round = index / Mood::ALL.len();
    let mut moods = Mood::ALL;
    moods.shuffle(&mut generator(seed, &format!("demo moods {round}")));
    let mut random = generator(seed, &format!("demo illustration {index}"));
    let scene = Scene::plan(moods[index % moods.len()], &mut random);

    let shapes = [(1.0, 0.75), (1.0, 0.75), (0.75, 1.0), (0.84, 0.84), (1.0, 0.625)];
    let (width, height) = shapes.choose(&mut random).copied().unwrap_or(shapes[0]);
    let pixels = |share: f64| ((f64::from(size_px) * share).round() as u32).max(16);
    let (image, labels) = scene.draw(pixels(width), pixels(height), &mut random);
    // A few as PNG, so that a set has more than one format.
    let extension = if index % 20 == 7 { "png" } else { "jpg" };
    DemoIllustration { name: format!("{FOLDER}/illustration-{:03}.{extension}", index + 1), image, labels, scene }
}

/// Draws `count` illustrations at [`SIDE_PX`], on all cores.
///
/// # Errors
/// `Cancelled` on request.
pub fn generate(seed: u64, count: usize, observer: &dyn Observer, cancel: &Cancel) -> Result<Vec<DemoIllustration>> {
    let stage = Stage::new("Drawing illustrations", count);
    let done = AtomicUsize::new(0);
    (0..count)
        .into_par_iter()
        .map(|index| {
            cancel.check()?;
            let illustration = draw(seed, index, SIDE_PX);
            observer.progress(stage.at(done.fetch_add(1, Ordering::Relaxed) + 1));
            Ok(illustration)
        })
        .collect()
}

/// Draws a set and writes it into `folder` (made where missing): pictures, labels, test part, the simulated raters'
/// groups, and a README that says that all is synthetic.
///
/// # Errors
/// `User` when `count` is below [`LEAST_COUNT`] or the folder cannot be written; `Cancelled` on request.
pub fn write(folder: &Path, seed: u64, count: usize, observer: &dyn Observer, cancel: &Cancel) -> Result<()> {
    if count < LEAST_COUNT {
        return Err(Error::user(format!("{count} illustrations are too few for a demonstration"))
            .hint(format!("make {LEAST_COUNT} or more")));
    }
    let illustrations = generate(seed, count, observer, cancel)?;
    let pictures = folder.join(FOLDER);
    std::fs::create_dir_all(&pictures).map_err(|error| Error::io(&pictures, error))?;
    illustrations.par_iter().try_for_each(|illustration| {
        cancel.check()?;
        let path = folder.join(&illustration.name);
        atomic::write_file(&path, |writer| {
            if path.extension().is_some_and(|extension| extension == "png") {
                let mut bytes = std::io::Cursor::new(Vec::new());
                illustration.image.write_to(&mut bytes, image::ImageFormat::Png).map_err(std::io::Error::other)?;
                writer.write_all(bytes.get_ref())
            } else {
                write_jpeg(writer, &illustration.image, JPEG_QUALITY)
            }
        })
    })?;

    let test = test_part(&illustrations, seed)?;
    let groups = simulated_raters(&illustrations, &test, seed)?;
    let table = label_table(&illustrations);
    atomic::write_file(&folder.join("labels.csv"), |writer| labels::write(&table, "image", writer))?;
    atomic::write_file(&folder.join("test-images.txt"), |writer| {
        image_list::write(test.iter().map(String::as_str), writer)
    })?;
    atomic::write_file(&folder.join("groupings.csv"), |writer| groupings::write(&groups, writer))?;
    atomic::write_file(&folder.join("README.txt"), |writer| writer.write_all(README.as_bytes()))
}

/// The labels of the set as a table, columns as in [`LABELS`].
pub fn label_table(illustrations: &[DemoIllustration]) -> LabelTable {
    let rows = illustrations.iter().map(|illustration| LabelRow {
        image: illustration.name.clone(),
        values: LABELS.iter().map(|label| Some(illustration.labels.contains(label))).collect(),
        ..LabelRow::default()
    });
    LabelTable { labels: LABELS.map(str::to_owned).to_vec(), rows: rows.collect() }
}

/// The names of a stratified fifth of the set.
fn test_part(illustrations: &[DemoIllustration], seed: u64) -> Result<Vec<String>> {
    let images: Vec<SplitImage> = illustrations
        .iter()
        .zip(0..)
        .map(|(illustration, id)| SplitImage {
            id: ImageId(id),
            labels: LABELS.iter().map(|label| illustration.labels.contains(label)).collect(),
            near_duplicate_group: None,
        })
        .collect();
    let parts = split(&images, &SplitSettings { seed, ..SplitSettings::default() })?;
    let test = parts.into_iter().filter(|(_, part)| *part == Part::Test);
    Ok(test.map(|(id, _)| illustrations[id.0 as usize].name.clone()).collect())
}
