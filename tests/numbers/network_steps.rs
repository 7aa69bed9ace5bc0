//! Steps of a whole network: parts of a batch, saved states, and PyTorch's loss curve.

use crate::common::numbers::{device, floats, golden, picture, same_picture};
use atmoscope::nn::head::HeadWeights;
use atmoscope::nn::network::TrainedNetwork;
use atmoscope::nn::ops::Dropout;
use atmoscope::nn::state::{NamedTensor, State};
use atmoscope::nn::vgg16::{Pooling, Vgg16};
use atmoscope::nn::weights::Weights;
use atmoscope::random::generator;
use image::RgbImage;

fn network(head: &HeadWeights, blocks: usize, pooling: Pooling) -> TrainedNetwork {
    let device = device();
    let backbone = Vgg16::load(&Weights::embedded_vgg16().unwrap(), &device).unwrap();
    TrainedNetwork::new(backbone, blocks, pooling, head).unwrap()
}

fn pictures(count: u32, size: u32) -> Vec<RgbImage> {
    (0..count).map(|seed| picture(size, seed)).collect()
}

fn targets(count: usize, labels: usize) -> Vec<f32> {
    (0..count * labels).map(|i| f32::from(u8::from((i * 7) % 3 == 0))).collect()
}

/// One step on `count` pictures, `part` at once; gives the mean loss.
fn step(network: &mut TrainedNetwork, name: &str, count: usize, part: usize, rate: f32) -> f64 {
    let (images, targets) = (pictures(count as u32, 32), targets(count, 3));
    let mut dropout = Dropout::new(rate, 5, name);
    let mut loss = 0.0;
    for (images, targets) in images.chunks(part).zip(targets.chunks(3 * part)) {
        let share = images.len() as f64 / count as f64;
        loss += share * network.add_batch(images, targets.to_vec(), None, &mut dropout, share).unwrap();
    }
    network.step(1e-4, 1e-3).unwrap();
    loss
}

/// Largest difference of two states relative to the largest value of each tensor.
fn difference(one: &State, other: &State) -> f32 {
    assert!(one.keys().eq(other.keys()));
    let of = |name: &String| {
        let (one, other) = (&one[name].values, &other[name].values);
        let scale = one.iter().fold(1e-12f32, |largest, value| largest.max(value.abs()));
        one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max) / scale
    };
    one.keys().map(of).fold(0.0, f32::max)
}

#[test]
fn a_batch_in_parts_gives_the_same_gradients_as_a_whole_one() {
    for (pooling, hidden) in [(Pooling::Mean, &[16][..]), (Pooling::Grid, &[16, 8][..])] {
        let head = HeadWeights::initial(pooling.features(), hidden, 3, &mut generator(1, "head"));
        let (mut whole, mut parts) = (network(&head, 2, pooling), network(&head, 2, pooling));
        let losses = [step(&mut whole, "step", 7, 7, 0.5), step(&mut parts, "step", 7, 3, 0.5)];
        assert!((losses[0] - losses[1]).abs() < 1e-5, "{losses:?}");
        // After one step the first moment is a tenth of the gradient.
        let moments = |network: &TrainedNetwork| -> State {
            let state = network.save_state().unwrap();
            state.into_iter().filter(|(name, _)| name.starts_with("adam.first_moment")).collect()
        };
        let (whole, parts) = (moments(&whole), moments(&parts));
        assert_eq!(whole.len(), 2 * (6 + hidden.len() + 1));
        assert!(difference(&whole, &parts) < 1e-4, "{}", difference(&whole, &parts));
    }
}

#[test]
fn a_saved_state_goes_on_with_the_same_bits() {
    let head = HeadWeights::initial(512, &[16], 3, &mut generator(1, "head"));
    let mut straight = network(&head, 1, Pooling::Mean);
    step(&mut straight, "1", 4, 4, 0.5);
    let saved = straight.save_state().unwrap();
    let loss = step(&mut straight, "2", 4, 4, 0.5);

    let other = HeadWeights::initial(512, &[16], 3, &mut generator(2, "head"));
    let mut resumed = network(&other, 1, Pooling::Mean);
    resumed.load_state(&saved).unwrap();
    assert_eq!(step(&mut resumed, "2", 4, 4, 0.5), loss);
    assert_eq!(resumed.save_state().unwrap(), straight.save_state().unwrap());
    let images = pictures(3, 32);
    assert_eq!(resumed.logits(&images).unwrap(), straight.logits(&images).unwrap());
    // A picture's logits do not depend on the others.
    same_picture(&resumed.logits(&images[1..2]).unwrap(), &resumed.logits(&images).unwrap()[3..6]);
}

#[test]
fn fine_tuning_follows_pytorch() {
    let golden = golden("fine_tuning.json");
    let formula = |count: usize, step: usize, scale: f32| -> Vec<f32> {
        (0..count).map(|i| (((i * step) % 1009) as f32 / 504.5 - 1.0) * scale).collect()
    };
    let tensor = |shape: &[usize], step, scale| NamedTensor {
        shape: shape.to_vec(),
        values: formula(shape.iter().product(), step, scale),
    };
    let state = State::from([
        ("classifier.0.weight".to_owned(), tensor(&[16, 512], 7919, 0.05)),
        ("classifier.0.bias".to_owned(), tensor(&[16], 31, 0.05)),
        ("classifier.3.weight".to_owned(), tensor(&[3, 16], 6007, 0.2)),
        ("classifier.3.bias".to_owned(), tensor(&[3], 17, 0.2)),
    ]);
    let mut network = network(&HeadWeights::from_state(&state).unwrap(), 5, Pooling::Mean);
    for (index, expected) in floats(&golden["losses"]).into_iter().enumerate() {
        let loss = step(&mut network, &index.to_string(), 4, 4, 0.0);
        // Adam turns the rounding of small gradients into whole steps, so the curves part slowly.
        assert!((loss - expected).abs() < 1e-2 * expected, "step {index}: {loss} {expected}");
    }
}
