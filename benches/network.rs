//! Features and training steps beside PyTorch: `cargo bench --bench network`.
//!
//! The peer is `pytorch.py` beside this file, run by the Python that ATMOSCOPE_BENCH_PYTHON names (default `python3`); it
//! does the same work on the same pictures with as many threads. Without torch only our side is measured. `atmoscope
//! bench` measures both turn by turn and prints the ratio.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::PathBuf;
use std::time::Duration;

use atmoscope::nn::benchmark::{PyTorch, Subject, Task, Work};
use atmoscope::nn::device::{DeviceChoice, select};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Pictures at once.
const IMAGES: usize = 8;

fn network(criterion: &mut Criterion) {
    let device = select(DeviceChoice::Auto).unwrap();
    let tasks: Vec<Task> = [Work::Features, Work::Step]
        .into_iter()
        .flat_map(|what| [224, 384].map(|size_px| Task { what, size_px, images: IMAGES }))
        .collect();
    let mut subject = Subject::new(device.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    subject.write_inputs(folder.path(), &tasks).unwrap();
    let python = std::env::var_os("ATMOSCOPE_BENCH_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let mut peer = PyTorch::start(&python, folder.path(), &device).ok();
    if peer.as_mut().is_some_and(|peer| peer.measure(tasks[0], false).is_err()) {
        eprintln!("{} has no torch: measuring alone", python.display());
        peer = None;
    }
    for task in tasks {
        let name = match task.what {
            Work::Features => "features",
            Work::Step => "training step",
        };
        let mut group = criterion.benchmark_group(format!("{name}, {} px, {IMAGES} pictures", task.size_px));
        group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(10));
        group.bench_function(BenchmarkId::from_parameter("atmoscope"), |bencher| {
            bencher
                .iter_custom(|runs| (0..runs).map(|_| Duration::from_secs_f64(subject.measure(task).unwrap().0)).sum());
        });
        if let Some(peer) = &mut peer {
            for (layout, channels_last) in [("pytorch", false), ("pytorch, channels-last", true)] {
                group.bench_function(BenchmarkId::from_parameter(layout), |bencher| {
                    bencher.iter_custom(|runs| {
                        (0..runs).map(|_| Duration::from_secs_f64(peer.measure(task, channels_last).unwrap().0)).sum()
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, network);
criterion_main!(benches);
