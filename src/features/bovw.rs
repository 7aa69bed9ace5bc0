//! Bag of visual words: what the paper compares with (section IV.B, comparative method 1).
//!
//! Local descriptors ([`sift`]) of training pictures are grouped into words by k-means; a picture is then the histogram of
//! the words that its descriptors are nearest to. Descriptors are drawn evenly from the training pictures, by a seed, so
//! that the vocabulary takes bounded time and memory. The vocabulary and the counts of each picture are cached.

use std::path::Path;

use ndarray::{Array2, ArrayView2};
use rand::seq::index;
use serde::{Deserialize, Serialize};

use super::backbone::{BackboneImage, LoadSquare};
use super::cache::FeatureCache;
use super::matrix::FeatureMatrix;
use super::per_picture::{Squares, cached_rows, each_square};
use crate::clustering::{KMeansSettings, kmeans};
use crate::distances::Points;
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::imaging::{DESCRIPTOR_LENGTH, sift};
use crate::progress::{Cancel, Observer};
use crate::random::generator;

/// Steps of k-means: words hardly move after so many.
const MOST_STEPS: usize = 20;
/// Words that are compared with a descriptor at a time.
const LANES: usize = 8;
/// Descriptors of training pictures that are kept to be counted (256 MB); of more pictures they are made again.
const MOST_KEPT_DESCRIPTORS: usize = 2 << 20;
/// Changes when descriptors do.
const VERSION: &str = "sift 1";

/// How counts become features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// Shares: divided by the number of descriptors.
    #[default]
    L1,
    /// Shares times the logarithm of how rare a word is among training pictures: log(pictures / pictures that have it).
    TfIdf,
}

/// What a vocabulary is made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BovwSettings {
    /// Words of the vocabulary.
    pub words: usize,
    /// How counts become features.
    pub weighting: Weighting,
    /// Side of the pictures in pixels.
    pub size_px: u32,
    /// Descriptors that words are made of, at most.
    pub most_descriptors: usize,
    /// The seed of what is drawn.
    pub seed: u64,
}

/// Bags of visual words.
#[derive(Debug)]
pub struct Bags {
    /// One row for each picture that can be read, a column for each word.
    pub matrix: FeatureMatrix,
    /// The hash of the vocabulary.
    pub vocabulary_hash: String,
    /// Pictures that cannot be read, and why.
    pub failures: Vec<(ImageId, Error)>,
    /// Pictures without any descriptor, whose row is zeros.
    pub empty: usize,
}

/// The bags of `images`, with words made of the pictures of `training`.
///
/// # Errors
/// `User` for fewer descriptors than words; those of the cache and of k-means; `Cancelled`.
pub fn bags(
    images: &[BackboneImage],
    training: &[BackboneImage],
    settings: &BovwSettings,
    load: &LoadSquare,
    cache_folder: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Bags> {
    let (vocabulary, known) = vocabulary(training, settings, load, cache_folder, observer, cancel)?;
    let vocabulary_hash = hash_of(&vocabulary);
    let names: Vec<String> = (0..settings.words).map(|word| format!("word_{word:03}")).collect();
    let key = format!("bovw counts {VERSION} {} {vocabulary_hash}", settings.size_px);
    let file = format!("bovw-counts-{}px-{}.features", settings.size_px, &vocabulary_hash[..16]);
    let mut cache = FeatureCache::open_telling(cache_folder, &file, &key, settings.words, observer)?;
    let lanes: Vec<Points<LANES>> = (vocabulary.chunks(LANES * DESCRIPTOR_LENGTH))
        .map(|words| Points::new(DESCRIPTOR_LENGTH, words.chunks_exact(DESCRIPTOR_LENGTH)))
        .collect();
    let count = |descriptors: &mut dyn Iterator<Item = [u8; DESCRIPTOR_LENGTH]>| {
        let mut counts = vec![0.0f32; settings.words];
        for descriptor in descriptors {
            counts[nearest(&lanes, &descriptor.map(f32::from), settings.words)] += 1.0;
        }
        counts
    };
    // Training pictures were looked at for the vocabulary already.
    for (content_hash, descriptors) in known {
        cancel.check()?;
        if cache.get(&content_hash).is_none() {
            cache.insert(&content_hash, &count(&mut descriptors.into_iter()))?;
        }
    }
    let counts = |picture: &image::RgbImage| count(&mut sift(picture).into_iter().map(|feature| feature.descriptor));
    let squares = Squares { size_px: settings.size_px, load, doing: "Counting visual words" };
    let (mut matrix, failures) = cached_rows(images, squares, &mut cache, names, counts, observer, cancel)?;
    let taught: Vec<&[f32]> = training.iter().filter_map(|image| cache.get(&image.file.content_hash)).collect();
    let rarity = match settings.weighting {
        Weighting::L1 => vec![1.0; settings.words],
        Weighting::TfIdf => rarity(&taught, settings.words),
    };
    let empty = weigh(&mut matrix, &rarity);
    Ok(Bags { matrix, vocabulary_hash, failures, empty })
}

/// Turns counts into shares, each word times its rarity; gives the number of rows without any count.
fn weigh(matrix: &mut FeatureMatrix, rarity: &[f32]) -> usize {
    let mut empty = 0;
    for row in matrix.values.chunks_exact_mut(rarity.len()) {
        let all: f32 = row.iter().sum();
        if all == 0.0 {
            empty += 1;
            continue;
        }
        row.iter_mut().zip(rarity).for_each(|(count, rarity)| *count = *count / all * rarity);
    }
    empty
}

/// log(n / pictures that have the word), of n training pictures; 0 for a word that all or none have.
fn rarity(rows: &[&[f32]], words: usize) -> Vec<f32> {
    let pictures = rows.len() as f32;
    (0..words)
        .map(|word| match rows.iter().filter(|row| row[word] > 0.0).count() {
            0 => 0.0,
            having => (pictures / having as f32).ln(),
        })
        .collect()
}

/// The word nearest to a descriptor, of equals the first.
fn nearest(lanes: &[Points<LANES>], descriptor: &[f32], words: usize) -> usize {
    let mut best = (f64::INFINITY, 0);
    for (block, points) in lanes.iter().enumerate() {
        for (lane, distance) in points.squared_distances(descriptor).into_iter().enumerate() {
            let word = block * LANES + lane;
            if word < words && distance < best.0 {
                best = (distance, word);
            }
        }
    }
    best.1
}

/// The descriptors of pictures, by content hash.
type Descriptors = Vec<(String, Vec<[u8; DESCRIPTOR_LENGTH]>)>;

/// The words, one after the other, from the cache or made; in the latter case with all descriptors of the training pictures.
fn vocabulary(
    training: &[BackboneImage],
    settings: &BovwSettings,
    load: &LoadSquare,
    cache_folder: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(Vec<f32>, Descriptors)> {
    let BovwSettings { words, size_px, most_descriptors, seed, .. } = *settings;
    let mut hasher = blake3::Hasher::new();
    for image in training {
        hasher.update(image.file.content_hash.as_bytes());
    }
    let key =
        format!("bovw words {VERSION} {size_px} {words} {most_descriptors} {seed} {}", hasher.finalize().to_hex());
    let file = format!("bovw-words-{}.features", &blake3::hash(key.as_bytes()).to_hex()[..16]);
    let mut cache = FeatureCache::open_telling(cache_folder, &file, &key, DESCRIPTOR_LENGTH, observer)?;
    let known: Vec<f32> = (0..words).filter_map(|word| cache.get(&name_of(word))).flatten().copied().collect();
    if known.len() == words * DESCRIPTOR_LENGTH {
        return Ok((known, Vec::new()));
    }
    let (drawn, descriptors) = drawn(training, settings, load, observer, cancel)?;
    let rows = drawn.len() / DESCRIPTOR_LENGTH;
    let view = ArrayView2::from_shape((rows, DESCRIPTOR_LENGTH), &drawn)
        .map_err(|error| Error::internal(format!("descriptors that do not fit: {error}")))?;
    if rows < words {
        return Err(Error::user(format!(
            "{words} words cannot be made of the {rows} descriptors of {} training pictures",
            training.len()
        ))
        .hint("ask for fewer words, or more training pictures"));
    }
    observer.note(&format!("{words} words of {rows} descriptors of {} training pictures", training.len()));
    let by =
        KMeansSettings { clusters: words, seed, restarts: 1, max_iterations: MOST_STEPS, ..KMeansSettings::default() };
    let centroids: Array2<f64> = kmeans(view, &by, cancel)?.centroids;
    let found: Vec<f32> = centroids.iter().map(|&value| value as f32).collect();
    for (word, values) in found.chunks_exact(DESCRIPTOR_LENGTH).enumerate() {
        if cache.get(&name_of(word)).is_none() {
            cache.insert(&name_of(word), values)?;
        }
    }
    Ok((found, descriptors))
}

/// The key of a word in the cache, which keeps rows by hash.
fn name_of(word: usize) -> String {
    blake3::hash(format!("word {word}").as_bytes()).to_hex().to_string()
}

fn hash_of(vocabulary: &[f32]) -> String {
    let bytes: Vec<u8> = vocabulary.iter().flat_map(|value| value.to_le_bytes()).collect();
    blake3::hash(&bytes).to_hex().to_string()
}

/// Descriptors of the training pictures: as many drawn of each, one after the other, and all, as far as they are kept.
fn drawn(
    training: &[BackboneImage],
    settings: &BovwSettings,
    load: &LoadSquare,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(Vec<f32>, Descriptors)> {
    let most = (settings.most_descriptors / training.len().max(1)).max(1);
    let (mut descriptors, mut all): (Vec<f32>, Descriptors) = (Vec::new(), Vec::new());
    let mut kept_descriptors = 0;
    let images: Vec<&BackboneImage> = training.iter().collect();
    let keep = |place: usize, found: Vec<[u8; DESCRIPTOR_LENGTH]>| {
        let mut random = generator(settings.seed, &format!("descriptors of {}", images[place].file.content_hash));
        let mut chosen = index::sample(&mut random, found.len(), most.min(found.len())).into_vec();
        chosen.sort_unstable();
        descriptors.extend(chosen.into_iter().flat_map(|one| found[one].map(f32::from)));
        kept_descriptors += found.len();
        if kept_descriptors <= MOST_KEPT_DESCRIPTORS {
            all.push((images[place].file.content_hash.clone(), found));
        }
        Ok(())
    };
    let work =
        |picture: &image::RgbImage| sift(picture).into_iter().map(|feature| feature.descriptor).collect::<Vec<_>>();
    let squares = Squares { size_px: settings.size_px, load, doing: "Looking for points in training pictures" };
    each_square(&images, squares, work, keep, observer, cancel)?;
    Ok((descriptors, all))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn counts_are_weighed_as_said() {
        let names = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let values = vec![2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 3.0];
        let matrix = FeatureMatrix::new([1, 2, 3].map(ImageId).to_vec(), names, values).unwrap();
        let mut shares = matrix.clone();
        assert_eq!(weigh(&mut shares, &[1.0; 3]), 1);
        assert_eq!(shares.values, [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.75]);
        // Of two training pictures one has the first word, both the second, none the third.
        let rarity = rarity(&[&[2.0, 2.0, 0.0], &[0.0, 5.0, 0.0]], 3);
        assert_eq!(rarity, [2f32.ln(), 0.0, 0.0]);
        let mut weighed = matrix;
        weigh(&mut weighed, &rarity);
        assert_eq!(weighed.values[..3], [0.5 * 2f32.ln(), 0.0, 0.0]);
    }
}
