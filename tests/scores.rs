//! Scores of clusterings against scikit-learn (tests/goldens/make.py), worked examples and edge cases.
#![allow(clippy::unwrap_used)]

mod common_numbers;

use std::collections::BTreeMap;

use atmoscope::error::ErrorKind;
use atmoscope::evaluation::{
    Contingency, adjusted_mutual_information, adjusted_rand_index, entropy, permutation_baseline, score_against,
    silhouette, spread, summarise, v_measure,
};
use atmoscope::ids::ImageId;
use atmoscope::progress::Cancel;
use common_numbers::{floats, golden, integers, matrix};
use ndarray::{Array2, array};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-10
}

#[test]
fn silhouette_agrees_with_scikit_learn() {
    for case in golden("silhouette.json").as_array().unwrap() {
        let (values, assignments) = (matrix(&case["values"]), integers(&case["assignments"]));
        let result = silhouette(values.view(), &assignments, 1, &Cancel::new()).unwrap();
        assert!(close(result.mean, case["mean"].as_f64().unwrap()));
        assert_eq!(result.sampled, None);
        let samples = floats(&case["samples"]);
        for (ours, theirs) in result.per_image.iter().zip(&samples) {
            assert!(close(ours.unwrap(), *theirs), "{ours:?} {theirs}");
        }
        for (cluster, mean) in result.per_cluster.iter().enumerate() {
            let own: Vec<f64> = (0..samples.len()).filter(|&i| assignments[i] == cluster).map(|i| samples[i]).collect();
            assert!(close(mean.unwrap(), own.iter().sum::<f64>() / own.len() as f64));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(|| silhouette(values.view(), &assignments, 1, &Cancel::new())).unwrap(), result);
    }
}

#[test]
fn silhouette_says_where_it_is_not_defined() {
    let values = array![[0.0], [1.0], [2.0]];
    for assignments in [[0, 0, 0], [0, 1, 2], [2, 2, 2]] {
        let error = silhouette(values.view(), &assignments, 1, &Cancel::new()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::User);
        assert!(error.message.contains("not defined"), "{error}");
    }
    assert!(
        silhouette(Array2::zeros((0, 2)).view(), &[], 1, &Cancel::new()).unwrap_err().message.contains("not defined")
    );
    assert!(silhouette(values.view(), &[0, 1], 1, &Cancel::new()).is_err());
    let broken = array![[0.0], [f64::INFINITY], [2.0]];
    assert_eq!(silhouette(broken.view(), &[0, 0, 1], 1, &Cancel::new()).unwrap_err().kind, ErrorKind::Data);
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(silhouette(values.view(), &[0, 0, 1], 1, &cancel).unwrap_err().is_cancelled());
    // A number without images is no cluster.
    let gap = silhouette(values.view(), &[0, 0, 2], 1, &Cancel::new()).unwrap();
    assert_eq!(gap.per_cluster[1], None);
    assert_eq!(gap.per_image[2], Some(0.0));
}

#[test]
fn agreement_agrees_with_scikit_learn() {
    for case in golden("partitions.json").as_array().unwrap() {
        let (clusters, groups) = (integers(&case["clusters"]), integers(&case["groups"]));
        let rand = adjusted_rand_index(&clusters, &groups).unwrap();
        assert!(close(rand, case["adjusted_rand_index"].as_f64().unwrap()), "{rand} {case}");
        let information = adjusted_mutual_information(&clusters, &groups).unwrap();
        assert!(close(information, case["adjusted_mutual_information"].as_f64().unwrap()), "{information} {case}");
        let measure = v_measure(&clusters, &groups).unwrap();
        let expected = floats(&case["v_measure"]);
        assert!(close(measure.homogeneity, expected[0]), "{measure:?} {case}");
        assert!(close(measure.completeness, expected[1]), "{measure:?} {case}");
        assert!(close(measure.v, expected[2]), "{measure:?} {case}");
        // Both are symmetric.
        assert!(close(adjusted_rand_index(&groups, &clusters).unwrap(), rand));
        assert!(close(adjusted_mutual_information(&groups, &clusters).unwrap(), information));
    }
    assert_eq!(adjusted_rand_index(&[], &[]).unwrap(), 1.0);
    assert_eq!(adjusted_mutual_information(&[], &[]).unwrap(), 1.0);
    assert!(Contingency::new(&[0], &[]).is_err());
}

#[test]
fn entropy_by_hand() {
    // Cluster 0: three of group 0, one of group 1. Cluster 1: two of group 1, two of group 2. Cluster 3: two of group 2.
    let clusters = [0, 0, 0, 0, 1, 1, 1, 1, 3, 3];
    let groups = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2];
    let result = entropy(&clusters, &groups).unwrap();
    let ln3 = 3f64.ln();
    let first = -(0.75 * 0.75f64.ln() + 0.25 * 0.25f64.ln()) / ln3;
    let second = 2f64.ln() / ln3;
    assert!(close(result.per_cluster[0].unwrap(), first));
    assert!(close(result.per_cluster[1].unwrap(), second));
    assert_eq!(result.per_cluster[2], None);
    assert_eq!(result.per_cluster[3], Some(0.0));
    assert!(close(result.overall, (4.0 * first + 4.0 * second) / 10.0));
    assert_eq!(result.images, 10);
}

#[test]
fn entropy_at_its_ends() {
    let overall = |clusters: &[usize], groups: &[usize]| entropy(clusters, groups).unwrap().overall;
    assert_eq!(overall(&[0, 0, 1, 1], &[5, 5, 2, 2]), 0.0);
    assert!(close(overall(&[0, 0, 1, 1], &[0, 1, 0, 1]), 1.0));
    assert!(close(overall(&[0, 0, 0, 0], &[0, 1, 2, 3]), 1.0));
    assert_eq!(overall(&[0, 1, 2], &[4, 4, 4]), 0.0);
    assert_eq!(overall(&[0], &[0]), 0.0);
    assert_eq!(entropy(&[], &[]).unwrap_err().kind, ErrorKind::User);
}

#[test]
fn chance_level_brackets_its_mean_and_repeats() {
    let clusters: Vec<usize> = (0..120).map(|i| i % 5).collect();
    let groups: Vec<usize> = (0..120).map(|i| (i / 15) % 8).collect();
    let chance = permutation_baseline(&clusters, &groups, 1000, 3).unwrap();
    assert_eq!(chance, permutation_baseline(&clusters, &groups, 1000, 3).unwrap());
    assert!(chance.low < chance.mean && chance.mean < chance.high, "{chance:?}");
    assert!(chance.mean > 0.85 && chance.high <= 1.0, "{chance:?}");
    assert_ne!(chance, permutation_baseline(&clusters, &groups, 1000, 4).unwrap());
    assert!(permutation_baseline(&clusters, &groups, 0, 3).is_err());
}

#[test]
fn scores_align_images_and_count_the_rest() {
    let clusters: BTreeMap<ImageId, usize> =
        [(1, 0), (2, 0), (3, 1), (4, 1), (9, 1)].map(|(image, cluster)| (ImageId(image), cluster)).into();
    let groups: BTreeMap<ImageId, &str> =
        [(4, "calm"), (3, "calm"), (2, "bright"), (1, "bright"), (5, "dark"), (6, "dark")]
            .map(|(image, group)| (ImageId(image), group))
            .into();
    let scores = score_against(&clusters, &groups, 1).unwrap();
    assert_eq!((scores.images, scores.only_in_clusters, scores.only_in_groups), (4, 1, 2));
    assert_eq!(scores.entropy.overall, 0.0);
    assert_eq!(scores.adjusted_rand_index, Some(1.0));
    assert!(close(scores.adjusted_mutual_information.unwrap(), 1.0));
    assert!(close(scores.v_measure.unwrap().v, 1.0));
    assert!(scores.chance.mean > 0.3);

    let first = scores.clone();
    let mut other = scores.clone();
    other.entropy.overall = 0.5;
    let summary = summarise(&[scores.clone(), other]).unwrap();
    assert!(close(summary.entropy.mean, 0.25));
    assert!(close(summary.entropy.standard_deviation.unwrap(), 0.125f64.sqrt()));
    assert_eq!(summarise(&[scores]).unwrap().entropy.standard_deviation, None);
    assert_eq!(summarise(&[]), None);

    // A rater who put all pictures in one group says nothing about agreement, and is in no mean of it.
    let one_group: BTreeMap<ImageId, &str> = (1..=4).map(|image| (ImageId(image), "all")).collect();
    let nothing = score_against(&clusters, &one_group, 1).unwrap();
    assert_eq!(
        (nothing.adjusted_rand_index, nothing.adjusted_mutual_information, nothing.v_measure),
        (None, None, None)
    );
    let both = summarise(&[first, nothing.clone()]).unwrap();
    assert_eq!((both.entropy.count, both.adjusted_rand_index.unwrap().count), (2, 1));
    assert_eq!(both.adjusted_rand_index.unwrap().mean, 1.0);
    assert_eq!(summarise(&[nothing]).unwrap().adjusted_rand_index, None);
    assert_eq!(spread(&[]), None);

    let nobody: BTreeMap<ImageId, usize> = [(ImageId(77), 0)].into();
    assert_eq!(score_against(&clusters, &nobody, 1).unwrap_err().kind, ErrorKind::User);
}
