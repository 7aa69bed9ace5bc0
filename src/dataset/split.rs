//! Division into training, validation and test parts.
//!
//! The default is iterative stratification for multi-label data (Sechidis, Tsoumakas and Vlahavas, 2011): the label
//! with the fewest pictures left to place is served first, and each of its pictures goes to the part that still
//! lacks most of that label, so that even rare labels come out in proportion. Near-duplicates are placed together,
//! as one item. The result depends on the pictures, the settings and the seed, not on the order of the input.

use std::collections::{BTreeMap, HashMap, HashSet};

use rand::Rng;
use rand::seq::SliceRandom;

use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::random::{Generator, generator};

/// A side of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The network learns from it.
    Train,
    /// Chooses the epoch and the thresholds.
    Validation,
    /// Only for the final scores and the clustering.
    Test,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// A stable name for storage and files: `train`, `validation` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The part stored as `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// How pictures are given to parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitMethod {
    /// Labels in proportion in every part.
    #[default]
    Stratified,
    /// By lot.
    Random,
}

impl std::fmt::Display for SplitMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stratified => "stratified",
            Self::Random => "random",
        })
    }
}

/// What the split is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitSettings {
    /// Decides between equals, and everything where the method is random.
    pub seed: u64,
    /// Share of the training part; 1 or more.
    pub train: u32,
    /// Share of the validation part.
    pub validation: u32,
    /// Share of the test part; of no effect where the test images are given.
    pub test: u32,
    /// How pictures are given to parts.
    pub method: SplitMethod,
    /// The test part, where it is given; then the rest is divided by the shares of training and validation.
    pub test_images: Option<HashSet<ImageId>>,
}

impl Default for SplitSettings {
    /// 5 : 3 : 2, stratified, seed 0.
    fn default() -> Self {
        Self { seed: 0, train: 5, validation: 3, test: 2, method: SplitMethod::Stratified, test_images: None }
    }
}

/// A picture to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitImage {
    /// Which one.
    pub id: ImageId,
    /// Whether it has each label of the vocabulary, in one order for all pictures.
    pub labels: Vec<bool>,
    /// Number of its group of near-duplicates, where it is in one.
    pub near_duplicate_group: Option<usize>,
}

/// Pictures that are placed together.
struct Item {
    images: Vec<ImageId>,
    /// How many of its pictures have each label.
    labels: Vec<usize>,
}

/// Gives each picture a part; the result is in the order of the ids.
///
/// Pictures of one near-duplicate group get one part. Where the test images are given, near-duplicates of them that
/// are not themselves on the list go to validation: never to training, and the list stays as it is.
///
/// # Errors
/// `User` when there are no pictures, or a given test image is not among them; `Config` when the share of training
/// is 0; `Internal` when an id comes twice or the pictures have different numbers of labels.
pub fn split(images: &[SplitImage], settings: &SplitSettings) -> Result<Vec<(ImageId, Part)>> {
    check(images, settings)?;
    let mut images: Vec<&SplitImage> = images.iter().collect();
    images.sort_by_key(|image| image.id);
    let test_images = settings.test_images.as_ref();
    let is_test = |image: &SplitImage| test_images.is_some_and(|test| test.contains(&image.id));
    let touched: HashSet<usize> =
        images.iter().filter(|image| is_test(image)).filter_map(|image| image.near_duplicate_group).collect();
    let is_touched = |image: &SplitImage| image.near_duplicate_group.is_some_and(|group| touched.contains(&group));

    let mut placement: BTreeMap<ImageId, Part> = BTreeMap::new();
    let mut shares = [settings.train, settings.validation, settings.test].map(f64::from);
    let (mut fixed, mut free) = (Vec::new(), Vec::new());
    if test_images.is_some() {
        shares[2] = 0.0;
        for image in images {
            if is_test(image) {
                placement.insert(image.id, Part::Test);
            } else if is_touched(image) {
                placement.insert(image.id, Part::Validation);
                fixed.push(image);
            } else {
                free.push(image);
            }
        }
    } else {
        free = images;
    }

    let mut needs = Needs::new(fixed.iter().chain(&free).copied(), shares);
    for image in fixed {
        needs.place(&Item::new([image]), Part::Validation);
    }
    let mut random = generator(settings.seed, "split");
    let mut items = grouped(&free);
    items.shuffle(&mut random);
    // Large groups first, while there is room for them everywhere.
    items.sort_by_key(|item| std::cmp::Reverse(item.images.len()));
    match settings.method {
        SplitMethod::Stratified => place_stratified(items, &mut needs, &mut placement, &mut random),
        SplitMethod::Random => place_in_order(items, &mut needs, &mut placement, &mut random),
    }
    Ok(placement.into_iter().collect())
}

fn check(images: &[SplitImage], settings: &SplitSettings) -> Result<()> {
    if images.is_empty() {
        return Err(Error::user("there are no pictures to divide").hint("import pictures and give them labels first"));
    }
    if settings.train == 0 {
        return Err(Error::config("the share of the training part is 0").hint("the usual shares are 5 : 3 : 2"));
    }
    let ids: HashSet<ImageId> = images.iter().map(|image| image.id).collect();
    if ids.len() != images.len() {
        return Err(Error::internal("a picture is to be placed twice"));
    }
    if images.iter().any(|image| image.labels.len() != images[0].labels.len()) {
        return Err(Error::internal("the pictures of a split have different numbers of labels"));
    }
    let unknown = settings.test_images.iter().flatten().filter(|id| !ids.contains(id)).count();
    if unknown > 0 {
        return Err(Error::user(format!("{unknown} of the given test images are not among the pictures to divide"))
            .hint("they may have been set aside; take them back or take them off the list"));
    }
    Ok(())
}

impl Item {
    fn new<'a>(images: impl IntoIterator<Item = &'a SplitImage>) -> Self {
        let mut item = Self { images: Vec::new(), labels: Vec::new() };
        for image in images {
            item.images.push(image.id);
            item.labels.resize(image.labels.len(), 0);
            for (count, has) in item.labels.iter_mut().zip(&image.labels) {
                *count += usize::from(*has);
            }
        }
        item
    }
}

/// The pictures as items, in the order of their first members.
fn grouped(images: &[&SplitImage]) -> Vec<Item> {
    let mut members: Vec<Vec<&SplitImage>> = Vec::new();
    let mut position_of: HashMap<usize, usize> = HashMap::new();
    for image in images {
        match image.near_duplicate_group.and_then(|group| position_of.get(&group)) {
            Some(position) => members[*position].push(image),
            None => {
                if let Some(group) = image.near_duplicate_group {
                    position_of.insert(group, members.len());
                }
                members.push(vec![image]);
            }
        }
    }
    members.into_iter().map(Item::new).collect()
}

/// What each part still lacks.
struct Needs {
    /// Pictures, by part.
    images: [f64; 3],
    /// Pictures with each label, by part.
    labels: Vec<[f64; 3]>,
    /// Parts with a share.
    open: [bool; 3],
}

impl Needs {
    fn new<'a>(images: impl Iterator<Item = &'a SplitImage>, shares: [f64; 3]) -> Self {
        let whole: f64 = shares.iter().sum();
        let wanted = |count: usize| shares.map(|share| share / whole * count as f64);
        let all = Item::new(images);
        Self {
            images: wanted(all.images.len()),
            labels: all.labels.iter().map(|count| wanted(*count)).collect(),
            open: shares.map(|share| share > 0.0),
        }
    }

    fn place(&mut self, item: &Item, part: Part) {
        self.images[part as usize] -= item.images.len() as f64;
        for (needs, count) in self.labels.iter_mut().zip(&item.labels) {
            needs[part as usize] -= *count as f64;
        }
    }

    /// The open part that lacks most of `label`, then most pictures, then by lot.
    fn neediest(&self, label: Option<usize>, random: &mut Generator) -> Part {
        let need = |part: Part| {
            let pictures = self.images[part as usize];
            (label.map_or(pictures, |label| self.labels[label][part as usize]), pictures)
        };
        let order = |a: &Part, b: &Part| {
            let (a, b) = (need(*a), need(*b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        let open: Vec<Part> = Part::ALL.into_iter().filter(|part| self.open[*part as usize]).collect();
        let best = open.iter().copied().max_by(order).unwrap_or(Part::Train);
        let equals: Vec<Part> = open.into_iter().filter(|part| order(part, &best).is_eq()).collect();
        equals.choose(random).copied().unwrap_or(best)
    }
}

fn place_stratified(
    items: Vec<Item>,
    needs: &mut Needs,
    placement: &mut BTreeMap<ImageId, Part>,
    random: &mut Generator,
) {
    let mut waiting: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    loop {
        let mut left = vec![0; needs.labels.len()];
        for item in waiting.iter().flatten() {
            for (count, of_item) in left.iter_mut().zip(&item.labels) {
                *count += of_item;
            }
        }
        let rarest = (0..left.len()).filter(|label| left[*label] > 0).min_by_key(|label| left[*label]);
        for slot in &mut waiting {
            // Without a label left, the rest goes where pictures lack.
            let wanted = slot.as_ref().is_some_and(|item| rarest.is_none_or(|label| item.labels[label] > 0));
            if wanted && let Some(item) = slot.take() {
                let part = needs.neediest(rarest, random);
                needs.place(&item, part);
                placement.extend(item.images.iter().map(|id| (*id, part)));
            }
        }
        if rarest.is_none() {
            return;
        }
    }
}

/// Each item to a part drawn in proportion to what the parts lack.
fn place_in_order(
    items: Vec<Item>,
    needs: &mut Needs,
    placement: &mut BTreeMap<ImageId, Part>,
    random: &mut Generator,
) {
    for item in items {
        let room = needs.images.map(|lack| lack.max(0.0));
        let mut draw = random.r#gen::<f64>() * room.iter().sum::<f64>();
        let drawn = Part::ALL.into_iter().find(|part| {
            draw -= room[*part as usize];
            draw < 0.0
        });
        let part = drawn.unwrap_or_else(|| needs.neediest(None, random));
        needs.place(&item, part);
        placement.extend(item.images.iter().map(|id| (*id, part)));
    }
}
