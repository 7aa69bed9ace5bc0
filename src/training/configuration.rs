//! The settings of a training run, as kept in `configuration.toml` and shown in the window.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::device::DeviceChoice;
use crate::nn::vgg16::MINIMUM_SIZE_PX;

/// How much of the network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// The head alone, on features of the pre-trained network that are computed once.
    #[default]
    HeadOnly,
}

/// What makes an epoch the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BestBy {
    /// The lowest loss on the validation part.
    #[default]
    ValidationLoss,
    /// The highest mean average precision on the validation part.
    ValidationPrecision,
}

/// Settings of a training run; each field left out of a file has its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfiguration {
    /// Seed of the initial weights, the order of images and the dropout.
    pub seed: u64,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images for each step of the optimiser.
    pub batch_size: usize,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// Side of the pictures the network sees, in pixels.
    pub image_size_px: u32,
    /// How much of the network is trained.
    pub depth: Depth,
    /// Share of the hidden layer that is switched off in each training step.
    pub dropout: f32,
    /// Size of the head's hidden layer.
    pub hidden: usize,
    /// Where the network runs.
    pub device: DeviceChoice,
    /// Weighs each label's positives by negatives over positives in the training part.
    pub positive_weights: bool,
    /// What makes an epoch the best, whose network is used.
    pub best_by: BestBy,
}

impl Default for TrainingConfiguration {
    fn default() -> Self {
        Self {
            seed: 1,
            epochs: 50,
            batch_size: 64,
            learning_rate: 1e-3,
            image_size_px: 384,
            depth: Depth::HeadOnly,
            dropout: 0.5,
            hidden: 512,
            device: DeviceChoice::Auto,
            positive_weights: false,
            best_by: BestBy::ValidationLoss,
        }
    }
}

impl TrainingConfiguration {
    /// Reads and checks a configuration file's text.
    ///
    /// # Errors
    /// `Config` when it is not TOML, names an unknown setting or holds a value out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let configuration: Self = toml::from_str(text).map_err(|error| {
            Error::config(format!("the training configuration cannot be read: {}", error.to_string().trim_end()))
                .hint("compare it with the configuration.toml of an earlier run")
                .caused_by(error)
        })?;
        configuration.validate()?;
        Ok(configuration)
    }

    /// The text of a configuration file with every setting.
    ///
    /// # Errors
    /// `Config` for a seed above 9,223,372,036,854,775,807, which TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self)
            .map_err(|error| Error::config(format!("the training configuration cannot be written: {error}")))
    }

    /// Checks each setting.
    ///
    /// # Errors
    /// `Config`, naming the setting, its value and the allowed range.
    pub fn validate(&self) -> Result<()> {
        let check = |holds: bool, name: &str, value: String, allowed: &str| {
            if holds {
                Ok(())
            } else {
                Err(Error::config(format!("{name} is {value}, but must be {allowed}"))
                    .hint("change it in the training settings or the configuration file"))
            }
        };
        check(i64::try_from(self.seed).is_ok(), "seed", self.seed.to_string(), "at most 9223372036854775807")?;
        check((1..=10_000).contains(&self.epochs), "epochs", self.epochs.to_string(), "1 to 10000")?;
        check((1..=4096).contains(&self.batch_size), "batch_size", self.batch_size.to_string(), "1 to 4096")?;
        let rate = self.learning_rate;
        check(rate > 0.0 && rate <= 1.0, "learning_rate", rate.to_string(), "above 0 and at most 1")?;
        let (size, sizes) = (self.image_size_px, MINIMUM_SIZE_PX..=2048);
        check(sizes.contains(&size), "image_size_px", size.to_string(), "32 to 2048 pixels")?;
        check((0.0..1.0).contains(&self.dropout), "dropout", self.dropout.to_string(), "0 or more and below 1")?;
        check((1..=16_384).contains(&self.hidden), "hidden", self.hidden.to_string(), "1 to 16384")
    }
}

/// What people are told of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingInfo {
    /// Its name in configuration files.
    pub name: &'static str,
    /// Its name in the window.
    pub label: &'static str,
    /// What it does and when to change it.
    pub help: &'static str,
    /// The paper's value, where the paper has one.
    pub paper_value: Option<&'static str>,
}

/// Every setting of [`TrainingConfiguration`], in the order shown.
pub const SETTINGS: &[SettingInfo] = &[
    SettingInfo {
        name: "depth",
        label: "What is trained",
        help: "Head only: the network's features are computed once and a small head learns your labels from them. \
               Takes seconds after the features are made.",
        paper_value: Some("fine-tuned VGG16"),
    },
    SettingInfo {
        name: "epochs",
        label: "Epochs",
        help: "How often training goes over all training images. The best epoch on the validation part is kept, so more \
               does no harm but time.",
        paper_value: Some("50"),
    },
    SettingInfo {
        name: "learning_rate",
        label: "Learning rate",
        help: "How far each step moves. Lower it when the training loss jumps up and down; raise it when it has hardly \
               fallen at the end. A head alone wants a larger step than a whole network.",
        paper_value: Some("0.0001"),
    },
    SettingInfo {
        name: "batch_size",
        label: "Batch size",
        help: "How many images share one step. Smaller batches make more and noisier steps.",
        paper_value: Some("64"),
    },
    SettingInfo {
        name: "image_size_px",
        label: "Picture size",
        help: "Side in pixels of the square the network sees. Smaller is quicker and coarser; another size means \
               computing the features again.",
        paper_value: Some("384"),
    },
    SettingInfo {
        name: "hidden",
        label: "Hidden layer",
        help: "Size of the layer between features and labels. Fewer for very few images.",
        paper_value: None,
    },
    SettingInfo {
        name: "dropout",
        label: "Dropout",
        help: "Share of the hidden layer that is switched off at random in each step, against learning the training \
               images by heart.",
        paper_value: Some("0.5"),
    },
    SettingInfo {
        name: "positive_weights",
        label: "Weigh rare labels",
        help: "Counts an image that has a label more, the rarer the label: by images without it over images with it. \
               Helps rare labels to be found and makes false alarms likelier.",
        paper_value: Some("no"),
    },
    SettingInfo {
        name: "best_by",
        label: "Best epoch",
        help: "Which epoch's network is used: the one with the lowest loss on the validation part, or with the highest \
               mean average precision there, which looks only at the order of the images and not at how sure it is.",
        paper_value: None,
    },
    SettingInfo {
        name: "seed",
        label: "Seed",
        help: "Starting point of everything random. The same seed, images and settings give the same result.",
        paper_value: None,
    },
    SettingInfo {
        name: "device",
        label: "Device",
        help: "Where the network runs: the processor, or a GPU where this build supports one. Auto takes a GPU if it \
               can.",
        paper_value: None,
    },
];

/// What people are told of the setting `name`.
pub fn setting(name: &str) -> Option<&'static SettingInfo> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn every_setting_is_explained_and_reads_back() {
        let configuration = TrainingConfiguration { seed: 42, dropout: 0.25, ..Default::default() };
        let text = configuration.to_toml().unwrap();
        assert_eq!(TrainingConfiguration::from_toml(&text).unwrap(), configuration);
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table.len(), SETTINGS.len());
        assert!(table.keys().all(|name| setting(name).is_some()), "{table:?}");
        assert_eq!(TrainingConfiguration::from_toml("").unwrap(), TrainingConfiguration::default());
    }

    #[test]
    fn wrong_settings_are_named() {
        for (text, words) in [
            ("epochs = 0", "epochs is 0, but must be 1 to 10000"),
            ("batch_size = 0", "batch_size is 0"),
            ("learning_rate = nan", "learning_rate is NaN"),
            ("learning_rate = -0.1", "learning_rate is -0.1"),
            ("image_size_px = 16", "image_size_px is 16, but must be 32 to 2048 pixels"),
            ("dropout = 1.0", "dropout is 1"),
            ("hidden = 0", "hidden is 0"),
            ("learing_rate = 0.1", "learing_rate"),
            ("depth = \"everything\"", "everything"),
            ("seed = -1", "cannot be read"),
            ("not toml", "cannot be read"),
        ] {
            let error = TrainingConfiguration::from_toml(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Config);
            assert!(error.message.contains(words), "{}", error.message);
        }
    }
}
