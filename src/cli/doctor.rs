//! `atmoscope doctor`: what this program finds on this computer.

use std::fmt::Write;

use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::error::Result;
use crate::nn;

/// Show version, devices, processor features, weights and graphics.
#[derive(Args, Debug)]
pub(super) struct Arguments {}

pub(super) fn run(_arguments: &Arguments, output: &Output) -> Result<()> {
    let device = nn::select(nn::DeviceChoice::Auto)?;
    let accelerators = nn::accelerators();
    let processor = nn::processor_features();
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let graphics = graphics();
    let weights = json!({
        "name": "VGG16, ImageNet convolutions (embedded)",
        "bytes": nn::weights::embedded_vgg16().len(),
        "blake3": nn::embedded_vgg16_hash(),
    });
    let value = json!({
        "version": env!("CARGO_PKG_VERSION"), "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH, "threads": threads, "processor_features": processor,
        "device": device.name, "device_note": device.note, "accelerators": accelerators, "weights": weights,
        "graphics": graphics,
    });
    output.print(&value, || {
        let mut text = format!("Atmoscope {}\n", env!("CARGO_PKG_VERSION"));
        let _ = writeln!(text, "System: {} on {}", std::env::consts::OS, std::env::consts::ARCH);
        let _ = writeln!(text, "Processor: {threads} threads, {}", processor.join(" "));
        let _ = writeln!(text, "Device: {}", device.name);
        if let Some(note) = &device.note {
            let _ = writeln!(text, "  {note}");
        }
        for (name, state) in &accelerators {
            let _ = writeln!(text, "  {name}: {state}");
        }
        let _ = writeln!(
            text,
            "Weights: VGG16, ImageNet convolutions, embedded, {:.1} MB, blake3 {}",
            nn::weights::embedded_vgg16().len() as f64 / 1e6,
            nn::embedded_vgg16_hash()
        );
        let _ = writeln!(text, "Graphics:");
        for line in &graphics {
            let _ = writeln!(text, "  {line}");
        }
        text
    })
}

#[cfg(feature = "gui")]
fn graphics() -> Vec<String> {
    crate::app::graphics()
}

#[cfg(not(feature = "gui"))]
fn graphics() -> Vec<String> {
    vec!["this build has no window".to_owned()]
}
