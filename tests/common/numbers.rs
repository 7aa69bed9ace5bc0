//! Reads the expected values of tests/goldens and makes the pictures they were computed from.
#![allow(dead_code)]

use atmoscope::nn::device::{DeviceChoice, SelectedDevice, select};
use image::{Rgb, RgbImage};
use serde_json::Value;

/// The device that the numbers are tested on: the processor, or what ATMOSCOPE_TEST_DEVICE names (cuda, metal).
pub fn device() -> SelectedDevice {
    let choice = std::env::var("ATMOSCOPE_TEST_DEVICE").map_or(DeviceChoice::Cpu, |name| name.parse().unwrap());
    select(choice).unwrap()
}

/// A picture's numbers alone and beside others: the same bits on the processor, nearly the same on a GPU, whose libraries
/// choose the order of sums by the size of the batch.
pub fn same_picture(alone: &[f32], beside: &[f32]) {
    if device().is_cpu() {
        assert_eq!(alone, beside);
    }
    let largest = alone.iter().fold(1f32, |largest, value| largest.max(value.abs()));
    assert_eq!(alone.len(), beside.len());
    assert!(alone.iter().zip(beside).all(|(a, b)| (a - b).abs() < 1e-5 * largest));
}

/// A file of tests/goldens.
pub fn golden(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A list of numbers.
pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// A list of counting numbers.
pub fn integers(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap() as usize).collect()
}

/// A list of lists of numbers as an array.
pub fn matrix(value: &Value) -> ndarray::Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(floats).collect();
    ndarray::Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column])
}

/// The picture of make.py.
pub fn picture(size_px: u32, seed: u32) -> RgbImage {
    let byte = |x: u32, y: u32, c: u32| ((x * (3 + seed) + y * (5 + 2 * c) + x * y / 7 + 40 * c) % 256) as u8;
    RgbImage::from_fn(size_px, size_px, |x, y| Rgb([byte(x, y, 0), byte(x, y, 1), byte(x, y, 2)]))
}
