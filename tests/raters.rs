//! What is said about raters among themselves, against scikit-learn, SciPy and plain loops (tests/goldens/make.py), and
//! by simulation where there is nothing to compare with.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common_numbers;

use std::collections::BTreeMap;

use atmoscope::error::ErrorKind;
use atmoscope::evaluation::{Estimate, PairScores, RaterGroupings, rater_agreement, retest};
use atmoscope::progress::Cancel;
use atmoscope::random::{Generator, generator};
use common_numbers::golden;
use rand::Rng;
use rayon::prelude::*;
use serde_json::Value;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-10
}

/// Groupings from rows of a golden file: one number for each image, below 0 where it was not placed.
fn groupings(rows: &Value) -> RaterGroupings<usize> {
    let raters: Vec<(String, BTreeMap<usize, i64>)> = rows
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(rater, row)| {
            let groups = row.as_array().unwrap().iter().map(|group| group.as_i64().unwrap()).enumerate();
            (format!("rater {rater}"), groups.filter(|(_, group)| *group >= 0).collect())
        })
        .collect();
    RaterGroupings::new(raters.iter().map(|(name, groups)| (name.as_str(), groups))).unwrap()
}

fn values(scores: &PairScores) -> [Estimate; 5] {
    [
        scores.adjusted_rand_index,
        scores.adjusted_mutual_information,
        scores.v_measure,
        scores.entropy_of_first,
        scores.entropy_of_second,
    ]
}

const NAMES: [&str; 5] =
    ["adjusted_rand_index", "adjusted_mutual_information", "v_measure", "entropy_of_first", "entropy_of_second"];

#[test]
fn pairs_of_raters_agree_with_scikit_learn() {
    for case in golden("raters.json")["cases"].as_array().unwrap() {
        let agreement = rater_agreement(&groupings(&case["groups"]), 0, 1, &Cancel::new()).unwrap();
        let pairs = case["pairs"].as_array().unwrap();
        assert_eq!(agreement.pairs.len(), pairs.len());
        let mut sums = [0.0; 5];
        for (ours, theirs) in agreement.pairs.iter().zip(pairs) {
            let counts = [ours.images, ours.only_in_first, ours.only_in_second];
            let expected = ["images", "only_in_first", "only_in_second"].map(|name| theirs[name].as_u64().unwrap());
            assert_eq!(counts.map(|count| count as u64), expected);
            for (index, (name, ours)) in NAMES.iter().zip(values(&ours.scores.unwrap())).enumerate() {
                let theirs = theirs[*name].as_f64().unwrap();
                assert!(close(ours.value, theirs), "{name} {ours:?} {theirs}");
                assert_eq!(ours.interval, None, "there are no resamples");
                sums[index] += theirs / pairs.len() as f64;
            }
        }
        let mean = agreement.mean.unwrap();
        let ours = [mean.adjusted_rand_index, mean.adjusted_mutual_information, mean.v_measure, mean.entropy];
        let theirs = [sums[0], sums[1], sums[2], (sums[3] + sums[4]) / 2.0];
        assert!(ours.iter().zip(theirs).all(|(ours, theirs)| close(ours.value, theirs)), "{ours:?} {theirs:?}");
        assert_eq!(mean.pairs, pairs.len());
    }
}

/// Two raters' groups of `images` images: the second agrees with the first in `agreement` of the cases and is at random
/// among `groups` groups in the others.
fn simulated(images: usize, groups: usize, agreement: f64, random: &mut Generator) -> [BTreeMap<usize, usize>; 2] {
    let mut both = [BTreeMap::new(), BTreeMap::new()];
    for image in 0..images {
        let first = random.gen_range(0..groups);
        let second = if random.gen_bool(agreement) { first } else { random.gen_range(0..groups) };
        both[0].insert(image, first);
        both[1].insert(image, second);
    }
    both
}

#[test]
fn intervals_hold_the_expected_score_in_about_95_of_100_cases() {
    for (images, agreement) in [(120, 0.6), (120, 0.15), (60, 0.6)] {
        let scored = |set: usize, resamples: usize| {
            let mut random = generator(17, &format!("{images} {agreement} {resamples} {set}"));
            let [first, second] = simulated(images, 8, agreement, &mut random);
            values(&retest(&first, &second, resamples, set as u64, &Cancel::new()).unwrap().scores.unwrap())
        };
        // What the scores are on average, from sets of their own.
        let without: Vec<[Estimate; 5]> = (0..2000).into_par_iter().map(|set| scored(set, 0)).collect();
        let with: Vec<[Estimate; 5]> = (0..300).into_par_iter().map(|set| scored(set, 200)).collect();
        for score in 0..5 {
            let expected = without.iter().map(|values| values[score].value).sum::<f64>() / without.len() as f64;
            let held = with.iter().filter(|values| {
                let interval = values[score].interval.unwrap();
                (interval.low..=interval.high).contains(&expected)
            });
            let share = held.count() as f64 / with.len() as f64;
            println!("{images} images, agreement {agreement}, {}: {share:.3}", NAMES[score]);
            // Seen here: 0.94 to 0.98 for the adjusted scores, 0.90 to 0.96 for V-measure and entropy.
            let least = if score < 2 { 0.91 } else { 0.83 };
            assert!(share >= least, "{images} images, agreement {agreement}, {}: {share}", NAMES[score]);
            // Nor are the intervals so wide that they say nothing.
            let width: f64 =
                with.iter().filter_map(|values| values[score].interval).map(|i| i.high - i.low).sum::<f64>() / 300.0;
            assert!(width < if images == 60 { 0.45 } else { 0.3 }, "{}: {width}", NAMES[score]);
        }
    }
}

#[test]
fn intervals_repeat_with_their_seed_and_lie_around_the_score() {
    let mut random = generator(3, "raters");
    let raters: Vec<(String, BTreeMap<usize, usize>)> = (0..4)
        .map(|rater| {
            let [_, groups] = simulated(80, 6, 0.5, &mut random);
            (format!("rater {rater}"), groups.into_iter().filter(|_| random.gen_bool(0.9)).collect())
        })
        .collect();
    let aligned = RaterGroupings::new(raters.iter().map(|(name, groups)| (name.as_str(), groups))).unwrap();
    let run = |seed| rater_agreement(&aligned, 300, seed, &Cancel::new()).unwrap();
    let agreement = run(1);
    assert_eq!(agreement, run(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(agreement, pool.install(|| run(1)), "the number of threads changes nothing");
    assert_ne!(agreement, run(2));
    for estimate in agreement.pairs.iter().flat_map(|pair| values(&pair.scores.unwrap())) {
        let interval = estimate.interval.unwrap();
        assert!(interval.low < estimate.value && estimate.value < interval.high, "{estimate:?}");
    }
    // Raters who sort alone, or only other images, have no scores, and few images no interval.
    let few =
        retest(&BTreeMap::from([(1, 'a'), (2, 'b')]), &BTreeMap::from([(1, 'x'), (2, 'y')]), 50, 1, &Cancel::new());
    let scores = few.unwrap().scores.unwrap();
    assert_eq!(scores.adjusted_rand_index, Estimate { value: 1.0, interval: None });
    let nothing = retest(&BTreeMap::from([(1, 'a')]), &BTreeMap::from([(2, 'a')]), 50, 1, &Cancel::new()).unwrap();
    assert_eq!((nothing.scores, nothing.images, nothing.only_in_first, nothing.only_in_second), (None, 0, 1, 1));
    let one = RaterGroupings::new([("alone", &BTreeMap::from([(1, 'a')]))]).unwrap();
    let alone = rater_agreement(&one, 50, 1, &Cancel::new()).unwrap();
    assert_eq!((alone.pairs.len(), alone.mean), (0, None));
    let nobody: [(&str, &BTreeMap<usize, usize>); 0] = [];
    assert_eq!(rater_agreement(&RaterGroupings::new(nobody).unwrap(), 50, 1, &Cancel::new()).unwrap().mean, None);
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(rater_agreement(&aligned, 300, 1, &cancel).unwrap_err().is_cancelled());
}

#[test]
fn groupings_are_aligned_by_image() {
    let first = BTreeMap::from([("b.png", "calm"), ("a.png", "sad"), ("d.png", "calm")]);
    let second = BTreeMap::from([("a.png", "x"), ("b.png", "y"), ("c.png", "x")]);
    let aligned = RaterGroupings::new([("森", &first), ("Ada", &second)]).unwrap();
    assert_eq!(aligned.images(), ["a.png", "b.png", "c.png", "d.png"]);
    assert_eq!(aligned.groups_of(0), [Some(1), Some(0), None, Some(0)]);
    assert_eq!(aligned.groups_of(1), [Some(0), Some(1), Some(0), None]);
    assert_eq!((aligned.placed(0), aligned.group_count(0)), (3, 2));
    let error = RaterGroupings::new([("Ada", &first), ("Ada", &second)]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::User);
}

#[test]
fn the_real_raters_agree_with_scikit_learn() {
    let Some(raters) = real_raters() else {
        println!("skipped: ATMOSCOPE_TEST_DATA names no folder with the real groupings");
        return;
    };
    let expected = golden("real_raters.json");
    for (condition, groupings) in &raters {
        let agreement = rater_agreement(groupings, 0, 1, &Cancel::new()).unwrap();
        let pairs = expected[condition]["pairs"].as_array().unwrap();
        assert_eq!((agreement.pairs.len(), pairs.len()), (6, 6));
        for (ours, theirs) in agreement.pairs.iter().zip(pairs) {
            assert_eq!(ours.images, 120);
            for (name, ours) in NAMES.iter().zip(values(&ours.scores.unwrap())) {
                assert!(close(ours.value, theirs[*name].as_f64().unwrap()), "{name} {ours:?} {theirs}");
            }
        }
    }
}

/// The real raters' groupings by condition; none where the data are not here.
fn real_raters() -> Option<BTreeMap<String, RaterGroupings<String>>> {
    let data = std::env::var_os("ATMOSCOPE_TEST_DATA")?;
    let file = std::path::PathBuf::from(data).join("illustrations/groupings.csv");
    let parsed = atmoscope::interchange::groupings::parse(&std::fs::read(file).unwrap());
    assert_eq!(parsed.problems, []);
    let mut conditions: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> = BTreeMap::new();
    for row in parsed.value {
        let raters = conditions.entry(row.condition).or_default();
        raters.entry(row.rater).or_default().insert(row.image, row.group);
    }
    let aligned = |raters: BTreeMap<String, BTreeMap<String, String>>| {
        RaterGroupings::new(raters.iter().map(|(name, groups)| (name.as_str(), groups))).unwrap()
    };
    Some(conditions.into_iter().map(|(condition, raters)| (condition, aligned(raters))).collect())
}
