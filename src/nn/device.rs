//! Choosing where the network runs, and telling people why.
//!
//! [`select`] turns the setting into a device; `doctor` shows [`accelerators`] and [`processor_features`].

use std::fmt;
use std::str::FromStr;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where the network is asked to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// A GPU where one is compiled in and present, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA GPU (feature `cuda`).
    Cuda,
    /// An Apple GPU (feature `metal`).
    Metal,
}

impl DeviceChoice {
    /// All choices, in the order a list shows them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Metal];

    /// The word used in configuration files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.as_str() == text.trim().to_ascii_lowercase())
            .ok_or_else(|| Error::config(format!("\"{text}\" is not a device")).hint("use auto, cpu, cuda or metal"))
    }
}

/// The device that was chosen.
#[derive(Clone, Debug)]
pub struct SelectedDevice {
    device: Device,
    /// Its name, as recorded with runs.
    pub name: String,
    /// Why no GPU is used, where [`DeviceChoice::Auto`] fell back to the processor.
    pub note: Option<String>,
}

impl SelectedDevice {
    /// The processor.
    pub fn cpu() -> Self {
        let threads = rayon::current_num_threads();
        let plural = if threads == 1 { "" } else { "s" };
        Self { device: Device::Cpu, name: format!("CPU, {threads} thread{plural}"), note: None }
    }

    /// The device as candle knows it.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// True when it is the processor.
    pub fn is_cpu(&self) -> bool {
        self.device.is_cpu()
    }
}

/// Finds the device for a choice.
///
/// # Errors
/// `Device` when a GPU is asked for by name and is not compiled in or does not answer.
pub fn select(choice: DeviceChoice) -> Result<SelectedDevice> {
    match choice {
        DeviceChoice::Cpu => Ok(SelectedDevice::cpu()),
        DeviceChoice::Cuda => cuda(),
        DeviceChoice::Metal => metal(),
        DeviceChoice::Auto => {
            if !cfg!(feature = "cuda") && !cfg!(feature = "metal") {
                let note = Some("This build runs on the processor only.".to_owned());
                return Ok(SelectedDevice { note, ..SelectedDevice::cpu() });
            }
            let found = if cfg!(feature = "cuda") { cuda() } else { metal() };
            Ok(found.unwrap_or_else(|error| SelectedDevice { note: Some(error.message), ..SelectedDevice::cpu() }))
        }
    }
}

/// The first NVIDIA GPU.
fn cuda() -> Result<SelectedDevice> {
    if !cfg!(feature = "cuda") {
        return Err(Error::device("this build has no CUDA support")
            .hint("choose auto or cpu, or build with --features cuda on a machine with the CUDA toolkit"));
    }
    let device = Device::new_cuda(0).map_err(|error| {
        Error::device(format!("no CUDA GPU answered: {error}"))
            .hint("check the NVIDIA driver, or choose auto or cpu")
            .caused_by(error)
    })?;
    Ok(SelectedDevice { device, name: "CUDA GPU 0".to_owned(), note: None })
}

/// The first Apple GPU.
fn metal() -> Result<SelectedDevice> {
    if !cfg!(feature = "metal") {
        return Err(Error::device("this build has no Metal support")
            .hint("choose auto or cpu, or build with --features metal on a Mac"));
    }
    let device = Device::new_metal(0).map_err(|error| {
        Error::device(format!("no Metal GPU answered: {error}")).hint("choose auto or cpu").caused_by(error)
    })?;
    Ok(SelectedDevice { device, name: "Metal GPU 0".to_owned(), note: None })
}

/// Instruction sets of this processor that the number crunching can use.
pub fn processor_features() -> Vec<&'static str> {
    #[allow(unused_mut)]
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx") {
            found.push("avx");
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            found.push("avx2");
        }
        if std::arch::is_x86_feature_detected!("fma") {
            found.push("fma");
        }
        if std::arch::is_x86_feature_detected!("avx512f") {
            found.push("avx512f");
        }
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        found.push("neon");
    }
    found
}

/// Each kind of accelerator and its state in words, for `doctor`.
pub fn accelerators() -> Vec<(&'static str, String)> {
    let gpu = |found: Result<SelectedDevice>| match found {
        Ok(device) => format!("ready: {}", device.name),
        Err(error) => error.message,
    };
    let library = |compiled: bool| if compiled { "compiled in" } else { "not compiled in" }.to_owned();
    vec![
        ("CUDA", gpu(cuda())),
        ("Metal", gpu(metal())),
        ("cuDNN", library(cfg!(feature = "cudnn"))),
        ("Accelerate", library(cfg!(feature = "accelerate"))),
        ("MKL", library(cfg!(feature = "mkl"))),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn choices_read_back_as_written() {
        for choice in DeviceChoice::ALL {
            assert_eq!(choice.to_string().parse::<DeviceChoice>().unwrap(), choice);
        }
        let error = "gpu".parse::<DeviceChoice>().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.hint.unwrap().contains("cuda"));
    }

    #[test]
    fn processor_is_always_there() {
        assert!(select(DeviceChoice::Cpu).unwrap().is_cpu());
        assert!(select(DeviceChoice::Auto).is_ok());
        assert_eq!(accelerators().len(), 5);
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn missing_gpu_is_explained() {
        let error = select(DeviceChoice::Cuda).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Device);
        assert!(error.hint.is_some());
    }
}
