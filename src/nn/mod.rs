//! Devices, layers, VGG16.
