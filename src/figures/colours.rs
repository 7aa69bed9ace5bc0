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

/// Black or white, whichever is read better on a ground.
pub fn text_on(ground: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = ground.map(f64::from);
    if 0.299 * red + 0.587 * green + 0.114 * blue > 140.0 { [16; 3] } else { [255; 3] }
}
