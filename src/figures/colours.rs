//! Colours of figures, the same on the screen and on paper.

/// A colour for a value from 0 to 1, from nearly white to dark blue: light and dark also for those who see no colours
/// and in print without them. Not a number gives grey.
pub fn sequential(value: f64) -> [u8; 3] {
    // ColorBrewer's blues (Harrower and Brewer 2003), nine steps.
    const STEPS: [[u8; 3]; 9] = [
        [247, 251, 255],
        [222, 235, 247],
        [198, 219, 239],
        [158, 202, 225],
        [107, 174, 214],
        [66, 146, 198],
        [33, 113, 181],
        [8, 81, 156],
        [8, 48, 107],
    ];
    if value.is_nan() {
        return [190, 190, 190];
    }
    let place = value.clamp(0.0, 1.0) * (STEPS.len() - 1) as f64;
    let step = (place.floor() as usize).min(STEPS.len() - 2);
    let part = place - step as f64;
    let mix = |channel: usize| {
        let (from, to) = (f64::from(STEPS[step][channel]), f64::from(STEPS[step + 1][channel]));
        (from + (to - from) * part).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

/// Black or white, whichever has more contrast with a ground; it is 4.5 to 1 or more on every ground.
pub fn text_on(ground: [u8; 3]) -> [u8; 3] {
    let light = luminance(ground);
    if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) { [0; 3] } else { [255; 3] }
}

/// Relative luminance, 0 to 1 (WCAG 2.2).
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = colour.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read_on_every_colour_and_colours_darken_with_the_value() {
        let mut before = f64::INFINITY;
        for hundredth in 0..=100 {
            let ground = sequential(f64::from(hundredth) / 100.0);
            let (light, text) = (luminance(ground), luminance(text_on(ground)));
            let contrast = (light.max(text) + 0.05) / (light.min(text) + 0.05);
            assert!(contrast >= 4.5, "0.{hundredth}: {contrast}");
            assert!(light < before, "0.{hundredth} is not darker than before");
            before = light;
        }
        assert!((luminance([255; 3]) - 1.0).abs() < 1e-12);
    }
}
