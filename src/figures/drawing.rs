//! A drawing of rectangles, lines and text, and the files made of it.

use std::fmt::Write;
use std::io;
use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};

use crate::error::{Error, Result};
use crate::fonts;

/// Where a text stands to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A drawing on white, in points from the upper left.
#[derive(Clone, Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    /// What it is, for those who cannot see it.
    title: String,
    elements: String,
}

impl Drawing {
    /// An empty drawing.
    pub fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self { width, height, title: title.into(), elements: String::new() }
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64, colour: [u8; 3]) {
        let colour = hex(colour);
        let _ = writeln!(
            self.elements,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{colour}\"/>"
        );
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, x: f64, y: f64, width: f64, height: f64, colour: [u8; 3]) {
        let colour = hex(colour);
        let _ = writeln!(
            self.elements,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"none\" \
             stroke=\"{colour}\" stroke-width=\"0.75\"/>"
        );
    }

    /// A line through points.
    pub fn polyline(&mut self, points: &[(f64, f64)], width: f64, colour: [u8; 3]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
        let _ = writeln!(
            self.elements,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width:.2}\"/>",
            points.join(" "),
            hex(colour)
        );
    }

    /// A line of text whose baseline goes through a point.
    pub fn text(&mut self, x: f64, y: f64, size: f64, anchor: Anchor, colour: [u8; 3], text: &str) {
        self.write_text(x, y, size, anchor, colour, "400", "", text);
    }

    /// A line of bold text.
    pub fn bold(&mut self, x: f64, y: f64, size: f64, anchor: Anchor, colour: [u8; 3], text: &str) {
        self.write_text(x, y, size, anchor, colour, "700", "", text);
    }

    /// A line of text that rises steeply from a point, for the heads of narrow columns.
    pub fn rising(&mut self, x: f64, y: f64, size: f64, colour: [u8; 3], text: &str) {
        let turn = format!(" transform=\"rotate(-45 {x:.2} {y:.2})\"");
        self.write_text(x, y, size, Anchor::Start, colour, "400", &turn, text);
    }

    #[allow(clippy::too_many_arguments)]
    fn write_text(
        &mut self,
        x: f64,
        y: f64,
        size: f64,
        anchor: Anchor,
        colour: [u8; 3],
        weight: &str,
        turn: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.elements,
            "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size:.2}\" font-weight=\"{weight}\" text-anchor=\"{anchor}\" \
             fill=\"{}\"{turn}>{}</text>",
            hex(colour),
            escaped(text)
        );
    }

    /// The SVG document.
    pub fn svg(&self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.2}\" height=\"{h:.2}\" viewBox=\"0 0 {w:.2} {h:.2}\" \
             font-family=\"Noto Sans, Droid Sans Fallback, sans-serif\" role=\"img\">\n<title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{elements}</svg>\n",
            w = self.width,
            h = self.height,
            title = escaped(&self.title),
            elements = self.elements
        )
    }
}

/// Writes the drawing as SVG.
///
/// # Errors
/// What the writer reports.
pub fn write_svg(drawing: &Drawing, target: &mut dyn io::Write) -> io::Result<()> {
    target.write_all(drawing.svg().as_bytes())
}

/// Draws it as PNG, `scale` pixels to the point.
///
/// # Errors
/// `Internal` when it cannot be drawn.
pub fn write_png(drawing: &Drawing, scale: f32) -> Result<Vec<u8>> {
    let internal = |what: String| Error::internal(format!("the figure cannot be drawn: {what}"));
    let tree = usvg::Tree::from_str(&drawing.svg(), &OPTIONS).map_err(|error| internal(error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(scale).ok_or_else(|| internal("it has no size".to_owned()))?;
    let mut pixels =
        tiny_skia::Pixmap::new(size.width(), size.height()).ok_or_else(|| internal("it is too large".to_owned()))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| internal(error.to_string()))
}

/// The bundled fonts, by which figures are drawn and texts measured.
static OPTIONS: LazyLock<usvg::Options<'static>> = LazyLock::new(|| {
    let mut known = usvg::fontdb::Database::new();
    for font in [fonts::REGULAR, fonts::BOLD, fonts::FALLBACK] {
        known.load_font_data(font.to_vec());
    }
    known.set_sans_serif_family("Noto Sans");
    usvg::Options { fontdb: Arc::new(known), ..usvg::Options::default() }
});

/// How wide a line of regular text is, in points, in the bundled fonts.
pub fn text_width(text: &str, size: f64) -> f64 {
    let mut drawing = Drawing::new(1.0, 1.0, "");
    drawing.text(0.0, 0.0, size, Anchor::Start, [0; 3], text);
    // What cannot be measured has no width; it is drawn all the same.
    let Ok(tree) = usvg::Tree::from_str(&drawing.svg(), &OPTIONS) else { return 0.0 };
    let texts = tree.root().children().iter().filter(|node| matches!(node, usvg::Node::Text(_)));
    texts.map(|node| f64::from(node.abs_bounding_box().width())).sum()
}

/// The text, or as much of its beginning as fits into `width` points, with "…" where some is left out.
pub fn fitted(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| letters[..kept].iter().collect::<String>().trim_end().to_owned() + "…";
    let lengths: Vec<usize> = (0..letters.len()).collect();
    let fitting = lengths.partition_point(|kept| text_width(&cut(*kept), size) <= width);
    cut(fitting.saturating_sub(1))
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_the_width_they_have() {
        for name in
            ["Ada Lovelace, Countess of Lovelace", "森 さくらこ・とても長い名前の評価者さん", "WWWWWWWWWWWWWWWWWWWWWW"]
        {
            let short = fitted(name, 12.0, 120.0);
            assert!(short.ends_with('…') && short.chars().count() > 5, "{short}");
            assert!(name.starts_with(short.trim_end_matches('…')), "{short}");
            assert!((90.0..=120.0).contains(&text_width(&short, 12.0)), "{short} is {}", text_width(&short, 12.0));
        }
        assert_eq!(fitted("rater-1 <&>", 12.0, 120.0), "rater-1 <&>");
        assert_eq!(fitted("", 12.0, 120.0), "");
        assert_eq!(fitted("森", 12.0, 1.0), "…");
        assert!((text_width("nn", 24.0) / text_width("nn", 12.0) - 2.0).abs() < 0.05);
    }
}
