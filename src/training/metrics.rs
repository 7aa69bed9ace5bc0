//! How well predicted labels fit the given ones, with the definitions and edge cases of scikit-learn.
//!
//! Scores and targets are n × L, row-major; a target is positive where it is above 0.5.

use serde::{Deserialize, Serialize};

use crate::nn::ops::{binary_cross_entropy, sigmoid};

/// Metrics of one part (train or validation) after one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartMetrics {
    /// Binary cross-entropy without dropout, with the run's positive weights.
    pub loss: f64,
    /// Mean of the labels' average precision; none where no label has a positive.
    pub mean_average_precision: Option<f64>,
    /// Labels left out of that mean because no image of the part has them.
    pub labels_without_positive: usize,
    /// Average precision by label; none for a label without a positive.
    pub average_precision: Vec<Option<f64>>,
    /// F1 over all pairs of image and label.
    pub micro_f1: f64,
    /// Mean F1 of the labels.
    pub macro_f1: f64,
    /// Share of wrong pairs of image and label.
    pub hamming_loss: f64,
}

/// All metrics of one part from its logits and targets (n × L) at one threshold for each label's intensity.
pub fn evaluate(logits: &[f32], targets: &[f32], thresholds: &[f32], positive_weights: Option<&[f32]>) -> PartMetrics {
    let labels = thresholds.len();
    let scores: Vec<f32> = logits.iter().copied().map(sigmoid).collect();
    let average_precision: Vec<Option<f64>> = (0..labels)
        .map(|label| average_precision(&column(logits, labels, label), &column(targets, labels, label)))
        .collect();
    let known: Vec<f64> = average_precision.iter().flatten().copied().collect();
    let (micro_f1, macro_f1) = f1_scores(&scores, targets, thresholds);
    PartMetrics {
        loss: binary_cross_entropy(logits, targets, positive_weights),
        mean_average_precision: (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64),
        labels_without_positive: labels - known.len(),
        average_precision,
        micro_f1,
        macro_f1,
        hamming_loss: hamming_loss(&scores, targets, thresholds),
    }
}

/// Average precision Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores, highest first, of one label; equal scores count as one
/// step. None where nothing is positive.
pub fn average_precision(scores: &[f32], targets: &[f32]) -> Option<f64> {
    let positives = targets.iter().filter(|&&target| target > 0.5).count();
    if positives == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let (mut seen, mut found, mut sum) = (0usize, 0usize, 0.0);
    for step in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let found_here = step.iter().filter(|&&row| targets[row] > 0.5).count();
        seen += step.len();
        found += found_here;
        sum += found_here as f64 / positives as f64 * (found as f64 / seen as f64);
    }
    Some(sum)
}

/// For each label the threshold with the best F1 on these scores, halfway between two neighbouring scores; of equals
/// the one closest to 0.5. A label is predicted where its score is at least the threshold. 0.5 where no image has the
/// label.
pub fn best_thresholds(scores: &[f32], targets: &[f32], labels: usize) -> Vec<f32> {
    (0..labels).map(|label| best_threshold(&column(scores, labels, label), &column(targets, labels, label))).collect()
}

fn best_threshold(scores: &[f32], targets: &[f32]) -> f32 {
    let positives = targets.iter().filter(|&&target| target > 0.5).count();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let steps: Vec<&[usize]> = order.chunk_by(|&a, &b| scores[a] == scores[b]).collect();
    let (mut seen, mut found) = (0usize, 0usize);
    let (mut best_f1, mut best) = (0.0, 0.5);
    for (index, step) in steps.iter().enumerate() {
        seen += step.len();
        found += step.iter().filter(|&&row| targets[row] > 0.5).count();
        let f1 = 2.0 * found as f64 / (seen + positives) as f64;
        let score = scores[step[0]];
        let next = steps.get(index + 1).map_or(score, |step| scores[step[0]]);
        let halfway = next + (score - next) / 2.0;
        // Between neighbouring floats there is no halfway.
        let threshold = if halfway > next { halfway } else { score };
        if f1 > best_f1 || (f1 == best_f1 && f1 > 0.0 && (threshold - 0.5).abs() < (best - 0.5f32).abs()) {
            (best_f1, best) = (f1, threshold);
        }
    }
    best
}

/// Micro and macro F1 at one threshold for each label; a label that is neither given nor predicted counts as 0.
pub fn f1_scores(scores: &[f32], targets: &[f32], thresholds: &[f32]) -> (f64, f64) {
    let f1 = |hits: usize, wrong: usize| {
        if hits + wrong == 0 { 0.0 } else { 2.0 * hits as f64 / (2 * hits + wrong) as f64 }
    };
    let mut counts = vec![(0usize, 0usize); thresholds.len()];
    for (i, (&score, &target)) in scores.iter().zip(targets).enumerate() {
        let (hits, wrong) = &mut counts[i % thresholds.len()];
        match (score >= thresholds[i % thresholds.len()], target > 0.5) {
            (true, true) => *hits += 1,
            (false, false) => {}
            _ => *wrong += 1,
        }
    }
    let all = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let macro_f1 = counts.iter().map(|&(hits, wrong)| f1(hits, wrong)).sum::<f64>() / counts.len().max(1) as f64;
    (f1(all.0, all.1), macro_f1)
}

/// Share of pairs of image and label that are predicted wrongly at one threshold for each label.
pub fn hamming_loss(scores: &[f32], targets: &[f32], thresholds: &[f32]) -> f64 {
    let pairs = scores.iter().zip(targets).enumerate();
    let wrong = pairs.filter(|(i, (score, target))| (**score >= thresholds[i % thresholds.len()]) != (**target > 0.5));
    wrong.count() as f64 / scores.len().max(1) as f64
}

/// Column `label` of a row-major matrix.
fn column(values: &[f32], labels: usize, label: usize) -> Vec<f32> {
    values.iter().skip(label).step_by(labels).copied().collect()
}
