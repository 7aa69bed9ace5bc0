//! Synthetic illustrations.
