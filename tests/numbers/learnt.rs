//! Features learnt from groupings, against scikit-learn (tests/goldens/make_learnt.py) and in awkward cases.

use std::collections::BTreeSet;

use crate::common::numbers::{golden, integers, matrix};
use atmoscope::dataset::{RaterSort, StudyCondition};
use atmoscope::features::{FeatureMatrix, learn};
use atmoscope::ids::ImageId;
use atmoscope::progress::{Cancel, Silent};
use serde_json::Value;

fn features(values: &Value) -> FeatureMatrix {
    let values = matrix(values);
    let images = (0..values.nrows()).map(|image| ImageId(image as i64)).collect();
    let names = (0..values.ncols()).map(|column| column.to_string()).collect();
    FeatureMatrix::new(images, names, values.iter().map(|&value| value as f32).collect()).unwrap()
}

fn sort(rater: &str, condition: &str, groups: &[usize]) -> RaterSort<ImageId> {
    RaterSort {
        rater: rater.to_owned(),
        condition: StudyCondition::plain(condition),
        occasion: 1,
        groups: groups.iter().enumerate().map(|(image, group)| (ImageId(image as i64), group.to_string())).collect(),
    }
}

fn sorts(case: &Value) -> Vec<RaterSort<ImageId>> {
    let sorts = case["sorts"].as_array().unwrap().iter();
    sorts
        .map(|of| sort(of["rater"].as_str().unwrap(), of["condition"].as_str().unwrap(), &integers(&of["groups"])))
        .collect()
}

fn training(case: &Value) -> BTreeSet<ImageId> {
    (0..case["training"].as_i64().unwrap()).map(ImageId).collect()
}

#[test]
fn memberships_are_those_of_scikit_learn() {
    for case in golden("learnt.json").as_array().unwrap() {
        let features = features(&case["values"]);
        let lambda = case["lambda"].as_f64();
        let found = learn(&features, &training(case), &sorts(case), lambda, 1, &Silent, &Cancel::new()).unwrap();
        assert!(found.trials.is_empty() && Some(found.lambda) == lambda);
        let told = matrix(&case["told"]);
        assert_eq!(found.matrix.columns(), told.ncols());
        let first = features.rows() - told.nrows();
        for (row, expected) in told.rows().into_iter().enumerate() {
            for (value, expected) in found.matrix.row(first + row).iter().zip(expected) {
                assert!((f64::from(*value) - expected).abs() < 2e-6, "{value} against {expected}");
            }
        }
    }
}

#[test]
fn lambda_is_chosen_on_what_was_held_back_whatever_the_threads() {
    let case = &golden("learnt.json")[0];
    let features = features(&case["values"]);
    let run = || learn(&features, &training(case), &sorts(case), None, 1, &Silent, &Cancel::new()).unwrap();
    let found = run();
    let best = found.trials.iter().map(|trial| trial.pair_auc).fold(0.0, f64::max);
    assert_eq!(found.trials.iter().rev().find(|trial| trial.pair_auc == best).unwrap().lambda, found.lambda);
    assert!(best > 0.55, "groups that follow the features are learnt: {best}");
    // A test picture cannot change what is learnt.
    let mut other = features.clone();
    let columns = other.columns();
    other.values[60 * columns..].iter_mut().for_each(|value| *value += 1.0);
    let changed = learn(&other, &training(case), &sorts(case), None, 1, &Silent, &Cancel::new()).unwrap();
    assert_eq!((changed.lambda, &changed.trials), (found.lambda, &found.trials));
    assert_eq!(changed.matrix.row(0), found.matrix.row(0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(run).matrix, found.matrix);
}

#[test]
fn too_little_to_learn_from_is_said() {
    let case = &golden("learnt.json")[0];
    let features = features(&case["values"]);
    let training = training(case);
    let refused = |sorts: &[RaterSort<ImageId>], lambda: Option<f64>| {
        learn(&features, &training, sorts, lambda, 1, &Silent, &Cancel::new()).unwrap_err().message
    };
    assert!(refused(&[], None).contains("no rater grouped pictures of the training part"));
    assert!(refused(&[sort("Ann", "1", &[0, 1, 0, 1])], None).contains("Ann, condition 1: 4 training pictures"));
    assert!(refused(&[sort("Ann", "1", &[0; 30])], None).contains("in 1 groups"));
    assert!(refused(&sorts(case), Some(0.0)).contains("λ cannot be 0"));
    let mut same = features.clone();
    same.values.fill(1.0);
    let error = learn(&same, &training, &sorts(case), None, 1, &Silent, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("all the same"), "{error}");
    // One rater alone: pictures alone are held back.
    let one: Vec<_> = sorts(case).into_iter().filter(|sort| sort.rater == "Ben").collect();
    assert!(!learn(&features, &training, &one, None, 1, &Silent, &Cancel::new()).unwrap().trials.is_empty());
}
