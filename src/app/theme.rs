//! How the window looks: fonts, neutral greys, one accent, and colours for clusters.
//!
//! The greys have no tint, because a colour beside a picture changes its mood.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke, TextStyle, Theme, vec2,
};

use crate::fonts;

/// Space between things that belong together; larger gaps are multiples of it.
pub const STEP: f32 = 8.0;

/// The family of headings and emphasis.
pub fn bold() -> FontFamily {
    FontFamily::Name("bold".into())
}

/// The style of view titles and card titles: [`TextStyle::Heading`] is the one heading there is.
pub fn strong_text() -> FontId {
    FontId::new(14.0, bold())
}

/// Installs fonts and both themes.
pub fn install(context: &egui::Context) {
    let mut definitions = FontDefinitions::empty();
    for (name, bytes) in [
        ("NotoSans", fonts::REGULAR),
        ("NotoSans-Bold", fonts::BOLD),
        ("DroidSansFallback", fonts::FALLBACK),
        ("Phosphor", &include_bytes!("../../assets/fonts/Phosphor.ttf")[..]),
    ] {
        let mut font = FontData::from_static(bytes);
        if name == "Phosphor" {
            font.tweak.y_offset_factor = 0.11;
            font.tweak.scale = 1.14;
        }
        definitions.font_data.insert(name.to_owned(), Arc::new(font));
    }
    let family = |first: &str| vec![first.to_owned(), "Phosphor".to_owned(), "DroidSansFallback".to_owned()];
    definitions.families.insert(FontFamily::Proportional, family("NotoSans"));
    definitions.families.insert(FontFamily::Monospace, family("NotoSans"));
    definitions.families.insert(bold(), family("NotoSans-Bold"));
    context.set_fonts(definitions);
    for theme in [Theme::Light, Theme::Dark] {
        context.style_mut_of(theme, |style| set_style(style, theme));
    }
}

fn set_style(style: &mut egui::Style, theme: Theme) {
    style.text_styles = [
        (TextStyle::Heading, FontId::new(20.0, bold())),
        (TextStyle::Body, FontId::new(14.0, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(14.0, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(13.0, FontFamily::Monospace)),
        (TextStyle::Small, FontId::new(12.0, FontFamily::Proportional)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(STEP, STEP);
    spacing.button_padding = vec2(10.0, 5.0);
    spacing.interact_size = vec2(28.0, 28.0);
    spacing.menu_margin = Margin::same(8);
    spacing.menu_width = 320.0;
    spacing.slider_width = 160.0;
    spacing.combo_width = 160.0;
    spacing.tooltip_width = 360.0;
    spacing.scroll = egui::style::ScrollStyle::solid();
    spacing.scroll.bar_width = 10.0;
    style.interaction.tooltip_delay = 0.4;
    style.visuals = visuals(theme);
}

fn visuals(theme: Theme) -> egui::Visuals {
    let dark = theme == Theme::Dark;
    let grey = Color32::from_gray;
    let mut visuals = if dark { egui::Visuals::dark() } else { egui::Visuals::light() };
    let (panel, raised, sunken, line, text, weak) = if dark {
        (grey(30), grey(46), grey(20), grey(62), grey(228), grey(165))
    } else {
        (grey(246), grey(231), grey(255), grey(205), grey(28), grey(88))
    };
    let accent = accent(dark);
    visuals.panel_fill = panel;
    visuals.window_fill = if dark { grey(38) } else { grey(252) };
    visuals.window_stroke = Stroke::new(1.0, line);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.extreme_bg_color = sunken;
    visuals.faint_bg_color = if dark { grey(36) } else { grey(240) };
    visuals.code_bg_color = raised;
    visuals.weak_text_color = Some(weak);
    visuals.hyperlink_color = accent;
    visuals.warn_fg_color = if dark { Color32::from_rgb(240, 180, 70) } else { Color32::from_rgb(150, 86, 0) };
    visuals.error_fg_color = if dark { Color32::from_rgb(255, 130, 120) } else { Color32::from_rgb(184, 28, 28) };
    visuals.selection.bg_fill = if dark { Color32::from_rgb(28, 92, 150) } else { Color32::from_rgb(190, 220, 248) };
    visuals.selection.stroke = Stroke::new(1.0, if dark { grey(255) } else { grey(10) });
    visuals.striped = false;
    visuals.slider_trailing_fill = true;
    let radius = CornerRadius::same(6);
    // Buttons and cards are on the weak fill; tick boxes, radio buttons and the rails of sliders on the strong one, as
    // they are small and have no frame.
    for (widget, weak_fill, fill) in [
        (&mut visuals.widgets.noninteractive, panel, panel),
        (&mut visuals.widgets.inactive, raised, if dark { grey(84) } else { grey(198) }),
        (
            &mut visuals.widgets.hovered,
            if dark { grey(60) } else { grey(220) },
            if dark { grey(98) } else { grey(184) },
        ),
        (&mut visuals.widgets.active, if dark { grey(72) } else { grey(205) }, if dark { grey(98) } else { grey(184) }),
        (&mut visuals.widgets.open, if dark { grey(54) } else { grey(222) }, if dark { grey(84) } else { grey(198) }),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = weak_fill;
        widget.corner_radius = radius;
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.expansion = 0.0;
    }
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, line);
    visuals.widgets.hovered.bg_stroke = Stroke::new(1.0, if dark { grey(96) } else { grey(160) });
    // egui draws what has the keyboard as active.
    visuals.widgets.active.bg_stroke = Stroke::new(2.0, focus(dark));
    visuals
}

/// The one accent: what is selected, focused or the next step.
pub fn accent(dark: bool) -> Color32 {
    if dark { Color32::from_rgb(86, 170, 245) } else { Color32::from_rgb(0, 98, 184) }
}

/// What has the keyboard: a ring that is like nothing else, with a gap in which it is seen on any ground.
pub fn focus_ring(painter: &egui::Painter, rect: egui::Rect, radius: f32, dark: bool) {
    let gap = Stroke::new(1.0, Color32::from_gray(if dark { 20 } else { 255 }));
    painter.rect_stroke(rect, radius, Stroke::new(2.0, focus(dark)), egui::StrokeKind::Inside);
    painter.rect_stroke(rect.shrink(2.0), radius - 2.0, gap, egui::StrokeKind::Inside);
}

/// The colour of that ring.
fn focus(dark: bool) -> Color32 {
    if dark { Color32::from_rgb(255, 196, 84) } else { Color32::from_rgb(176, 84, 0) }
}

/// The ground that pictures lie on.
pub fn picture_ground(dark: bool) -> Color32 {
    Color32::from_gray(if dark { 24 } else { 238 })
}

/// The colour of a cluster, the same wherever it is shown: Okabe and Ito's colours, safe for colour-blind people,
/// adjusted in lightness so that each stands out on both themes; from the ninth on they repeat.
pub fn cluster_colour(cluster: usize) -> Color32 {
    const COLOURS: [(u8, u8, u8); 8] = [
        (0, 114, 178),
        (230, 159, 0),
        (0, 158, 115),
        (204, 121, 167),
        (86, 180, 233),
        (213, 94, 0),
        (150, 140, 40),
        (128, 128, 128),
    ];
    let (red, green, blue) = COLOURS[cluster % COLOURS.len()];
    Color32::from_rgb(red, green, blue)
}

/// Text that can be read on `ground`.
pub fn text_on(ground: Color32) -> Color32 {
    let [red, green, blue, _] = ground.to_array().map(f32::from);
    if 0.299 * red + 0.587 * green + 0.114 * blue > 140.0 { Color32::from_gray(16) } else { Color32::WHITE }
}
