//! Our own time in each frame: from the start of `logic` to the end of `ui`, without the graphics card's work and
//! without waiting for the screen.

use std::path::PathBuf;
use std::time::Instant;

use crate::atomic::write_file;

/// How many frames are remembered.
const REMEMBERED: usize = 200_000;

/// Times of the frames so far.
#[derive(Debug, Default)]
pub struct FrameTimes {
    begun: Option<Instant>,
    milliseconds: Vec<f32>,
    file: Option<PathBuf>,
}

impl FrameTimes {
    /// Times that are written to `file` at the end, if given.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, ..Self::default() }
    }

    /// A frame begins.
    pub fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// A frame ends.
    pub fn end(&mut self) {
        if let Some(begun) = self.begun.take()
            && self.file.is_some()
            && self.milliseconds.len() < REMEMBERED
        {
            self.milliseconds.push(begun.elapsed().as_secs_f32() * 1000.0);
        }
    }

    /// Writes `frame,duration_ms`, one line for each frame.
    pub fn write(&self) {
        let Some(file) = &self.file else { return };
        // A measurement asked for by hand; whoever asked sees that the file is missing.
        let _ = write_file(file, |target| {
            writeln!(target, "frame,duration_ms")?;
            self.milliseconds.iter().enumerate().try_for_each(|(at, time)| writeln!(target, "{at},{time:.3}"))
        });
    }
}
