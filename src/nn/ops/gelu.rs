//! GELU: x·Φ(x), with the error function itself rather than its approximation by tanh.

use candle_core::Tensor;
use rayon::prelude::*;

use super::with_values;

/// Values that a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// x·Φ(x) of each value, Φ being the distribution of the standard normal. No gradient is passed back.
///
/// # Errors
/// candle's.
pub fn gelu(values: &Tensor) -> candle_core::Result<Tensor> {
    if !values.device().is_cpu() {
        return values.gelu_erf();
    }
    let mut made = vec![0f32; values.elem_count()];
    with_values(&values.contiguous()?, |values| {
        made.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(made, values)| {
            made.iter_mut().zip(values).for_each(|(made, &x)| *made = x * normal(x));
        });
    })?;
    Tensor::from_vec(made, values.shape(), values.device())
}

/// Φ(x), to 1e-7 (Abramowitz and Stegun 1964, 7.1.26).
fn normal(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_8) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    let tail = 0.5 * series * (-z * z).exp();
    if x >= 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    #[test]
    fn it_is_candles_own() {
        let values = Tensor::arange(-60f32, 60f32, &Device::Cpu).unwrap().affine(0.1, 0.03).unwrap();
        let difference = (gelu(&values).unwrap() - values.gelu_erf().unwrap()).unwrap().abs().unwrap();
        assert!(difference.max_all().unwrap().to_scalar::<f32>().unwrap() < 2e-6);
    }
}
