//! Gradients of the network's operations against PyTorch (tests/goldens/make.py) and finite differences.

use std::sync::Arc;

use crate::common::numbers::{device, floats, golden, picture};
use atmoscope::nn::backbone::batch_from_rgb;
use atmoscope::nn::ops::{
    self, PreparedWeights, conv3x3_relu, conv3x3_relu_planes, max_pool2x2_planes, planes_from_stack, stack_from_planes,
};
use atmoscope::nn::vgg16::{Pooling, Vgg16};
use atmoscope::nn::weights::Weights;
use candle_core::{Tensor, Var};

/// Values in -1 to 1 by formula, as in make.py.
fn formula(count: usize, step: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
}

/// Largest difference relative to the largest value.
fn relative_error(ours: &[f32], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(1e-30f64, |largest, value| largest.max(value.abs()));
    ours.iter().zip(theirs).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max) / scale
}

/// A layer of convolution, ReLU and perhaps pooling, on inputs made by formula.
struct Layer {
    images: usize,
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
    pool: bool,
}

impl Layer {
    fn input(&self) -> Vec<f32> {
        formula(self.images * self.inputs * self.height * self.width, 7919)
    }

    fn weights(&self) -> Vec<f32> {
        formula(self.outputs * self.inputs * 9, 6007)
    }

    fn bias(&self) -> Vec<f32> {
        formula(self.outputs, 31)
    }

    /// Result as planes, and the gradients of Σ coefficient · result for input (as planes), weights and bias.
    fn run(&self, planes_way: bool) -> [Vec<f32>; 4] {
        let device = device().device().clone();
        let shape = (self.images, self.inputs, self.height, self.width);
        let input = Tensor::from_vec(self.input(), shape, &device).unwrap();
        let weights = Var::from_vec(self.weights(), (self.outputs, self.inputs, 3, 3), &device).unwrap();
        let bias = Var::from_vec(self.bias(), self.outputs, &device).unwrap();
        let input = if planes_way { input } else { stack_from_planes(&input).unwrap() };
        let input = Var::from_tensor(&input).unwrap();
        let result = if planes_way {
            let result = conv3x3_relu_planes(&input, &weights, &bias).unwrap();
            if self.pool { max_pool2x2_planes(&result).unwrap() } else { result }
        } else {
            let prepared = Arc::new(PreparedWeights::default());
            let stack = conv3x3_relu(&input, &weights, &bias, self.pool, &prepared).unwrap();
            planes_from_stack(&stack).unwrap()
        };
        let coefficients = Tensor::from_vec(formula(result.elem_count(), 331), result.shape(), &device).unwrap();
        let gradients = (&result * coefficients).unwrap().sum_all().unwrap().backward().unwrap();
        let of_input = gradients.get(&input).unwrap();
        let of_input = if planes_way { of_input.clone() } else { planes_from_stack(of_input).unwrap() };
        [
            values(&result),
            values(&of_input),
            values(gradients.get(&weights).unwrap()),
            values(gradients.get(&bias).unwrap()),
        ]
    }

    /// Σ coefficient · result in double precision, computed plainly.
    fn loss(&self, input: &[f64], weights: &[f64], bias: &[f64]) -> f64 {
        let at = |image: usize, channel: usize, y: usize, x: usize| {
            ((image * self.inputs + channel) * self.height + y) * self.width + x
        };
        let pixel = |image: usize, output: usize, y: usize, x: usize| {
            let mut sum = bias[output];
            for tap in 0..9 {
                let (from_y, from_x) = ((y + tap / 3).wrapping_sub(1), (x + tap % 3).wrapping_sub(1));
                if from_y < self.height && from_x < self.width {
                    for channel in 0..self.inputs {
                        sum += weights[(output * self.inputs + channel) * 9 + tap]
                            * input[at(image, channel, from_y, from_x)];
                    }
                }
            }
            sum.max(0.0)
        };
        let (rows, columns) = if self.pool { (self.height / 2, self.width / 2) } else { (self.height, self.width) };
        let coefficients = formula(self.images * self.outputs * rows * columns, 331);
        let mut loss = 0.0;
        for (index, coefficient) in coefficients.into_iter().enumerate() {
            let (x, y) = (index % columns, index / columns % rows);
            let (output, image) = (index / columns / rows % self.outputs, index / columns / rows / self.outputs);
            let value = if self.pool {
                let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
                four.map(|(dy, dx)| pixel(image, output, 2 * y + dy, 2 * x + dx)).into_iter().fold(0.0, f64::max)
            } else {
                pixel(image, output, y, x)
            };
            loss += f64::from(coefficient) * value;
        }
        loss
    }
}

#[test]
fn layers_agree_with_pytorch() {
    for case in golden("layers.json").as_array().unwrap() {
        let size = |name: &str| case[name].as_u64().unwrap() as usize;
        let layer = Layer {
            images: size("images"),
            inputs: size("inputs"),
            outputs: size("outputs"),
            height: size("height"),
            width: size("width"),
            pool: case["pool"].as_bool().unwrap(),
        };
        for planes_way in [false, true] {
            let found = layer.run(planes_way);
            for (name, found) in ["result", "input", "weights", "bias"].into_iter().zip(found) {
                let error = relative_error(&found, &floats(&case[name]));
                assert!(error < 1e-4, "{name} of {case:.60}, planes: {planes_way}: relative error {error}");
            }
        }
    }
}

#[test]
fn every_instruction_set_agrees_with_pytorch() {
    // The set is chosen once in a process, so the test above is run again in others.
    let program = std::env::current_exe().unwrap();
    for instructions in ["portable", "avx2"] {
        let ran = std::process::Command::new(&program)
            .args(["--exact", "gradients::layers_agree_with_pytorch"])
            .env("ATMOSCOPE_INSTRUCTIONS", instructions)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && out.contains("1 passed"), "{instructions}: {out}");
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    for layer in [
        Layer { images: 2, inputs: 3, outputs: 4, height: 5, width: 6, pool: false },
        Layer { images: 1, inputs: 17, outputs: 16, height: 6, width: 7, pool: false },
        Layer { images: 1, inputs: 17, outputs: 5, height: 7, width: 5, pool: true },
    ] {
        let double = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
        let places = [double(layer.input()), double(layer.weights()), double(layer.bias())];
        let [_, gradients @ ..] = layer.run(false);
        let step = 1e-6;
        for (which, gradient) in gradients.iter().enumerate() {
            let scale = gradient.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            // A spread of places; all would take long.
            for place in (0..gradient.len()).step_by(gradient.len().div_ceil(40)) {
                let at = |offset: f64| {
                    let mut places = places.clone();
                    places[which][place] += offset;
                    layer.loss(&places[0], &places[1], &places[2])
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                let difference = (slope - f64::from(gradient[place])).abs();
                assert!(difference < 1e-3 * f64::from(scale), "{which} at {place}: {slope} {}", gradient[place]);
            }
        }
    }
}

#[test]
fn linear_maps_agree_with_candle() {
    // Whole panels and parts of them; one row; one output.
    for (rows, inputs, outputs) in [(64, 128, 64), (7, 70, 13), (1, 5, 1), (130, 33, 200)] {
        let device = device().device().clone();
        let variable = |count, shape: &[usize], step| Var::from_vec(formula(count, step), shape, &device).unwrap();
        let input = variable(rows * inputs, &[rows, inputs], 7919);
        let weights = variable(outputs * inputs, &[outputs, inputs], 6007);
        let bias = variable(outputs, &[outputs], 31);
        let coefficients = Tensor::from_vec(formula(rows * outputs, 331), (rows, outputs), &device).unwrap();
        let run = |result: Tensor| {
            let gradients = (&result * &coefficients).unwrap().sum_all().unwrap().backward().unwrap();
            let of = |variable: &Var| values(gradients.get(variable).unwrap());
            [values(&result), of(&input), of(&weights), of(&bias)]
        };
        let ours = run(ops::linear(&input, &weights, &bias).unwrap());
        let theirs = run(input.matmul(&weights.t().unwrap()).unwrap().broadcast_add(&bias).unwrap());
        for (ours, theirs) in ours.iter().zip(theirs) {
            let theirs: Vec<f64> = theirs.into_iter().map(f64::from).collect();
            let error = relative_error(ours, &theirs);
            assert!(error < 1e-5, "{rows} × {inputs} × {outputs}: {error}");
        }
    }
}

#[test]
fn pooling_gives_its_gradient_to_the_first_largest() {
    // Odd sizes, and equal values, whose first takes all.
    let flat: Vec<f32> = (0..2 * 3 * 5 * 7).map(|i| ((i / 3) % 4) as f32).collect();
    let planes = Tensor::from_vec(flat.clone(), (2, 3, 5, 7), device().device()).unwrap();
    let input = Var::from_tensor(&planes).unwrap();
    let pooled = max_pool2x2_planes(&input).unwrap();
    assert_eq!(pooled.dims(), [2, 3, 2, 3]);
    let coefficients = formula(pooled.elem_count(), 331);
    let weighted = &pooled * Tensor::from_vec(coefficients.clone(), pooled.shape(), device().device()).unwrap();
    let gradients = weighted.unwrap().sum_all().unwrap().backward().unwrap();

    let mut expected = vec![0f32; flat.len()];
    for (cell, coefficient) in coefficients.into_iter().enumerate() {
        let (plane, y, x) = (cell / 6, cell / 3 % 2, cell % 3);
        let corner = plane * 35 + 2 * y * 7 + 2 * x;
        let pixels = [corner, corner + 1, corner + 7, corner + 8];
        let first = pixels.into_iter().reduce(|best, at| if flat[at] > flat[best] { at } else { best });
        expected[first.unwrap()] = coefficient;
    }
    assert_eq!(values(gradients.get(&input).unwrap()), expected);
}

#[test]
fn whole_networks_agree_with_pytorch() {
    let golden = golden("vgg16_gradients.json");
    let size = golden["size"].as_u64().unwrap() as u32;
    let pictures: Vec<_> = (0..2).map(|seed| picture(size, seed)).collect();
    let batch = batch_from_rgb(&pictures).unwrap();
    for (pooling, name) in [(Pooling::Mean, "mean"), (Pooling::Statistics, "statistics"), (Pooling::Grid, "grid")] {
        let case = &golden[name];
        let device = device();
        let mut network = Vgg16::load(&Weights::embedded_vgg16().unwrap(), &device).unwrap();
        network.train_blocks(5).unwrap();
        let features = network.forward(&batch, pooling).unwrap();
        assert_eq!(features.dims(), [2, pooling.features()]);
        let coefficients =
            Tensor::from_vec(formula(features.elem_count(), 331), features.shape(), features.device()).unwrap();
        let loss = (&features * coefficients).unwrap().sum_all().unwrap();
        let expected = case["loss"].as_f64().unwrap();
        let found = f64::from(loss.to_scalar::<f32>().unwrap());
        assert!((found - expected).abs() < 1e-4 * expected.abs().max(1.0), "{name}: {found} {expected}");
        let gradients = loss.backward().unwrap();
        for (variable_name, variable) in network.named_variables() {
            let gradient = values(gradients.get(&variable).unwrap());
            let expected = &case["gradients"][&variable_name];
            let norm = gradient.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            let expected_norm = expected["norm"].as_f64().unwrap();
            assert!((norm / expected_norm - 1.0).abs() < 1e-3, "{name} {variable_name}: {norm} {expected_norm}");
            let largest = expected["largest"].as_f64().unwrap();
            let samples = floats(&expected["samples"]);
            let step = gradient.len().div_ceil(samples.len());
            for (value, expected) in gradient.iter().step_by(step).zip(samples) {
                assert!((f64::from(*value) - expected).abs() < 1e-3 * largest, "{name} {variable_name}");
            }
        }
    }
}

#[test]
fn only_the_last_blocks_are_trained_when_asked() {
    let device = device();
    let mut network = Vgg16::load(&Weights::embedded_vgg16().unwrap(), &device).unwrap();
    let batch = batch_from_rgb(&[picture(48, 3)]).unwrap();
    let before = values(&network.forward(&batch, Pooling::Mean).unwrap());
    network.train_blocks(1).unwrap();
    let names: Vec<String> = network.named_variables().into_iter().map(|(name, _)| name).collect();
    let expected: Vec<String> =
        [24, 26, 28].iter().flat_map(|n| ["weight", "bias"].map(|kind| format!("features.{n}.{kind}"))).collect();
    assert_eq!(names, expected);
    let features = network.forward(&batch, Pooling::Mean).unwrap();
    assert_eq!(values(&features), before);
    let gradients = features.sum_all().unwrap().backward().unwrap();
    let (_, variable) = network.named_variables().remove(0);
    assert!(values(gradients.get(&variable).unwrap()).iter().any(|value| *value != 0.0));
    variable.set(&variable.affine(0.5, 0.0).unwrap()).unwrap();
    network.variables_changed();
    let changed = values(&network.forward(&batch, Pooling::Mean).unwrap());
    assert_ne!(changed, before);

    // The state comes back in a network that is not trained.
    let mut other = Vgg16::load(&Weights::embedded_vgg16().unwrap(), &device).unwrap();
    other.set_state(&network.state().unwrap()).unwrap();
    assert_eq!(values(&other.forward(&batch, Pooling::Mean).unwrap()), changed);
}

#[test]
fn channel_statistics_are_those_of_the_pixels() {
    let planes = Tensor::from_vec(formula(2 * 3 * 4 * 5, 7919), (2, 3, 4, 5), device().device()).unwrap();
    let stack = stack_from_planes(&planes).unwrap();
    let (means, deviations) = (ops::channel_means(&stack).unwrap(), ops::channel_deviations(&stack).unwrap());
    for (row, pixels) in values(&planes).chunks(20).enumerate() {
        let mean = pixels.iter().sum::<f32>() / 20.0;
        let deviation = (pixels.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 20.0).sqrt();
        assert!((values(&means)[row] - mean).abs() < 1e-5);
        assert!((values(&deviations)[row] - deviation).abs() < 1e-4);
    }
}
