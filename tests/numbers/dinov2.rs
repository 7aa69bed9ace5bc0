//! DINOv2 against PyTorch: `goldens/make_dinov2.py`.

use std::collections::HashMap;

use crate::common::numbers::{device, golden, same_picture};
use crate::common::test_data;
use atmoscope::nn::backbone::BackboneSpec;
use atmoscope::nn::weights::Weights;
use image::{Rgb, RgbImage};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

const WIDTH: usize = 384;

fn picture() -> RgbImage {
    RgbImage::from_fn(70, 56, |x, y| Rgb([0, 1, 2].map(|c| ((x * 5 + y * 3 + c * 50 + (x * y) % 37) % 256) as u8)))
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![
        ("embeddings.cls_token".to_owned(), vec![1, 1, WIDTH]),
        ("embeddings.position_embeddings".to_owned(), vec![1, 1 + 37 * 37, WIDTH]),
        ("embeddings.patch_embeddings.projection.weight".to_owned(), vec![WIDTH, 3, 14, 14]),
        ("embeddings.patch_embeddings.projection.bias".to_owned(), vec![WIDTH]),
        ("layernorm.weight".to_owned(), vec![WIDTH]),
        ("layernorm.bias".to_owned(), vec![WIDTH]),
    ];
    for number in 0..12 {
        let named = |name: &str| format!("encoder.layer.{number}.{name}");
        for name in
            ["norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "layer_scale1.lambda1", "layer_scale2.lambda1"]
        {
            shapes.push((named(name), vec![WIDTH]));
        }
        let attention = ["attention.attention.query", "attention.attention.key", "attention.attention.value"];
        let square = attention.into_iter().chain(["attention.output.dense"]).map(|name| (name, WIDTH, WIDTH));
        for (name, outputs, inputs) in square.chain([("mlp.fc1", 4 * WIDTH, WIDTH), ("mlp.fc2", WIDTH, 4 * WIDTH)]) {
            shapes.push((named(&format!("{name}.weight")), vec![outputs, inputs]));
            shapes.push((named(&format!("{name}.bias")), vec![outputs]));
        }
    }
    shapes
}

/// The formula of the script.
fn formula(name: &str, shape: &[usize]) -> Vec<f32> {
    let (scale, offset) = match shape {
        [_] if name.contains("norm") && name.ends_with("weight") || name.contains("lambda1") => (0.25, 0.75),
        [_] => (0.1, 0.0),
        [_, _, _] => (0.5, 0.0),
        [_, rest @ ..] => ((3.0 / rest.iter().product::<usize>() as f64).sqrt(), 0.0),
        [] => unreachable!(),
    };
    let start = name.bytes().map(u64::from).sum::<u64>() * 104_729;
    let count = shape.iter().product::<usize>() as u64;
    (0..count).map(|i| ((((i * 7919 + start) % 1009) as f64 / 504.5 - 1.0) * scale + offset) as f32).collect()
}

fn weights() -> Vec<u8> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes()
        .into_iter()
        .map(|(name, shape)| {
            let bytes = formula(&name, &shape).iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let views: HashMap<&str, TensorView<'_>> = tensors
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()))
        .collect();
    safetensors::serialize(views, None).unwrap()
}

/// The largest difference from the script's outputs, as a share of the largest number of each.
fn largest_difference(weights: &Weights, wanted: &Value) -> f64 {
    let spec = BackboneSpec::named("dinov2-small").unwrap();
    let network = (spec.load)(weights, &device()).unwrap();
    let every = golden("dinov2.json")["every"].as_u64().unwrap() as usize;
    let mut largest = 0f64;
    for output in spec.outputs {
        let found = network.features(&[picture()], output).unwrap();
        assert_eq!(found.len(), output.width);
        let wanted: Vec<f64> = wanted[output.name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let most = wanted.iter().fold(1f64, |most, value| most.max(value.abs()));
        for (found, wanted) in found.iter().step_by(every).zip(wanted) {
            largest = largest.max((f64::from(*found) - wanted).abs() / most);
        }
    }
    largest
}

#[test]
fn it_gives_what_pytorch_gives() {
    let weights = Weights::from_bytes(&weights(), "the formula").unwrap();
    let largest = largest_difference(&weights, &golden("dinov2.json")["formula"]);
    println!("{largest:.1e}");
    assert!(largest < 1e-3, "{largest}");
    // A picture's numbers are its own, whatever goes beside it.
    let spec = BackboneSpec::named("dinov2-small").unwrap();
    let network = (spec.load)(&weights, &device()).unwrap();
    let other = RgbImage::from_pixel(70, 56, Rgb([9, 200, 90]));
    let output = spec.output("block-3").unwrap();
    let alone = network.features(&[picture()], output).unwrap();
    let beside = network.features(&[other, picture()], output).unwrap();
    same_picture(&alone, &beside[2 * WIDTH..]);
    assert!(network.features(&[RgbImage::new(70, 64)], output).is_err(), "64 is no multiple of 14");
    assert!(spec.check_size(384).unwrap_err().hint.unwrap().contains("378 or 392"));
    (spec.check)(&weights).unwrap();
    let told = (spec.check)(&Weights::embedded_vgg16().unwrap()).unwrap_err();
    assert!(told.message.contains("is missing") && told.hint.unwrap().contains("DINOv2"), "{}", told.message);
}

#[test]
#[ignore = "needs real weights beside the folder that ATMOSCOPE_TEST_DATA names"]
fn real_weights_of_dinov2_give_what_pytorch_gives() {
    let file = test_data().join("../weights/dinov2-small-saliency-tuned-f16.safetensors");
    let largest = largest_difference(&Weights::from_file(&file).unwrap(), &golden("dinov2.json")["real"]);
    println!("{largest:.1e}");
    assert!(largest < 1e-3, "{largest}");
}
