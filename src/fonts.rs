//! The fonts that come with the program, for the window and for figures.

/// Noto Sans, regular.
pub const REGULAR: &[u8] = include_bytes!("../assets/fonts/NotoSans-Regular.ttf");
/// Noto Sans, bold.
pub const BOLD: &[u8] = include_bytes!("../assets/fonts/NotoSans-Bold.ttf");
/// Droid Sans Fallback, for Chinese, Japanese and Korean.
pub const FALLBACK: &[u8] = include_bytes!("../assets/fonts/DroidSansFallbackFull.ttf");
