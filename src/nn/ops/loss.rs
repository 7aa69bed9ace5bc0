//! Binary cross-entropy on logits, stable for logits of any size, with its gradient written out.
//!
//! For logit x, target t and positive weight w the loss is
//! (1 − t)·x + (1 + (w − 1)·t)·(ln(1 + e^−|x|) + max(−x, 0)), which is max(x, 0) − x·t + ln(1 + e^−|x|) for w = 1;
//! its derivative is (1 − t) − (1 + (w − 1)·t)·(1 − σ(x)). Mean over samples and labels.

use candle_core::{DType, Tensor, bail};

/// 1 / (1 + e^−x), without overflow.
pub fn sigmoid(logit: f32) -> f32 {
    let logit = f64::from(logit);
    (if logit >= 0.0 { 1.0 / (1.0 + (-logit).exp()) } else { logit.exp() / (1.0 + logit.exp()) }) as f32
}

/// Mean binary cross-entropy of rows of logits (n × L, row-major) against targets of the same shape.
///
/// `positive_weights` has one weight for each of the L labels; without it all are 1. NaN where there are no rows.
pub fn binary_cross_entropy(logits: &[f32], targets: &[f32], positive_weights: Option<&[f32]>) -> f64 {
    let sum: f64 = logits
        .iter()
        .zip(targets)
        .enumerate()
        .map(|(i, (&x, &t))| {
            let (x, t) = (f64::from(x), f64::from(t));
            let weight = positive_weights.map_or(1.0, |weights| f64::from(weights[i % weights.len()]));
            (1.0 - t) * x + (1.0 + (weight - 1.0) * t) * ((-x.abs()).exp().ln_1p() + (-x).max(0.0))
        })
        .sum();
    sum / logits.len() as f64
}

/// [`binary_cross_entropy`] of tensors n × L, as a scalar tensor that passes its gradient to `logits`.
///
/// The value is computed in double precision on the processor; no gradient goes to `targets`.
pub fn bce_with_logits(
    logits: &Tensor,
    targets: &Tensor,
    positive_weights: Option<&[f32]>,
) -> candle_core::Result<Tensor> {
    let (_, labels) = logits.dims2()?;
    if logits.shape() != targets.shape() || positive_weights.is_some_and(|weights| weights.len() != labels) {
        bail!("logits {:?} do not fit targets {:?} and their weights", logits.shape(), targets.shape());
    }
    let values = logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    let wanted = targets.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    let loss = binary_cross_entropy(&values, &wanted, positive_weights) as f32;
    let gradient: Vec<f32> = values
        .iter()
        .zip(&wanted)
        .enumerate()
        .map(|(i, (&x, &t))| {
            let (x, t) = (f64::from(x), f64::from(t));
            let weight = positive_weights.map_or(1.0, |weights| f64::from(weights[i % labels]));
            // 1 − σ(x) = σ(−x), written so that neither end loses digits.
            let (sigmoid, rest) = if x >= 0.0 {
                let e = (-x).exp();
                (1.0 / (1.0 + e), e / (1.0 + e))
            } else {
                let e = x.exp();
                (e / (1.0 + e), 1.0 / (1.0 + e))
            };
            (((1.0 - t) * sigmoid - weight * t * rest) / values.len() as f64) as f32
        })
        .collect();
    // A term that is zero and whose gradient is the one above.
    let gradient = Tensor::from_vec(gradient, logits.shape(), logits.device())?.to_dtype(logits.dtype())?;
    let carrier = ((logits - logits.detach())? * gradient)?.sum_all()?;
    carrier + Tensor::new(loss, logits.device())?.to_dtype(logits.dtype())?
}
