//! Decoding, orientation, thumbnails, hashes, crops.
