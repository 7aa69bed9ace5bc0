//! What is said about raters among themselves, against scikit-learn, SciPy and plain loops (tests/goldens/make.py), and
//! by simulation where there is nothing to compare with.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::numbers::golden;
use atmoscope::clustering::Tree;
use atmoscope::dataset::{RaterSort, StudyCondition};
use atmoscope::engine::jobs::score::{self, LearntFrom, References};
use atmoscope::error::ErrorKind;
use atmoscope::evaluation::{
    CoOccurrence, Consensus, Estimate, PairAgreement, PairScores, RaterGroupings, adjusted_rand_index, best_consensus,
    linkage_consensus, rater_agreement,
};
use atmoscope::progress::{Cancel, Silent};
use atmoscope::random::{Generator, generator};
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

/// One rater's groups on two occasions.
fn twice<Image: Ord + Clone + Sync, Group: Ord>(
    first: &BTreeMap<Image, Group>,
    again: &BTreeMap<Image, Group>,
    resamples: usize,
    seed: u64,
) -> PairAgreement {
    let both = RaterGroupings::new([("first time", first), ("again", again)]).unwrap();
    rater_agreement(&both, resamples, seed, &Silent, &Cancel::new()).unwrap().pairs.remove(0)
}

const NAMES: [&str; 5] =
    ["adjusted_rand_index", "adjusted_mutual_information", "v_measure", "entropy_of_first", "entropy_of_second"];

#[test]
fn pairs_of_raters_agree_with_scikit_learn() {
    for case in golden("raters.json")["cases"].as_array().unwrap() {
        let agreement = rater_agreement(&groupings(&case["groups"]), 0, 1, &Silent, &Cancel::new()).unwrap();
        let pairs = case["pairs"].as_array().unwrap();
        assert_eq!(agreement.pairs.len(), pairs.len());
        // The mean is over the pairs that share ten images or more, or over all where none does.
        let many = |pair: &&Value| pair["images"].as_u64().unwrap() >= 10;
        let any = pairs.iter().any(|pair| many(&pair));
        let in_mean = pairs.iter().filter(|pair| many(pair) || !any).count();
        let mut sums = [0.0; 5];
        for (ours, pair) in agreement.pairs.iter().zip(pairs) {
            let theirs = pair;
            let counts = [ours.images, ours.only_in_first, ours.only_in_second];
            let expected = ["images", "only_in_first", "only_in_second"].map(|name| theirs[name].as_u64().unwrap());
            assert_eq!(counts.map(|count| count as u64), expected);
            for (index, (name, ours)) in NAMES.iter().zip(values(&ours.scores.unwrap())).enumerate() {
                let theirs = theirs[*name].as_f64().unwrap();
                assert!(close(ours.value, theirs), "{name} {ours:?} {theirs}");
                assert_eq!(ours.interval, None, "there are no resamples");
                if many(&pair) || !any {
                    sums[index] += theirs / in_mean as f64;
                }
            }
        }
        let mean = agreement.mean.unwrap();
        let ours = [mean.adjusted_rand_index, mean.adjusted_mutual_information, mean.v_measure, mean.entropy];
        let theirs = [sums[0], sums[1], sums[2], (sums[3] + sums[4]) / 2.0];
        assert!(ours.iter().zip(theirs).all(|(ours, theirs)| close(ours.value, theirs)), "{ours:?} {theirs:?}");
        assert_eq!(mean.pairs, in_mean);
    }
}

#[test]
fn raters_who_share_two_pictures_do_not_make_the_mean() {
    let many = |shift: usize| -> BTreeMap<usize, usize> { (0..40).map(|image| (image, (image + shift) / 8)).collect() };
    let few: BTreeMap<usize, usize> = [(0, 0), (1, 0)].into();
    let (a, b) = (many(0), many(3));
    let mean = |raters: &[(&str, &BTreeMap<usize, usize>)]| {
        let groupings = RaterGroupings::new(raters.iter().copied()).unwrap();
        rater_agreement(&groupings, 200, 1, &Silent, &Cancel::new()).unwrap().mean.unwrap()
    };
    let two = mean(&[("a", &a), ("b", &b)]);
    let three = mean(&[("a", &a), ("b", &b), ("c", &few)]);
    assert_eq!(three.pairs, 1);
    assert_eq!(three.adjusted_rand_index, two.adjusted_rand_index);
    assert!(three.adjusted_rand_index.interval.is_some());
    // With nothing better there is a mean all the same.
    assert_eq!(mean(&[("a", &few), ("b", &few)]).pairs, 1);
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
            values(&twice(&first, &second, resamples, set as u64).scores.unwrap())
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
    let run = |seed| rater_agreement(&aligned, 300, seed, &Silent, &Cancel::new()).unwrap();
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
    let few = twice(&BTreeMap::from([(1, 'a'), (2, 'b')]), &BTreeMap::from([(1, 'x'), (2, 'y')]), 50, 1);
    let scores = few.scores.unwrap();
    assert_eq!(scores.adjusted_rand_index, Estimate { value: 1.0, interval: None });
    let nothing = twice(&BTreeMap::from([(1, 'a')]), &BTreeMap::from([(2, 'a')]), 50, 1);
    assert_eq!((nothing.scores, nothing.images, nothing.only_in_first, nothing.only_in_second), (None, 0, 1, 1));
    let one = RaterGroupings::new([("alone", &BTreeMap::from([(1, 'a')]))]).unwrap();
    let alone = rater_agreement(&one, 50, 1, &Silent, &Cancel::new()).unwrap();
    assert_eq!((alone.pairs.len(), alone.mean), (0, None));
    let nobody: [(&str, &BTreeMap<usize, usize>); 0] = [];
    assert_eq!(
        rater_agreement(&RaterGroupings::new(nobody).unwrap(), 50, 1, &Silent, &Cancel::new()).unwrap().mean,
        None
    );
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(rater_agreement(&aligned, 300, 1, &Silent, &cancel).unwrap_err().is_cancelled());
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
fn co_occurrence_and_disagreement_agree_with_plain_loops() {
    for case in golden("raters.json")["cases"].as_array().unwrap() {
        let co_occurrence = CoOccurrence::new(&groupings(&case["groups"]));
        for a in 0..co_occurrence.images() {
            for b in 0..co_occurrence.images() {
                if a == b {
                    continue;
                }
                assert_eq!(u64::from(co_occurrence.counts(a, b).1), case["count"][a][b].as_u64().unwrap());
                assert_eq!(co_occurrence.share(a, b), case["share"][a][b].as_f64());
            }
        }
        let theirs = case["disagreement"].as_array().unwrap();
        for (ours, theirs) in co_occurrence.disagreement().iter().zip(theirs) {
            match (ours, theirs.as_f64()) {
                (Some(ours), Some(theirs)) => assert!(close(*ours, theirs), "{ours} {theirs}"),
                (ours, theirs) => assert_eq!((ours, theirs), (&None, None)),
            }
        }
    }
}

#[test]
fn the_ceiling_of_entropy_is_that_of_raters_among_themselves() {
    for case in golden("raters.json")["cases"].as_array().unwrap() {
        let raters = case["groups"].as_array().unwrap().len();
        let images = case["groups"][0].as_array().unwrap().len();
        let references: Vec<RaterSort<usize>> = (0..raters)
            .map(|rater| {
                let groups = case["groups"][rater].as_array().unwrap().iter().map(|group| group.as_i64().unwrap());
                let placed = groups.enumerate().filter(|(_, group)| *group >= 0);
                RaterSort {
                    occasion: 1,
                    rater: format!("rater {rater}"),
                    condition: StudyCondition::plain("1"),
                    groups: placed.map(|(image, group)| (image, group.to_string())).collect(),
                }
            })
            .collect();
        let numbers: Vec<usize> = (0..images).collect();
        let clusters: Vec<usize> = (0..images).map(|image| image % 3).collect();
        let values = ndarray::Array2::from_shape_fn((images, 1), |(image, _)| image as f32);
        let report =
            score::run(&numbers, values.view(), &clusters, &scored_against(references), 1, &Cancel::new()).unwrap();
        let ceiling = report.conditions[0].raters_among_themselves.unwrap();
        assert_eq!(ceiling.count, raters * (raters - 1));
        assert!(close(ceiling.mean, case["entropies"][0].as_f64().unwrap()));
        assert!(close(ceiling.standard_deviation.unwrap(), case["entropies"][1].as_f64().unwrap()));
    }
}

fn scored_against<Image: Ord>(sorts: Vec<RaterSort<Image>>) -> References<Image> {
    References { sorts, learnt_from: LearntFrom::default(), warnings: Vec::new() }
}

#[test]
fn the_ceiling_stands_beside_the_scores_of_clusters() {
    let of = |rater: &str, condition: &str, groups: &[(usize, &str)]| RaterSort {
        occasion: 1,
        rater: rater.into(),
        condition: StudyCondition::plain(condition),
        groups: groups.iter().map(|(image, group)| (*image, (*group).to_owned())).collect(),
    };
    let references = vec![
        of("Ada", "1", &[(0, "a"), (1, "a"), (2, "b"), (3, "b"), (9, "a"), (8, "b")]),
        of("森", "1", &[(0, "x"), (1, "y"), (2, "x"), (3, "y"), (9, "z"), (8, "z")]),
        of("Ada", "2", &[(0, "a"), (1, "b")]),
        of("森", "2", &[(7, "a"), (8, "b")]),
    ];
    let values = ndarray::array![[0.0], [0.1], [1.0], [1.1]];
    let report =
        score::run(&[0, 1, 2, 3], values.view(), &[0, 0, 1, 1], &scored_against(references), 1, &Cancel::new())
            .unwrap();
    // Over the four clustered images neither rater tells anything of the other's groups; 9 and 8 are in no cluster.
    let ceiling = report.conditions[0].raters_among_themselves.unwrap();
    assert_eq!((ceiling.mean, ceiling.standard_deviation, ceiling.count), (1.0, Some(0.0), 2));
    assert_eq!(report.conditions[1].raters_among_themselves, None, "one rater of condition 2 has clustered images");
}

#[test]
fn disagreement_by_hand() {
    // Of four raters three put a and b together, one leaves c out.
    let of = |groups: [i64; 3]| groups.into_iter().enumerate().filter(|(_, group)| *group >= 0).collect();
    let raters: [BTreeMap<usize, i64>; 4] = [of([0, 0, 1]), of([0, 0, 0]), of([0, 0, -1]), of([0, 1, 1])];
    let named = ["A", "B", "C", "D"].into_iter().zip(&raters);
    let co_occurrence = CoOccurrence::new(&RaterGroupings::new(named).unwrap());
    assert_eq!((co_occurrence.counts(0, 1), co_occurrence.counts(2, 0)), ((3, 4), (1, 3)));
    // On a and b 2·3·1 / (4·3) disagree, on a and c 2·1·2 / (3·2).
    assert!(close(co_occurrence.disagreement()[0].unwrap(), (0.5 + 2.0 / 3.0) / 2.0));
    // One rater alone cannot disagree, and has nothing in common with nobody.
    let one = CoOccurrence::new(&RaterGroupings::new([("A", &raters[2])]).unwrap());
    assert_eq!((one.disagreement(), one.share(0, 1)), (vec![None, None], Some(1.0)));
}

/// Whether the groups of a golden file are ours, whatever their numbers.
fn same_partition(ours: &[usize], theirs: &Value) -> bool {
    let theirs = crate::common::numbers::integers(theirs);
    adjusted_rand_index(ours, &theirs).unwrap() == 1.0
}

#[test]
fn average_linkage_agrees_with_scikit_learn() {
    for case in golden("raters.json")["trees"].as_array().unwrap() {
        let distances = crate::common::numbers::floats(&case["distances"]);
        let images = (1..).find(|images| images * (images - 1) / 2 == distances.len()).unwrap();
        let tree = Tree::average(images, &distances);
        let order = tree.leaf_order();
        assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), (0..images).collect());
        for cut in case["cuts"].as_array().unwrap() {
            let groups = tree.cut_at(cut["threshold"].as_f64().unwrap());
            assert!(same_partition(&groups, &cut["groups"]), "{groups:?} {cut}");
            // Every group of every cut stands together in the order.
            let changes = order.windows(2).filter(|pair| groups[pair[0]] != groups[pair[1]]).count();
            assert_eq!(changes, *groups.iter().max().unwrap());
        }
    }
    assert!(Tree::average(0, &[]).leaf_order().is_empty());
    assert_eq!(Tree::average(1, &[]).cut_at(1.0), [0]);
}

#[test]
fn consensus_at_a_level_agrees_with_scikit_learn() {
    for case in golden("raters.json")["cuts"].as_array().unwrap() {
        let raters = groupings(&case["groups"]);
        let consensus = linkage_consensus(&raters, case["level"].as_f64().unwrap()).unwrap();
        assert!(same_partition(&consensus.groups, &case["cut"]), "{consensus:?} {case}");
        let group_count = consensus.groups.iter().max().unwrap() + 1;
        let size = |group: usize| consensus.groups.iter().filter(|own| **own == group).count();
        assert!((0..group_count).map(size).is_sorted_by(|a, b| a >= b && *b > 0), "{consensus:?}");
        check_index(&raters, &consensus);
    }
}

/// The mean index of a consensus is that of its groups.
fn check_index<Image>(raters: &RaterGroupings<Image>, consensus: &Consensus) {
    let indices: Vec<f64> = (0..raters.raters().len())
        .map(|rater| {
            let placed = raters.groups_of(rater).iter().zip(&consensus.groups);
            let (own, group): (Vec<usize>, Vec<usize>) =
                placed.filter_map(|(own, group)| Some(((*own)?, *group))).unzip();
            adjusted_rand_index(&own, &group).unwrap()
        })
        .collect();
    let mean = indices.iter().sum::<f64>() / indices.len() as f64;
    assert_eq!(indices, consensus.rand_index_by_rater);
    assert!(close(mean, consensus.mean_rand_index), "{mean} {consensus:?}");
}

#[test]
fn the_best_consensus_of_few_images_is_the_best_of_all_partitions() {
    for case in golden("raters.json")["best"].as_array().unwrap() {
        let raters = groupings(&case["groups"]);
        let consensus = best_consensus(&raters, &Cancel::new()).unwrap();
        check_index(&raters, &consensus);
        let best = case["mean_adjusted_rand_index"].as_f64().unwrap();
        assert!(close(consensus.mean_rand_index, best), "{consensus:?} {best}");
    }
}

#[test]
fn the_best_consensus_is_no_worse_than_what_it_starts_from() {
    for case in golden("raters.json")["cases"].as_array().unwrap() {
        let raters = groupings(&case["groups"]);
        let consensus = best_consensus(&raters, &Cancel::new()).unwrap();
        assert_eq!(consensus, best_consensus(&raters, &Cancel::new()).unwrap());
        check_index(&raters, &consensus);
        for level in 0..=20 {
            let cut = linkage_consensus(&raters, f64::from(level) / 20.0).unwrap();
            assert!(cut.mean_rand_index <= consensus.mean_rand_index + 1e-9);
        }
        // No single image can be moved to the good of the mean.
        for image in 0..raters.images().len() {
            for to in 0..=consensus.groups.iter().max().unwrap() + 1 {
                let mut groups = consensus.groups.clone();
                groups[image] = to;
                let of_rater = |rater: usize| {
                    let placed = raters.groups_of(rater).iter().zip(&groups);
                    let (own, group): (Vec<usize>, Vec<usize>) =
                        placed.filter_map(|(own, group)| Some(((*own)?, *group))).unzip();
                    adjusted_rand_index(&own, &group).unwrap()
                };
                let count = raters.raters().len();
                let mean = (0..count).map(of_rater).sum::<f64>() / count as f64;
                assert!(mean <= consensus.mean_rand_index + 1e-9, "image {image} to group {to}");
            }
        }
    }
}

#[test]
fn raters_who_agree_are_their_own_consensus() {
    let groups: BTreeMap<usize, usize> = (0..30).map(|image| (image, image * image % 7)).collect();
    let raters = RaterGroupings::new([("Ada", &groups), ("森", &groups)]).unwrap();
    let best = best_consensus(&raters, &Cancel::new()).unwrap();
    assert_eq!(best.mean_rand_index, 1.0);
    assert_eq!(best, linkage_consensus(&raters, 1.0).unwrap());
    assert!(linkage_consensus(&raters, 1.5).unwrap_err().message.contains("1.5"));
    assert!(linkage_consensus(&raters, f64::NAN).is_err());
    let nobody: [(&str, &BTreeMap<usize, usize>); 0] = [];
    let nobody = RaterGroupings::new(nobody).unwrap();
    assert_eq!(best_consensus(&nobody, &Cancel::new()).unwrap_err().kind, ErrorKind::User);
    assert_eq!(linkage_consensus(&nobody, 0.5).unwrap_err().kind, ErrorKind::User);
}

#[test]
#[ignore = "needs the real illustrations: ATMOSCOPE_TEST_DATA"]
fn the_real_raters_agree_with_scikit_learn() {
    let raters = real_raters();
    let expected = &golden("real_raters.json")["conditions"];
    for (condition, groupings) in &raters {
        let agreement = rater_agreement(groupings, 0, 1, &Silent, &Cancel::new()).unwrap();
        let pairs = expected[condition]["pairs"].as_array().unwrap();
        assert_eq!((agreement.pairs.len(), pairs.len()), (6, 6));
        for (ours, theirs) in agreement.pairs.iter().zip(pairs) {
            assert_eq!(ours.images, 120);
            for (name, ours) in NAMES.iter().zip(values(&ours.scores.unwrap())) {
                assert!(close(ours.value, theirs[*name].as_f64().unwrap()), "{name} {ours:?} {theirs}");
            }
        }
        let co_occurrence = CoOccurrence::new(groupings);
        for (image, ours) in groupings.images().iter().zip(co_occurrence.disagreement()) {
            assert!(close(ours.unwrap(), expected[condition]["disagreement"][image].as_f64().unwrap()), "{image}");
        }
        let shares: Vec<f64> =
            (0..120).flat_map(|a| (0..a).map(move |b| (a, b))).filter_map(|(a, b)| co_occurrence.share(a, b)).collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        assert!(close(mean, expected[condition]["together_mean"].as_f64().unwrap()));
        let consensus = best_consensus(groupings, &Cancel::new()).unwrap();
        check_index(groupings, &consensus);
        let best_candidate = expected[condition]["best_candidate_rand_index"].as_f64().unwrap();
        println!("condition {condition}: {:.4}, best candidate {best_candidate:.4}", consensus.mean_rand_index);
        assert!(consensus.mean_rand_index >= best_candidate - 1e-10);
    }
}

/// The real raters' groupings by condition.
fn real_raters() -> BTreeMap<String, RaterGroupings<String>> {
    let file = crate::common::test_data().join("illustrations/groupings.csv");
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
    conditions.into_iter().map(|(condition, raters)| (condition, aligned(raters))).collect()
}
