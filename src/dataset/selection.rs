//! Rules that set pictures aside. Nothing is deleted: a picture set aside keeps its reason and can be taken back.

/// The rules in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectionRules {
    /// Most that the longer side may be of the shorter; 1 or more. The paper: 2.
    pub max_aspect_ratio: f64,
}

impl Default for SelectionRules {
    fn default() -> Self {
        Self { max_aspect_ratio: 2.0 }
    }
}

impl SelectionRules {
    /// Why a picture of this size is set aside, as words; nothing when it stays.
    pub fn check_size(&self, width_px: u32, height_px: u32) -> Option<String> {
        let ratio = aspect_ratio(width_px, height_px);
        let limit = self.max_aspect_ratio;
        (ratio > limit).then(|| format!("its longer side is {ratio:.2} times its shorter side, more than {limit}"))
    }
}

/// Longer side over shorter side: 1 for a square, more for anything else, infinite where a side is 0.
pub fn aspect_ratio(width_px: u32, height_px: u32) -> f64 {
    f64::from(width_px.max(height_px)) / f64::from(width_px.min(height_px))
}
