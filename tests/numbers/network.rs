//! The network, its loss and its optimiser against PyTorch and torchvision (tests/goldens/make.py).

use crate::common::numbers::{floats, golden, picture};
use atmoscope::nn::adam::{Adam, AdamSettings};
use atmoscope::nn::backbone::batch_from_rgb;
use atmoscope::nn::device::{DeviceChoice, select};
use atmoscope::nn::head::{Head, HeadWeights};
use atmoscope::nn::ops::{Dropout, bce_with_logits, binary_cross_entropy};
use atmoscope::nn::vgg16::{Pooling, Vgg16};
use atmoscope::nn::weights::Weights;
use atmoscope::random::generator;
use candle_core::{Device, Tensor, Var};

fn network() -> Vgg16 {
    Vgg16::load(&Weights::embedded_vgg16().unwrap(), &select(DeviceChoice::Cpu).unwrap()).unwrap()
}

/// Largest difference relative to the largest value.
fn relative_error(ours: &[f32], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    ours.iter().zip(theirs).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max) / scale
}

#[test]
fn vgg16_agrees_with_torchvision_after_its_last_blocks() {
    let network = network();
    for case in golden("vgg16.json")["cases"].as_array().unwrap() {
        let size = case["size"].as_u64().unwrap() as u32;
        let batch = batch_from_rgb(&[picture(size, case["seed"].as_u64().unwrap() as u32)]).unwrap();
        let sum: f64 = batch.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|&v| f64::from(v)).sum();
        assert!((sum - case["input_sum"].as_f64().unwrap()).abs() < 0.05, "the picture or its normalisation differs");
        let values =
            |pooling| network.forward(&batch, pooling).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // Mean and deviation of block 4, then of block 5, with 512 channels each.
        let statistics = values(Pooling::Statistics);
        for (block, means) in [(4, &statistics[..512]), (5, &statistics[1024..1536]), (5, &values(Pooling::Mean))] {
            let error = relative_error(means, &floats(&case["blocks"][block - 1]));
            assert!(error < 1e-4, "block {block} at {size} pixels: relative error {error}");
        }
    }
}

#[test]
fn vgg16_features_do_not_depend_on_the_batch_or_threads() {
    let network = network();
    let pictures: Vec<_> = (0..5).map(|seed| picture(40, seed)).collect();
    let together = network.features(&pictures, Pooling::Mean).unwrap();
    for (index, single) in pictures.iter().enumerate() {
        let alone = network.features(std::slice::from_ref(single), Pooling::Mean).unwrap();
        assert_eq!(alone, together[index * 512..(index + 1) * 512]);
    }
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| network.features(&pictures, Pooling::Mean)).unwrap(), together);
    }
}

#[test]
fn vgg16_refuses_pictures_that_are_too_small() {
    let batch = batch_from_rgb(&[picture(31, 0)]).unwrap();
    assert!(network().forward(&batch, Pooling::Mean).unwrap_err().message.contains("32 or more"));
    assert!(batch_from_rgb(&[]).is_err());
    assert!(batch_from_rgb(&[picture(32, 0), picture(33, 0)]).is_err());
}

#[test]
fn loss_and_gradient_agree_with_pytorch() {
    for case in golden("loss.json").as_array().unwrap() {
        let single = |name: &str| floats(&case[name]).into_iter().map(|v| v as f32).collect::<Vec<_>>();
        let rows = case["rows"].as_u64().unwrap() as usize;
        let (logits, targets) = (single("logits"), single("targets"));
        let weights = (!case["positive_weights"].is_null()).then(|| single("positive_weights"));
        let shape = (rows, logits.len() / rows);
        let logits = Var::from_vec(logits, shape, &Device::Cpu).unwrap();
        let targets = Tensor::from_vec(targets, shape, &Device::Cpu).unwrap();
        let loss = bce_with_logits(&logits, &targets, weights.as_deref()).unwrap();
        let expected = case["loss"].as_f64().unwrap();
        assert!((f64::from(loss.to_scalar::<f32>().unwrap()) - expected).abs() <= 1e-6 * expected.max(1.0));
        let gradients = loss.backward().unwrap();
        let gradient = gradients.get(&logits).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (ours, theirs) in gradient.iter().zip(floats(&case["gradient"])) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-7, "{ours} {theirs}");
        }
    }
}

#[test]
fn loss_gradient_agrees_with_finite_differences() {
    let (logits, targets) = ([-100.0, -3.0, 0.5, 0.0, 2.0, 100.0f32], [1.0, 0.0, 1.0, 0.0, 1.0, 0.0f32]);
    let weights = [3.0, 0.2f32];
    let variable = Var::from_slice(&logits, (3, 2), &Device::Cpu).unwrap();
    let wanted = Tensor::from_slice(&targets, (3, 2), &Device::Cpu).unwrap();
    let gradients = bce_with_logits(&variable, &wanted, Some(&weights)).unwrap().backward().unwrap();
    let gradient = gradients.get(&variable).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for index in 0..logits.len() {
        let at = |step: f32| {
            let mut moved = logits;
            moved[index] += step;
            binary_cross_entropy(&moved, &targets, Some(&weights))
        };
        let slope = (at(0.0078125) - at(-0.0078125)) / 0.015625;
        assert!((slope - f64::from(gradient[index])).abs() < 1e-5, "{index}: {slope} {}", gradient[index]);
    }
}

/// The function that the Adam golden minimises.
fn adam_loss(w: &Var, a: &Tensor, b: &Tensor) -> Tensor {
    let has_sine = a.gt(1e-6f32).unwrap().to_dtype(candle_core::DType::F32).unwrap();
    let squares = ((w.as_tensor() - b).unwrap().sqr().unwrap() * a).unwrap();
    (squares + (w.sin().unwrap() * has_sine).unwrap()).unwrap().sum_all().unwrap()
}

#[test]
fn adam_agrees_with_pytorch_and_resumes_exactly() {
    let case = golden("adam.json");
    let tensor = |name: &str| {
        let values: Vec<f32> = floats(&case[name]).into_iter().map(|v| v as f32).collect();
        Tensor::new(values, &Device::Cpu).unwrap()
    };
    let (a, b) = (tensor("a"), tensor("b"));
    let settings = AdamSettings { learning_rate: case["learning_rate"].as_f64().unwrap(), ..Default::default() };
    let w = Var::zeros(6, candle_core::DType::F32, &Device::Cpu).unwrap();
    let named = vec![("w".to_owned(), w.clone())];
    let mut adam = Adam::new(&named, settings).unwrap();
    let steps = case["steps"].as_array().unwrap();
    for (step, expected) in steps.iter().enumerate() {
        if step == 7 {
            // A new optimiser with the old one's state.
            let state = adam.state().unwrap();
            adam = Adam::new(&named, settings).unwrap();
            adam.load_state(&state).unwrap();
            assert_eq!(adam.steps(), 7);
            assert_eq!(adam.state().unwrap(), state);
        }
        adam.step(&adam_loss(&w, &a, &b).backward().unwrap()).unwrap();
        for (ours, theirs) in w.to_vec1::<f32>().unwrap().iter().zip(floats(expected)) {
            assert!((f64::from(*ours) - theirs).abs() < 2e-6, "step {step}: {ours} {theirs}");
        }
    }
    let other = Var::zeros(5, candle_core::DType::F32, &Device::Cpu).unwrap();
    let mut wrong = Adam::new(&[("w".to_owned(), other)], settings).unwrap();
    assert!(wrong.load_state(&adam.state().unwrap()).unwrap_err().message.contains("shape"));
}

#[test]
fn head_starts_like_pytorch_and_predicts_what_it_trains() {
    let weights = HeadWeights::initial(64, &[32], 5, &mut generator(3, "head"));
    assert_eq!(weights, HeadWeights::initial(64, &[32], 5, &mut generator(3, "head")));
    let state = weights.state();
    let names: Vec<&str> = state.keys().map(String::as_str).collect();
    assert_eq!(names, ["classifier.0.bias", "classifier.0.weight", "classifier.3.bias", "classifier.3.weight"]);
    let first = &state["classifier.0.weight"];
    assert_eq!(first.shape, [32, 64]);
    assert!(first.values.iter().all(|value| value.abs() <= 0.125));
    assert!(first.values.iter().any(|value| value.abs() > 0.12));
    assert_eq!(HeadWeights::from_state(&state).unwrap(), weights);

    let features: Vec<f32> = (0..3 * 64).map(|i| (i % 17) as f32 / 17.0).collect();
    let head = Head::new(&weights, &Device::Cpu).unwrap();
    let tensor = Tensor::from_slice(&features, (3, 64), &Device::Cpu).unwrap();
    let trained = head.forward_training(&tensor, &mut Dropout::new(0.0, 1, "step")).unwrap();
    let predicted = weights.logits(&features).unwrap();
    for (a, b) in trained.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().zip(&predicted) {
        assert!((a - b).abs() < 1e-5);
    }
    assert!(weights.logits(&features[..63]).is_err());
}
