//! The description of each setting of a training run: its name, what it does, the paper's value.
//!
//! The window shows them group by group in this order; the names are those of
//! [`TrainingConfiguration`](super::TrainingConfiguration).

/// Settings that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettingGroup {
    /// What the network learns from.
    Data,
    /// What is trained.
    Network,
    /// How it is trained.
    Optimiser,
    /// What is kept, where it runs.
    Run,
}

impl SettingGroup {
    /// All groups, in the order shown.
    pub const ALL: [Self; 4] = [Self::Data, Self::Network, Self::Optimiser, Self::Run];

    /// Its name in the window.
    pub fn label(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Network => "Network",
            Self::Optimiser => "Optimiser",
            Self::Run => "Run",
        }
    }
}

/// The description of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingInfo {
    /// Its name in configuration files.
    pub name: &'static str,
    /// Its name in the window.
    pub label: &'static str,
    /// What it belongs to.
    pub group: SettingGroup,
    /// What it does and when to change it.
    pub help: &'static str,
    /// The paper's value, where the paper has one.
    pub paper_value: Option<&'static str>,
}

/// Every setting of [`TrainingConfiguration`](super::TrainingConfiguration), in the order shown: group by group.
pub const SETTINGS: &[SettingInfo] = &[
    SettingInfo {
        name: "image_size_px",
        label: "Picture size",
        group: SettingGroup::Data,
        help: "Side in pixels of the square the network sees. Smaller is quicker and coarser; another size \
               means computing the features again.",
        paper_value: Some("384"),
    },
    SettingInfo {
        name: "labels",
        label: "Labels learnt",
        group: SettingGroup::Data,
        help: "The labels that the network learns, by name, with commas between; all unless some are named.",
        paper_value: None,
    },
    SettingInfo {
        name: "training_images",
        label: "Training pictures",
        group: SettingGroup::Data,
        help: "How many pictures of the training part are learnt from, drawn by the seed; all unless set. Shows what more \
               pictures would bring.",
        paper_value: None,
    },
    SettingInfo {
        name: "augmented_copies",
        label: "Copies of each picture",
        group: SettingGroup::Data,
        help: "How many new pictures are made from each training picture by turning, shifting and mirroring it \
               at random, so that the network sees more than the few there are. Head only: each copy's features \
               are computed once and kept, so nine copies mean ten times the work the first time.",
        paper_value: Some("9"),
    },
    SettingInfo {
        name: "rotation_degrees",
        label: "Turned by at most",
        group: SettingGroup::Data,
        help: "Each copy is turned by an angle drawn evenly from minus this to plus this, in degrees. The \
               corners that come free are filled with the mirrored picture.",
        paper_value: Some("45"),
    },
    SettingInfo {
        name: "translation_share",
        label: "Shifted by at most",
        group: SettingGroup::Data,
        help: "Each copy is moved up or down by at most this share of its height.",
        paper_value: None,
    },
    SettingInfo {
        name: "flip",
        label: "Mirror",
        group: SettingGroup::Data,
        help: "Half of the copies, drawn at random, are mirrored left to right. Switch it off where the side matters.",
        paper_value: Some("yes"),
    },
    SettingInfo {
        name: "augmentation_seed",
        label: "Seed of the copies",
        group: SettingGroup::Data,
        help: "Copies are drawn by this seed. The split's own, unless set: then runs of several seeds share the copies' \
               features, which are computed once.",
        paper_value: None,
    },
    SettingInfo {
        name: "mlsmote",
        label: "Balance rare labels",
        group: SettingGroup::Data,
        help: "Makes synthetic samples of the labels that are rarer than the mean (MLSMOTE): points between a \
               picture that has the label and one of its nearest neighbours that has it too. Head only: between \
               their features; else: between their pixels.",
        paper_value: Some("yes"),
    },
    SettingInfo {
        name: "mlsmote_neighbours",
        label: "Neighbours",
        group: SettingGroup::Data,
        help: "How many of the nearest pictures with the same rare label a synthetic sample chooses its partner \
               from.",
        paper_value: Some("5"),
    },
    SettingInfo {
        name: "depth",
        label: "What is trained",
        group: SettingGroup::Network,
        help: "Head only: the network's features are computed once and a small head learns your labels from \
               them; takes seconds after the features are made. Last blocks: the last of the five blocks of \
               convolutions learn too. Everything: all 13 convolutions learn, as in the paper; takes hours on a \
               processor.",
        paper_value: Some("everything"),
    },
    SettingInfo {
        name: "trained_blocks",
        label: "Blocks trained",
        group: SettingGroup::Network,
        help: "How many of the five blocks of convolutions learn, counted from the last. More fit your pictures \
               better and take longer.",
        paper_value: Some("5"),
    },
    SettingInfo {
        name: "head",
        label: "Head",
        group: SettingGroup::Network,
        help: "What the labels are learnt from. The mean of each channel of the last block is small and quick. \
               Mean and standard deviation of the channels of the last two blocks say more about texture. The \
               original VGG16 keeps where things are, needs far more memory and learns small sets by heart more \
               easily.",
        paper_value: None,
    },
    SettingInfo {
        name: "hidden",
        label: "Hidden layer",
        group: SettingGroup::Network,
        help: "Size of the layer between features and labels. Fewer for very few images.",
        paper_value: None,
    },
    SettingInfo {
        name: "dropout",
        label: "Dropout",
        group: SettingGroup::Network,
        help: "Share of the hidden layer that is switched off at random in each step, against learning the \
               training images by heart.",
        paper_value: Some("0.5"),
    },
    SettingInfo {
        name: "network",
        label: "Network",
        group: SettingGroup::Network,
        help: "The pre-trained network whose last part is trained to predict the labels.",
        paper_value: Some("VGG16"),
    },
    SettingInfo {
        name: "weights",
        label: "Starting weights",
        group: SettingGroup::Network,
        help: "Where the convolutions start from: empty for the built-in VGG16 trained on ImageNet, the path of \
               a safetensors file with the names of torchvision or timm, or hf:owner/name/file for a file on \
               the Hugging Face hub.",
        paper_value: Some("ImageNet"),
    },
    SettingInfo {
        name: "epochs",
        label: "Epochs",
        group: SettingGroup::Optimiser,
        help: "How often training goes over all training images. The best epoch on the validation part is kept, \
               so more does no harm but time.",
        paper_value: Some("50"),
    },
    SettingInfo {
        name: "batch_size",
        label: "Batch size",
        group: SettingGroup::Optimiser,
        help: "How many images share one step. Smaller batches make more and noisier steps.",
        paper_value: Some("64"),
    },
    SettingInfo {
        name: "learning_rate",
        label: "Learning rate",
        group: SettingGroup::Optimiser,
        help: "How far each step moves. Left open it is 0.001 for a head alone, which wants a larger step than \
               a whole network, and 0.0001 otherwise. Lower it when the training loss jumps up and down; raise \
               it when it has hardly fallen at the end.",
        paper_value: Some("0.0001"),
    },
    SettingInfo {
        name: "head_learning_rate",
        label: "Learning rate, head",
        group: SettingGroup::Optimiser,
        help: "A larger step for the head, which starts from nothing, than for the convolutions, which were \
               trained before. Left open it is the same.",
        paper_value: None,
    },
    SettingInfo {
        name: "schedule",
        label: "Schedule",
        group: SettingGroup::Optimiser,
        help: "How the learning rate changes: constant; along half a cosine down to nothing; or divided by ten \
               after a third and after two thirds of the steps.",
        paper_value: Some("constant"),
    },
    SettingInfo {
        name: "warmup_steps",
        label: "Warm-up steps",
        group: SettingGroup::Optimiser,
        help: "Over this many steps at the beginning the learning rate rises evenly to its full size. Helps \
               where the first epochs jump.",
        paper_value: Some("0"),
    },
    SettingInfo {
        name: "positive_weights",
        label: "Weigh rare labels",
        group: SettingGroup::Optimiser,
        help: "Counts an image that has a label more, the rarer the label: by images without it over images \
               with it. Helps rare labels to be found and makes false alarms likelier.",
        paper_value: Some("no"),
    },
    SettingInfo {
        name: "best_by",
        label: "Best epoch",
        group: SettingGroup::Run,
        help: "Which epoch's network is used: the one with the lowest loss on the validation part, or with the \
               highest mean average precision there, which looks only at the order of the images and not at how \
               sure it is.",
        paper_value: None,
    },
    SettingInfo {
        name: "early_stopping_epochs",
        label: "Stop early after",
        group: SettingGroup::Run,
        help: "Ends the run when no epoch was the best for so many epochs; 0 goes on to the last.",
        paper_value: Some("0"),
    },
    SettingInfo {
        name: "micro_batch_size",
        label: "Images at once",
        group: SettingGroup::Run,
        help: "How many images go through the network at the same time. A batch is cut into so many at a time \
               and their gradients are added up, which is the same step in less memory. 0 finds a number for \
               the memory there is.",
        paper_value: None,
    },
    SettingInfo {
        name: "seed",
        label: "Seed",
        group: SettingGroup::Run,
        help: "Starting point of everything random. The same seed, images and settings give the same result.",
        paper_value: None,
    },
    SettingInfo {
        name: "device",
        label: "Device",
        group: SettingGroup::Run,
        help: "Where the network runs: the processor, or a GPU where this build supports one. Auto takes a GPU \
               if it can.",
        paper_value: None,
    },
];
