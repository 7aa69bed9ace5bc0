//! Imbalance measures and MLSMOTE against an independent implementation in Python.

use std::collections::HashSet;

use crate::common::numbers::{floats, golden, integers};
use atmoscope::dataset::{Imbalance, Sample, Synthesis, mlsmote};
use serde_json::Value;

struct Case {
    features: Vec<f32>,
    targets: Vec<f32>,
    labels: usize,
    width: usize,
    golden: Value,
}

fn cases() -> Vec<Case> {
    let singles = |value: &Value| floats(value).into_iter().map(|value| value as f32).collect();
    let case = |golden: &Value| Case {
        features: singles(&golden["features"]),
        targets: singles(&golden["targets"]),
        labels: golden["labels"].as_u64().unwrap() as usize,
        width: golden["width"].as_u64().unwrap() as usize,
        golden: golden.clone(),
    };
    golden("mlsmote.json").as_array().unwrap().iter().map(case).collect()
}

fn synthesis(case: &Case, seed: u64) -> Synthesis {
    let neighbours = case.golden["neighbours"].as_u64().unwrap() as usize;
    mlsmote(&case.features, &case.targets, case.labels, neighbours, seed).unwrap()
}

#[test]
fn imbalance_is_what_the_definitions_give() {
    for case in cases() {
        let ours = Imbalance::of(&case.targets, case.labels);
        assert_eq!(ours.counts, integers(&case.golden["counts"]));
        let close = |ours: Option<f64>, theirs: &Value| match (ours, theirs.as_f64()) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-12,
            (ours, theirs) => ours == theirs,
        };
        for (ours, theirs) in ours.ratios.iter().zip(case.golden["ratios"].as_array().unwrap()) {
            assert!(close(*ours, theirs), "{ours:?} {theirs}");
        }
        assert!(close(ours.mean_ratio, &case.golden["mean_ratio"]));
        assert!(close(Some(ours.scumble), &case.golden["scumble"]), "{} {}", ours.scumble, case.golden["scumble"]);
        assert_eq!(ours.minority(), integers(&case.golden["minority"]));
        assert_eq!(ours.co_occurrence, integers(&case.golden["co_occurrence"]));
        let made: usize = (0..case.labels).map(|label| ours.synthetic_samples(label)).sum();
        assert_eq!(made, case.golden["samples"].as_array().unwrap().len());
    }
    let none = Imbalance::of(&[0.0; 6], 2);
    assert_eq!((none.mean_ratio, none.scumble, none.minority()), (None, 0.0, Vec::new()));
}

#[test]
fn samples_neighbours_and_labels_are_those_of_the_paper() {
    for case in cases() {
        let synthesis = synthesis(&case, 4);
        let expected = case.golden["samples"].as_array().unwrap();
        assert_eq!(synthesis.samples.len(), expected.len());
        for (ours, theirs) in synthesis.samples.iter().zip(expected) {
            assert_eq!([ours.label, ours.row].to_vec(), integers(&theirs["made_for"]));
            assert_eq!(ours.neighbours, integers(&theirs["neighbours"]));
            assert_eq!(ours.labels, integers(&theirs["labels"]));
            assert!(ours.neighbours.contains(&ours.reference) && ours.labels.contains(&ours.label));
        }
        assert_eq!(synthesis.counts_before, integers(&case.golden["counts"]));
        assert_eq!(synthesis.counts_after, integers(&case.golden["counts_after"]));
        let targets = synthesis.targets();
        let column = |label: usize| targets.iter().skip(label).step_by(case.labels).sum::<f32>() as usize;
        let added = (0..case.labels).map(|label| synthesis.counts_after[label] - synthesis.counts_before[label]);
        assert!((0..case.labels).map(column).eq(added));
    }
}

#[test]
fn synthetic_features_lie_between_sample_and_reference() {
    let cases = cases();
    let case = &cases[0];
    let synthesis = synthesis(case, 4);
    let made = synthesis.features(&case.features, case.width);
    assert_eq!(made.len(), synthesis.samples.len() * case.width);
    let row = |row: usize| &case.features[row * case.width..(row + 1) * case.width];
    let mut shares = Vec::new();
    for (sample, made) in synthesis.samples.iter().zip(made.chunks_exact(case.width)) {
        for ((from, to), made) in row(sample.row).iter().zip(row(sample.reference)).zip(made) {
            assert!(*made >= from.min(*to) - 1e-6 && *made <= from.max(*to) + 1e-6);
            if (from - to).abs() > 0.05 {
                shares.push(f64::from((made - from) / (to - from)));
            }
        }
    }
    // Each feature has a draw of its own, uniform: five standard errors around the mean.
    assert!(shares.len() > 100);
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!((mean - 0.5).abs() < 5.0 * (1.0f64 / 12.0 / shares.len() as f64).sqrt(), "{mean}");
    let distinct: HashSet<u64> = shares.iter().map(|share| (share * 1e4) as u64).collect();
    assert!(distinct.len() > shares.len() * 9 / 10);
}

#[test]
fn mixtures_name_the_same_pairs_and_the_seed_decides() {
    let cases = cases();
    let case = &cases[0];
    let (one, same, other) = (synthesis(case, 4), synthesis(case, 4), synthesis(case, 5));
    assert_eq!(one, same);
    let references = |synthesis: &Synthesis| synthesis.samples.iter().map(|s| s.reference).collect::<Vec<_>>();
    assert_ne!(references(&one), references(&other));
    let mixtures = one.mixtures(|row| row + 100);
    assert_eq!(mixtures, same.mixtures(|row| row + 100));
    let mut shares = HashSet::new();
    for (sample, mixture) in one.samples.iter().zip(&mixtures) {
        let Sample::Mixed { image, reference, u } = *mixture else { panic!("{mixture:?}") };
        assert_eq!((image, reference), (sample.row + 100, sample.reference + 100));
        assert!((0.0..=1.0).contains(&u));
        shares.insert(u.to_bits());
    }
    assert_eq!(shares.len(), mixtures.len());
    // A label on one image has no neighbour to go towards.
    let lone = mlsmote(&[0.0, 1.0, 2.0, 3.0], &[1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 2, 5, 1).unwrap();
    assert!(lone.samples.is_empty() && lone.targets().is_empty());
    assert!(mlsmote(&[0.0; 5], &[0.0; 6], 3, 5, 1).is_err() && mlsmote(&[0.0; 4], &[0.0; 5], 3, 5, 1).is_err());
}
