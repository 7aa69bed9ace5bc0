//! Splits keep labels in proportion and near-duplicates together.

use std::collections::{HashMap, HashSet};

use atmoscope::dataset::selection::aspect_ratio;
use atmoscope::dataset::{Part, SelectionRules, SplitImage, SplitMethod, SplitSettings, near_duplicates, split};
use atmoscope::error::ErrorKind;
use atmoscope::ids::ImageId;
use atmoscope::random::generator;
use rand::Rng;
use rand::seq::SliceRandom;

/// `count` pictures whose labels have frequencies from about 40 % down to 2 %, in clumps as real labels are.
fn labelled(count: i64, seed: u64) -> Vec<SplitImage> {
    let mut random = generator(seed, "test labels");
    (0..count)
        .map(|id| {
            let mood = random.gen_range(0..3);
            let labels = (0..12)
                .map(|label| {
                    let frequency = 0.4 / (1.0 + label as f64) * if label % 3 == mood { 2.0 } else { 0.5 };
                    random.gen_bool(frequency)
                })
                .collect();
            SplitImage {
                id: ImageId(id * 7 % 1009),
                labels,
                near_duplicate_group: (id % 10 < 3).then_some(id as usize / 10),
            }
        })
        .collect()
}

fn sizes(parts: &[(ImageId, Part)]) -> [usize; 3] {
    Part::ALL.map(|part| parts.iter().filter(|(_, other)| *other == part).count())
}

/// Mean over labels and parts of the distance between the part's share of the label and its share of all pictures.
fn label_distance(images: &[SplitImage], parts: &[(ImageId, Part)]) -> f64 {
    let part_of: HashMap<_, _> = parts.iter().copied().collect();
    let labels = images[0].labels.len();
    let mut sum = 0.0;
    for label in 0..labels {
        let with: Vec<_> = images.iter().filter(|image| image.labels[label]).collect();
        for (part, share) in Part::ALL.into_iter().zip([0.5, 0.3, 0.2]) {
            let inside = with.iter().filter(|image| part_of[&image.id] == part).count();
            sum += (inside as f64 / with.len() as f64 - share).abs();
        }
    }
    sum / (3 * labels) as f64
}

#[test]
fn stratification_beats_the_lot() {
    let (mut stratified, mut random) = (0.0, 0.0);
    for seed in 0..20 {
        let images = labelled(300, seed);
        let settings = SplitSettings { seed, ..SplitSettings::default() };
        let parts = split(&images, &settings).unwrap();
        for (size, target) in sizes(&parts).into_iter().zip([150, 90, 60]) {
            assert!(size.abs_diff(target) <= 6, "{:?}", sizes(&parts));
        }
        stratified += label_distance(&images, &parts) / 20.0;
        let by_lot = split(&images, &SplitSettings { method: SplitMethod::Random, ..settings }).unwrap();
        for (size, target) in sizes(&by_lot).into_iter().zip([150, 90, 60]) {
            assert!(size.abs_diff(target) <= 2, "{:?}", sizes(&by_lot));
        }
        random += label_distance(&images, &by_lot) / 20.0;
    }
    assert!(stratified < random / 2.0, "stratified {stratified:.4}, random {random:.4}");
}

#[test]
fn near_duplicates_stay_on_one_side() {
    for method in [SplitMethod::Stratified, SplitMethod::Random] {
        let images = labelled(200, 1);
        let parts: HashMap<_, _> =
            split(&images, &SplitSettings { method, ..SplitSettings::default() }).unwrap().into_iter().collect();
        assert_eq!(parts.len(), 200);
        let mut seen: HashMap<usize, Part> = HashMap::new();
        for image in &images {
            if let Some(group) = image.near_duplicate_group {
                assert_eq!(*seen.entry(group).or_insert(parts[&image.id]), parts[&image.id]);
            }
        }
    }
}

#[test]
fn the_seed_decides_and_the_order_does_not() {
    let images = labelled(150, 2);
    let mut shuffled = images.clone();
    shuffled.shuffle(&mut generator(9, "test order"));
    for method in [SplitMethod::Stratified, SplitMethod::Random] {
        let with_seed = |seed, images: &[SplitImage]| {
            split(images, &SplitSettings { seed, method, ..SplitSettings::default() }).unwrap()
        };
        assert_eq!(with_seed(5, &images), with_seed(5, &shuffled));
        assert_ne!(with_seed(5, &images), with_seed(6, &images));
    }
}

#[test]
fn a_given_test_part_is_kept_and_does_not_leak() {
    let images = labelled(200, 3);
    // One member of every near-duplicate group, and others.
    let test: HashSet<ImageId> = images.iter().step_by(10).map(|image| image.id).collect();
    let settings = SplitSettings { test_images: Some(test.clone()), ..SplitSettings::default() };
    let parts = split(&images, &settings).unwrap();
    let in_test: HashSet<ImageId> = parts.iter().filter(|(_, part)| *part == Part::Test).map(|(id, _)| *id).collect();
    assert_eq!(in_test, test);
    let train: HashSet<ImageId> = parts.iter().filter(|(_, part)| *part == Part::Train).map(|(id, _)| *id).collect();
    assert!(images.iter().all(|image| image.near_duplicate_group.is_none() || !train.contains(&image.id)));
    let [train, validation, _] = sizes(&parts);
    assert!(train.abs_diff(180 * 5 / 8) <= 4 && validation.abs_diff(180 * 3 / 8) <= 4, "{train} {validation}");
}

#[test]
fn what_cannot_be_divided_is_refused() {
    let kind = |images: &[SplitImage], settings: &SplitSettings| split(images, settings).unwrap_err().kind;
    let settings = SplitSettings::default();
    assert_eq!(kind(&[], &settings), ErrorKind::User);
    let images = labelled(10, 0);
    assert_eq!(kind(&images, &SplitSettings { train: 0, ..settings.clone() }), ErrorKind::Config);
    let stranger = Some(HashSet::from([ImageId(-1)]));
    assert_eq!(kind(&images, &SplitSettings { test_images: stranger, ..settings.clone() }), ErrorKind::User);
    // Parts without a share stay empty, and one picture is enough.
    let only_train = SplitSettings { validation: 0, test: 0, ..settings };
    assert_eq!(sizes(&split(&images, &only_train).unwrap()), [10, 0, 0]);
    assert_eq!(split(&images[..1], &only_train).unwrap().len(), 1);
    for part in Part::ALL {
        assert_eq!(Part::from_name(part.name()), Some(part));
    }
}

#[test]
fn near_duplicates_are_found_as_by_comparing_all() {
    let mut random = generator(4, "test hashes");
    let mut hashes: Vec<(ImageId, u64)> = (0..400).map(|id| (ImageId(id), random.r#gen())).collect();
    for id in 400..700 {
        let mut hash = hashes[random.gen_range(0..hashes.len())].1;
        (0..random.gen_range(0..10)).for_each(|_| hash ^= 1 << random.gen_range(0..64));
        hashes.push((ImageId(id), hash));
    }
    hashes.shuffle(&mut random);
    for max_distance in [0, 3, 6, 11] {
        // Spread the smallest id along all close pairs until nothing changes.
        let mut smallest: HashMap<ImageId, ImageId> = hashes.iter().map(|(id, _)| (*id, *id)).collect();
        loop {
            let before = smallest.clone();
            for (one, a) in &hashes {
                for (other, b) in &hashes {
                    if (a ^ b).count_ones() <= max_distance {
                        let least = smallest[one].min(smallest[other]);
                        smallest.insert(*one, least);
                    }
                }
            }
            if before == smallest {
                break;
            }
        }
        let mut expected: HashMap<ImageId, Vec<ImageId>> = HashMap::new();
        for (id, first) in smallest {
            expected.entry(first).or_default().push(id);
        }
        let mut expected: Vec<_> = expected.into_values().filter(|group| group.len() > 1).collect();
        expected.iter_mut().for_each(|group| group.sort());
        expected.sort();
        assert_eq!(near_duplicates(&hashes, max_distance), expected, "distance {max_distance}");
    }
}

#[test]
fn a_hundred_thousand_pictures_are_quick() {
    let mut random = generator(5, "test hashes");
    let mut hashes: Vec<(ImageId, u64)> = (0..100_000).map(|id| (ImageId(id), random.r#gen())).collect();
    hashes.extend((100_000..110_000).map(|id| (ImageId(id), 1)));
    let started = std::time::Instant::now();
    let groups = near_duplicates(&hashes, 6);
    assert_eq!(groups.iter().map(Vec::len).max(), Some(10_000));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn long_pictures_are_set_aside() {
    let rules = SelectionRules::default();
    assert_eq!(rules.check_size(400, 800), None);
    let reason = rules.check_size(801, 400).unwrap();
    assert_eq!(reason, "its longer side is 2.00 times its shorter side, more than 2");
    assert_eq!(aspect_ratio(300, 900), 3.0);
    assert!(rules.check_size(0, 5).is_some());
}
