//! Pair AUC: how well the distance between two images predicts that a person put them together.
//!
//! The probability that a pair which stands in one group is nearer in the features than a pair which does not, a tie
//! counting half: the area under the ROC curve of "together" over the negative distance. It needs no clusters.

use ndarray::ArrayView2;
use rand::seq::index;

use super::score::{Better, Compared, Compute, Score};
use crate::distances::{Points, Rows, row_major};
use crate::error::{Error, Result};
use crate::random::generator;

/// The area.
pub static SCORE: Score = Score {
    id: "pair_auc",
    name: "Pair AUC",
    short: "Pair AUC",
    better: Better::Higher,
    definition: "Pair AUC: how often two pictures of one group lie nearer to each other in the features than two of \
                 different groups: 1 always, 0.5 by chance. It is about the features, whatever the clusters are. Of more \
                 than 2,000 pictures a seeded sample is compared.",
    compute: Compute::Against(compute),
};

/// Images whose pairs are all compared: two million pairs.
const MOST_IMAGES: usize = 2_000;

const LANES: usize = 8;

fn compute(of: &Compared<'_>) -> Result<Option<f64>> {
    pair_auc(of.values, &of.rows, &of.groups, of.seed)
}

/// The pair AUC of some `rows` of `values` (n × d) and the group of each; none where no two are together, or none apart.
///
/// # Errors
/// `Internal` where the lengths differ.
pub fn pair_auc(values: ArrayView2<f32>, rows: &[usize], groups: &[usize], seed: u64) -> Result<Option<f64>> {
    let images = rows.len();
    if groups.len() != images {
        return Err(Error::internal(format!("{} groups for {images} rows", groups.len())));
    }
    let mut places: Vec<usize> = if images > MOST_IMAGES {
        index::sample(&mut generator(seed, "pair AUC"), images, MOST_IMAGES).into_vec()
    } else {
        (0..images).collect()
    };
    places.sort_unstable();
    let values = row_major(values);
    let matrix = Rows::of(&values)?;
    // Squared distances are in the same order as distances.
    let mut pairs: Vec<(f64, bool)> = Vec::with_capacity(places.len() * places.len() / 2);
    for (start, block) in places.chunks(LANES).enumerate() {
        let points = Points::<LANES>::new(matrix.columns(), block.iter().map(|&place| matrix.row(rows[place])));
        for (other, &place) in places.iter().enumerate().skip(start * LANES + 1) {
            let squares = points.squared_distances(matrix.row(rows[place]));
            let earlier = block.iter().zip(squares).enumerate().filter(|(lane, _)| start * LANES + lane < other);
            pairs.extend(earlier.map(|(_, (&first, square))| (square, groups[first] == groups[place])));
        }
    }
    Ok(area(pairs))
}

/// The share of pairs of one together and one apart in which the first is nearer; none without both kinds.
fn area(mut pairs: Vec<(f64, bool)>) -> Option<f64> {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut nearer, mut together_before) = (0.0, 0.0);
    let (mut together, mut apart) = (0.0, 0.0);
    for ties in pairs.chunk_by(|a, b| a.0 == b.0) {
        let tied_together = ties.iter().filter(|(_, together)| *together).count() as f64;
        let tied_apart = ties.len() as f64 - tied_together;
        nearer += tied_apart * (together_before + tied_together / 2.0);
        together_before += tied_together;
        together += tied_together;
        apart += tied_apart;
    }
    (together > 0.0 && apart > 0.0).then(|| nearer / (together * apart))
}
