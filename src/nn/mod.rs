//! Devices, network layers, pre-trained networks and their weights.
//!
//! Pictures come in as RGB bytes ([`backbone::batch_from_rgb`]), go through a network of the list [`backbone::BACKBONES`] on a
//! [`device::SelectedDevice`] and leave as a row of features each; [`head::Head`] turns those into logits. Either is
//! trained with [`adam::Adam`]. Networks give and take their numbers by name as a [`state::State`].

pub mod adam;
pub mod backbone;
pub mod benchmark;
pub mod device;
pub mod head;
pub mod hub;
pub mod network;
pub mod ops;
pub mod state;
pub mod weights;

pub use backbone::vgg16;
pub use device::{DeviceChoice, SelectedDevice, accelerators, processor_features, select};
pub use weights::embedded_vgg16_hash;

use crate::error::Error;

/// A failure inside the tensor library: out of memory, a device that went away, or a mistake of ours.
pub(crate) fn tensor_error(error: candle_core::Error) -> Error {
    Error::device(format!("a tensor operation failed: {error}"))
        .hint("if memory ran out, use a smaller batch or picture size; otherwise choose the device cpu")
        .caused_by(error)
}
