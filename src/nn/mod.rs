//! Devices, network layers, VGG16 and its weights.
//!
//! Pictures come in as RGB bytes ([`vgg16::batch_from_rgb`]), go through [`vgg16::Vgg16`] on a
//! [`device::SelectedDevice`] and leave as a row of features each; [`head::Head`] turns those into logits. Either is
//! trained with [`adam::Adam`]. Networks give and take their numbers by name as a [`state::State`].

pub mod adam;
pub mod benchmark;
pub mod device;
pub mod head;
pub mod hub;
pub mod network;
pub mod ops;
pub mod state;
pub mod vgg16;
pub mod weights;

pub use device::{DeviceChoice, SelectedDevice, accelerators, processor_features, select};
pub use weights::embedded_vgg16_hash;

use crate::error::Error;

/// A failure inside the tensor library: out of memory, a device that went away, or a mistake of ours.
pub(crate) fn tensor_error(error: candle_core::Error) -> Error {
    Error::device(format!("a tensor operation failed: {error}"))
        .hint("if memory ran out, use a smaller batch or picture size; otherwise choose the device cpu")
        .caused_by(error)
}
