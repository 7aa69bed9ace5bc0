//! What the window remembers between sessions: recent projects and how each was left, its own place and size, theme,
//! thumbnail size.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::state::{AppState, View};
use crate::atomic::write_file;
use crate::ids::ImageId;

/// How many recent projects are remembered.
const RECENT: usize = 8;
/// How many projects it is remembered of how they were left.
const REMEMBERED: usize = 32;

/// The chosen theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// Always light.
    Light,
    /// Always dark.
    Dark,
    /// As the system.
    #[default]
    System,
}

/// How the window was left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Left and upper edge, in points, where the system tells.
    pub position: Option<[f32; 2]>,
    /// Width and height, in points.
    pub size: [f32; 2],
    /// Fills the screen.
    pub maximized: bool,
}

/// How a project was left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectMemory {
    /// Its folder.
    pub folder: PathBuf,
    /// The view on show.
    pub view: View,
    /// The current picture.
    pub picture: Option<ImageId>,
    /// How pictures were clustered, by its id.
    pub method: String,
    /// K.
    pub clusters: usize,
    /// Seed of k-means.
    pub seed: u64,
    /// All pictures were clustered, not the test part alone.
    pub all_pictures: bool,
    /// Settings of the next run, as TOML.
    pub training: String,
}

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Projects opened last, newest first.
    pub recent: Vec<PathBuf>,
    /// Light, dark or as the system.
    pub theme: ThemeChoice,
    /// Side of a thumbnail in points.
    pub thumbnail_points: f32,
    /// Scale of the sorting board.
    pub board_zoom: f32,
    /// Where the window was.
    pub window: Option<WindowPlace>,
    /// How projects were left, the latest first.
    pub projects: Vec<ProjectMemory>,
    #[serde(skip)]
    file: Option<PathBuf>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            recent: Vec::new(),
            theme: ThemeChoice::System,
            thumbnail_points: 144.0,
            board_zoom: 1.0,
            window: None,
            projects: Vec::new(),
            file: None,
        }
    }
}

impl Preferences {
    /// Reads the file of this computer's user; what cannot be read counts as not set.
    pub fn load() -> Self {
        let file = directories::ProjectDirs::from("", "", "Atmoscope").map(|d| d.config_dir().join("preferences.toml"));
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        Self { file, ..toml::from_str(&text).unwrap_or_default() }
    }

    /// Remembers that a project was opened.
    pub fn opened(&mut self, folder: &Path) {
        self.recent.retain(|known| known != folder);
        self.recent.insert(0, folder.to_path_buf());
        self.recent.truncate(RECENT);
        self.save();
    }

    /// How a project was left, if it was open here before.
    pub fn memory_of(&self, folder: &Path) -> Option<&ProjectMemory> {
        self.projects.iter().find(|memory| memory.folder == folder)
    }

    /// Remembers how a project is left.
    pub fn remember(&mut self, memory: ProjectMemory) {
        self.projects.retain(|known| known.folder != memory.folder);
        self.projects.insert(0, memory);
        self.projects.truncate(REMEMBERED);
        self.save();
    }

    /// Remembers how the open project is left, if one is.
    pub fn remember_state(&mut self, state: &AppState) {
        if let Some(memory) = state.memory() {
            self.remember(memory);
        }
    }

    /// Makes thumbnails larger or smaller.
    pub fn scale_thumbnails(&mut self, factor: f32) {
        self.thumbnail_points = (self.thumbnail_points * factor).clamp(64.0, 400.0);
    }

    /// Brings thumbnails back to their standard size.
    pub fn reset_thumbnails(&mut self) {
        self.thumbnail_points = Self::default().thumbnail_points;
    }

    /// Writes the file. Preferences that cannot be written are lost at the end, which nobody needs to be told.
    pub fn save(&self) {
        if let (Some(file), Ok(text)) = (&self.file, toml::to_string(self))
            && file.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
        {
            let _ = write_file(file, |target| target.write_all(text.as_bytes()));
        }
    }
}
