//! Scaling: the square that the network sees, and thumbnails.
//!
//! Both filters are antialiasing (their support grows with the reduction, as in Pillow) and work on the sRGB
//! values in fixed-point arithmetic, so the result is the same on every machine.

use fast_image_resize as fir;
use image::RgbImage;

/// How pixels are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Triangle filter: what torchvision applies to the pictures its VGG16 was trained on.
    Bilinear,
    /// Windowed sinc of three lobes: sharper, for looking at.
    Lanczos3,
}

/// A rectangle of a picture, in pixels, possibly between them: left, top, width, height.
pub(super) type CropBox = (f64, f64, f64, f64);

/// `image`, or its part inside `crop`, scaled to `width_px` × `height_px`.
pub(super) fn resized(
    image: &RgbImage,
    width_px: u32,
    height_px: u32,
    crop: Option<CropBox>,
    filter: Filter,
) -> RgbImage {
    let mut scaled = RgbImage::new(width_px.max(1), height_px.max(1));
    if image.width() == 0 || image.height() == 0 {
        return scaled;
    }
    let filter = match filter {
        Filter::Bilinear => fir::FilterType::Bilinear,
        Filter::Lanczos3 => fir::FilterType::Lanczos3,
    };
    let mut options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(filter));
    if let Some((left, top, width, height)) = crop {
        options = options.crop(left, top, width, height);
    }
    let (scaled_width, scaled_height) = scaled.dimensions();
    type Source<'a> = fir::images::TypedImageRef<'a, fir::pixels::U8x3>;
    type Target<'a> = fir::images::TypedImage<'a, fir::pixels::U8x3>;
    let source = Source::from_buffer(image.width(), image.height(), image.as_raw());
    let target = Target::from_buffer(scaled_width, scaled_height, scaled.as_mut());
    let (Ok(source), Ok(mut target)) = (source, target) else {
        unreachable!("an RGB buffer always holds 3 bytes a pixel");
    };
    if let Err(error) = fir::Resizer::new().resize_typed(&source, &mut target, &options) {
        unreachable!("the crop lies inside the picture and the types agree: {error}");
    }
    scaled
}

/// The picture as the network sees it: the shorter side scaled to `size_px` (up or down, bilinear with
/// antialiasing), then the square of `size_px` × `size_px` in the centre.
pub fn square_crop(image: &RgbImage, size_px: u32) -> RgbImage {
    let side = f64::from(image.width().min(image.height()));
    let left = (f64::from(image.width()) - side) / 2.0;
    let top = (f64::from(image.height()) - side) / 2.0;
    resized(image, size_px, size_px, Some((left, top, side, side)), Filter::Bilinear)
}

/// The picture scaled down (Lanczos) so that its longer side is `max_side_px`; a smaller one stays as it is.
pub fn thumbnail(image: &RgbImage, max_side_px: u32) -> RgbImage {
    let longer = image.width().max(image.height());
    if longer <= max_side_px {
        return image.clone();
    }
    let scaled = |side: u32| {
        let exact = f64::from(side) * f64::from(max_side_px) / f64::from(longer);
        (exact.round() as u32).max(1)
    };
    resized(image, scaled(image.width()), scaled(image.height()), None, Filter::Lanczos3)
}
