//! Scores of clusterings against scikit-learn (tests/goldens/make.py and make_scores.py), worked examples and edge cases.

use crate::common::numbers::{floats, golden, integers, matrix};
use atmoscope::dataset::{RaterSort, StudyCondition};
use atmoscope::engine::jobs::score::{self, LearntFrom, References, ScoredGrouping};
use atmoscope::error::ErrorKind;
use atmoscope::evaluation::{
    Contingency, SCORES, adjusted_mutual_information, adjusted_rand_index, entropy, mean_and_deviation,
    permutation_baseline, silhouette, v_measure,
};
use atmoscope::ids::ImageId;
use atmoscope::progress::Cancel;
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
        silhouette(Array2::<f32>::zeros((0, 2)).view(), &[], 1, &Cancel::new())
            .unwrap_err()
            .message
            .contains("not defined")
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
    let sort = |rater: &str, groups: &[(i64, &str)]| RaterSort {
        occasion: 1,
        rater: rater.to_owned(),
        condition: StudyCondition::plain("1"),
        groups: groups.iter().map(|(image, group)| (ImageId(*image), (*group).to_owned())).collect(),
    };
    let sorts = vec![
        sort("Ada", &[(4, "calm"), (3, "calm"), (2, "bright"), (1, "bright"), (5, "dark"), (6, "dark")]),
        sort("Zoe", &[(1, "all"), (2, "all"), (3, "all"), (4, "all")]),
        sort("Ben", &[(77, "alone")]),
    ];
    let references = References { sorts, learnt_from: LearntFrom::default(), warnings: Vec::new() };
    let images = [1, 2, 3, 4, 9].map(ImageId);
    let values = ndarray::array![[0.0f32], [0.1], [1.0], [1.1], [5.0]];
    let report = score::run(&images, values.view(), &[0, 0, 1, 1, 1], &references, 1, &Cancel::new()).unwrap();
    assert_eq!(report.groupings_without_images, ["Ben, 1"]);
    let [ada, zoe] = &report.groupings[..] else { panic!("{report:?}") };
    assert_eq!((ada.images, ada.only_in_clusters, ada.only_in_groups), (4, 1, 2));
    let of = |grouping: &ScoredGrouping, id: &str| *grouping.scores.get(id).unwrap();
    assert_eq!((of(ada, "entropy"), of(ada, "adjusted_rand_index")), (Some(0.0), Some(1.0)));
    assert!(close(of(ada, "adjusted_mutual_information").unwrap(), 1.0) && close(of(ada, "v_measure").unwrap(), 1.0));
    assert_eq!((of(ada, "pair_auc"), of(ada, "share_of_chance")), (Some(1.0), Some(0.0)));
    assert!(ada.chance.mean > 0.3);
    // A rater who put all pictures in one group says nothing about agreement, and is in no mean of it.
    for id in ["adjusted_rand_index", "adjusted_mutual_information", "v_measure", "pair_auc", "share_of_chance"] {
        assert_eq!(of(zoe, id), None, "{id}");
    }
    let mean = |id: &str| report.conditions[0].scores.get(id).unwrap().unwrap();
    assert_eq!((mean("entropy").count, mean("adjusted_rand_index").count), (2, 1));
    assert_eq!((mean("adjusted_rand_index").mean, mean("adjusted_rand_index").standard_deviation), (1.0, None));
    assert_eq!(mean_and_deviation(&[]), None);
    let two = mean_and_deviation(&[0.0, 0.5]).unwrap();
    assert!(close(two.mean, 0.25) && close(two.standard_deviation.unwrap(), 0.125f64.sqrt()));
    let alone = |id: &str| report.scores.get(id).unwrap().value.unwrap();
    let of_cluster = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
    };
    let sse = of_cluster(&[0.0, f64::from(0.1f32)]) + of_cluster(&[1.0, f64::from(1.1f32), 5.0]);
    assert!(close(alone("sse"), sse));
}

/// Every score of the list against scikit-learn's (tests/goldens/make_scores.py).
#[test]
fn every_score_agrees_with_scikit_learn() {
    for case in golden("score_list.json").as_array().unwrap() {
        let values = matrix(&case["values"]).mapv(|value| value as f32);
        let clusters = integers(&case["clusters"]);
        let images: Vec<usize> = (0..clusters.len()).collect();
        let groups = integers(&case["groups"]).into_iter().map(|group| group.to_string());
        let sort = RaterSort {
            occasion: 1,
            rater: "Ada".to_owned(),
            condition: StudyCondition::plain("1"),
            groups: images.iter().copied().zip(groups).collect(),
        };
        let references = References { sorts: vec![sort], learnt_from: LearntFrom::default(), warnings: Vec::new() };
        let report = score::run(&images, values.view(), &clusters, &references, 1, &Cancel::new()).unwrap();
        let ours = |id: &str| match report.scores.get(id) {
            Some(found) => found.value,
            None => *report.groupings[0].scores.get(id).unwrap(),
        };
        for score in SCORES.iter().filter(|score| score.id != "share_of_chance") {
            let theirs = case["scores"][score.id].as_f64();
            let ours = ours(score.id);
            let equal = match (ours, theirs) {
                (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-10 * theirs.abs().max(1.0),
                (None, None) => true,
                _ => false,
            };
            assert!(equal, "{}: {ours:?} and {theirs:?} for {} images", score.id, images.len());
        }
    }
}
