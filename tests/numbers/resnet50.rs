//! ResNet50 against PyTorch: `goldens/make_resnet50.py`.

use crate::common::numbers::{device, same_picture};
use crate::common::test_data;
use std::collections::HashMap;

use atmoscope::nn::backbone::BackboneSpec;
use atmoscope::nn::weights::Weights;
use image::{Rgb, RgbImage};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

const STAGES: [(usize, usize); 4] = [(3, 64), (4, 128), (6, 256), (3, 512)];

fn goldens() -> Value {
    serde_json::from_str(include_str!("../goldens/resnet50.json")).unwrap()
}

fn picture() -> RgbImage {
    RgbImage::from_fn(70, 64, |x, y| Rgb([0, 1, 2].map(|c| ((x * 5 + y * 3 + c * 50 + (x * y) % 37) % 256) as u8)))
}

/// The formula of the script.
fn formula(name: &str, count: usize, scale: f64, offset: f64) -> Vec<f32> {
    let start = name.bytes().map(u64::from).sum::<u64>() * 104_729;
    (0..count as u64)
        .map(|i| (((i * 7919 + start) % 1009) as f64 / 504.5 - 1.0) * scale + offset)
        .map(|v| v as f32)
        .collect()
}

/// The weights of the script as a file.
fn weights() -> Vec<u8> {
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    let mut layer = |convolution: String, normalisation: String, shape: [usize; 4]| {
        let fan_in = shape[1] * shape[2] * shape[3];
        let name = format!("{convolution}.weight");
        let values = formula(&name, shape[0] * fan_in, (6.0 / fan_in as f64).sqrt(), 0.0);
        tensors.push((name, shape.to_vec(), values));
        let (scale, offset) = if normalisation.ends_with("bn3") { (0.1, 0.2) } else { (0.25, 0.75) };
        for (kind, scale, offset) in
            [("weight", scale, offset), ("bias", 0.1, 0.0), ("running_mean", 0.1, 0.0), ("running_var", 0.5, 1.0)]
        {
            let name = format!("{normalisation}.{kind}");
            let values = formula(&name, shape[0], scale, offset);
            tensors.push((name, vec![shape[0]], values));
        }
    };
    layer("conv1".to_owned(), "bn1".to_owned(), [64, 3, 7, 7]);
    let mut inputs = 64;
    for (stage, (blocks, width)) in STAGES.into_iter().enumerate() {
        for block in 0..blocks {
            let place = format!("layer{}.{block}", stage + 1);
            let named = |number: usize| (format!("{place}.conv{number}"), format!("{place}.bn{number}"));
            for (number, shape) in
                [(1, [width, inputs, 1, 1]), (2, [width, width, 3, 3]), (3, [width * 4, width, 1, 1])]
            {
                let (convolution, normalisation) = named(number);
                layer(convolution, normalisation, shape);
            }
            if block == 0 {
                let beside = [0, 1].map(|number| format!("{place}.downsample.{number}"));
                let [convolution, normalisation] = beside;
                layer(convolution, normalisation, [width * 4, inputs, 1, 1]);
            }
            inputs = width * 4;
        }
    }
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views: HashMap<&str, TensorView<'_>> = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()))
        .collect();
    safetensors::serialize(views, None).unwrap()
}

/// The largest difference of a network's outputs from the script's.
fn largest_difference(id: &str, weights: &Weights, wanted: &Value) -> f64 {
    let spec = BackboneSpec::named(id).unwrap();
    let network = (spec.load)(weights, &device()).unwrap();
    let every = goldens()["every"].as_u64().unwrap() as usize;
    let mut largest = 0f64;
    for output in spec.outputs {
        let found = network.features(&[picture()], output).unwrap();
        assert_eq!(found.len(), output.width);
        let wanted = wanted[output.name].as_array().unwrap();
        assert_eq!(wanted.len(), output.width.div_ceil(every));
        for (found, wanted) in found.iter().step_by(every).zip(wanted) {
            largest = largest.max((f64::from(*found) - wanted.as_f64().unwrap()).abs());
        }
    }
    largest
}

#[test]
fn it_gives_what_pytorch_gives_wherever_the_stride_is() {
    let weights = Weights::from_bytes(&weights(), "the formula").unwrap();
    for id in ["resnet50", "resnet50-caffe"] {
        let largest = largest_difference(id, &weights, &goldens()[id]);
        println!("{id}: {largest:.1e}");
        assert!(largest < 1e-3, "{id}: {largest}");
    }
    let exchanged = largest_difference("resnet50", &weights, &goldens()["resnet50-caffe"]);
    assert!(exchanged > 1e-2, "the two strides cannot be told apart: {exchanged}");
    // A picture's numbers are its own, whatever goes beside it.
    let spec = BackboneSpec::named("resnet50").unwrap();
    let network = (spec.load)(&weights, &device()).unwrap();
    let other = RgbImage::from_pixel(70, 64, Rgb([9, 200, 90]));
    let output = spec.output("pooled").unwrap();
    let alone = network.features(&[picture()], output).unwrap();
    let beside = network.features(&[other, picture()], output).unwrap();
    same_picture(&alone, &beside[2048..]);
    // Weights of another network are told from these.
    (spec.check)(&weights).unwrap();
    let told = (spec.check)(&Weights::embedded_vgg16().unwrap()).unwrap_err();
    assert!(told.message.contains("is missing") && told.hint.unwrap().contains("ResNet50"), "{}", told.message);
}

#[test]
#[ignore = "needs real weights beside the folder that ATMOSCOPE_TEST_DATA names"]
fn real_weights_give_what_pytorch_gives() {
    let file = test_data().join("../weights/resnet50-imagenet-f16.safetensors");
    let weights = Weights::from_file(&file).unwrap();
    let largest = largest_difference("resnet50-caffe", &weights, &goldens()["real"]);
    println!("{largest:.1e}");
    assert!(largest < 1e-3, "{largest}");
}
