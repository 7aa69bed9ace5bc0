//! Runs commands.
