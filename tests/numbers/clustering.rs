//! k-means and choosing K, against scikit-learn (tests/goldens/make.py) and in awkward cases.

use std::sync::Mutex;

use crate::common::numbers::{golden, integers, matrix};
use crate::common::poll;
use atmoscope::clustering::{ClusterSettings, KMeansSettings, Method, Solver, elbow, kmeans};
use atmoscope::error::ErrorKind;
use atmoscope::evaluation::{adjusted_rand_index, silhouette};
use atmoscope::progress::{Cancel, Observer, Progress, Silent};
use ndarray::{Array2, array};

fn settings(clusters: usize) -> KMeansSettings {
    KMeansSettings { clusters, ..Default::default() }
}

#[test]
fn sse_is_that_of_scikit_learns_best() {
    for case in golden("kmeans.json").as_array().unwrap() {
        let values = matrix(&case["values"]);
        let clusters = case["clusters"].as_u64().unwrap() as usize;
        let result = kmeans(values.view(), &settings(clusters), &Cancel::new()).unwrap();
        let best = case["sse"].as_f64().unwrap();
        assert!(result.sse <= best * (1.0 + 1e-9) + 1e-9, "{} against {best}", result.sse);
        if values.ncols() == 16 {
            let theirs = integers(&case["labels"]);
            assert_eq!(adjusted_rand_index(&result.assignments, &theirs).unwrap(), 1.0);
        }
    }
}

#[test]
fn a_result_is_consistent_and_repeats() {
    let case = &golden("kmeans.json")[2];
    let values = matrix(&case["values"]);
    let run = |seed| kmeans(values.view(), &KMeansSettings { seed, ..settings(8) }, &Cancel::new()).unwrap();
    let result = run(4);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(|| run(4)), result);
    assert_eq!(result.seed, 4);

    assert!(result.sizes.is_sorted_by(|a, b| a >= b));
    assert_eq!(result.sizes.iter().sum::<usize>(), values.nrows());
    let mut sse = 0.0;
    for (row, value) in values.rows().into_iter().enumerate() {
        let distance = |centroid: ndarray::ArrayView1<f64>| (&value - &centroid).mapv(|d| d * d).sum().sqrt();
        let distances: Vec<f64> = result.centroids.rows().into_iter().map(distance).collect();
        let own = distances[result.assignments[row]];
        assert!(distances.iter().all(|distance| *distance >= own - 1e-9));
        assert!((own - result.distances[row]).abs() < 1e-9);
        sse += own * own;
    }
    assert!((sse - result.sse).abs() < 1e-9 * sse);
    for cluster in 0..8 {
        let members: Vec<usize> = (0..values.nrows()).filter(|&row| result.assignments[row] == cluster).collect();
        assert_eq!(members.len(), result.sizes[cluster]);
        let mean = values.select(ndarray::Axis(0), &members).mean_axis(ndarray::Axis(0)).unwrap();
        assert!((&mean - &result.centroids.row(cluster)).iter().all(|difference| difference.abs() < 1e-9));
    }
}

/// Ours draws the same starting centroids as linfa and moves them the same way, whatever is left out on the way.
#[test]
fn our_solver_gives_what_linfa_gives_bit_for_bit() {
    use rand::Rng;
    let mut random = atmoscope::random::generator(3, "values");
    for (rows, columns, clusters) in [(300, 1, 3), (500, 2, 9), (2000, 16, 5), (1000, 33, 12), (9, 4, 7)] {
        // Half of them in heaps, some twice, so that ties and near ties are met.
        let mut values = Array2::from_shape_fn((rows, columns), |(row, _)| {
            let spread = if row % 2 == 0 { 0.05f32 } else { 1.0 };
            (row % 5) as f32 * 0.3 + random.gen_range(0.0..spread)
        });
        let copied = values.row(0).to_owned();
        values.row_mut(rows / 2).assign(&copied);
        let of = |solver| KMeansSettings { solver, ..settings(clusters) };
        let ours = kmeans(values.view(), &of(Solver::Vectorised), &Cancel::new()).unwrap();
        let theirs = kmeans(values.view(), &of(Solver::Linfa), &Cancel::new()).unwrap();
        assert_eq!(ours, theirs, "{rows} × {columns}, K = {clusters}");
        // The same numbers in double precision.
        let wide = kmeans(values.mapv(f64::from).view(), &of(Solver::Vectorised), &Cancel::new()).unwrap();
        assert_eq!(ours, wide);
    }
}

#[test]
fn equal_sizes_are_numbered_by_their_first_member() {
    let values = array![[9.0], [0.0], [9.1], [0.1], [5.0]];
    let result = kmeans(values.view(), &settings(3), &Cancel::new()).unwrap();
    assert_eq!(result.assignments, [0, 1, 0, 1, 2]);
    assert_eq!(result.sizes, [2, 2, 1]);
}

#[test]
fn as_many_clusters_as_distinct_points() {
    let values = array![[1.0, 0.0], [1.0, -0.0], [2.0, 0.0], [2.0, 0.0], [3.0, 0.0], [1e-9, 0.0]];
    for clusters in 1..=4 {
        let result = kmeans(values.view(), &settings(clusters), &Cancel::new()).unwrap();
        assert!(result.sizes.iter().all(|&size| size > 0));
    }
    assert_eq!(kmeans(values.view(), &settings(4), &Cancel::new()).unwrap().sse, 0.0);
    let error = kmeans(values.view(), &settings(5), &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::User);
    assert!(error.message.contains("5 clusters") && error.message.contains("only 4 distinct"), "{error}");
}

#[test]
fn wrong_requests_are_explained() {
    let values = array![[1.0, 2.0], [3.0, f64::NAN]];
    let error = kmeans(values.view(), &settings(1), &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Data);
    assert!(error.message.contains("NaN in row 2 and column 2"), "{error}");

    let values = array![[1.0], [2.0]];
    for (wrong, words) in [
        (settings(0), "clusters (K) is 0"),
        (KMeansSettings { restarts: 0, ..settings(1) }, "restarts"),
        (KMeansSettings { max_iterations: 0, ..settings(1) }, "max_iterations"),
        (KMeansSettings { tolerance: 0.0, ..settings(1) }, "tolerance"),
        (KMeansSettings { tolerance: f64::NAN, ..settings(1) }, "tolerance"),
    ] {
        let error = kmeans(values.view(), &wrong, &Cancel::new()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message.contains(words), "{error}");
    }
    let none = Array2::<f64>::zeros((0, 3));
    assert_eq!(kmeans(none.view(), &settings(1), &Cancel::new()).unwrap_err().kind, ErrorKind::User);

    let cancel = Cancel::new();
    cancel.cancel();
    assert!(kmeans(values.view(), &settings(1), &cancel).unwrap_err().is_cancelled());
}

#[derive(Default)]
struct Listener {
    progress: Mutex<Vec<usize>>,
    notes: Mutex<Vec<String>>,
}

impl Observer for Listener {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress.done);
    }

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn elbow_finds_the_number_of_blobs() {
    // Three blobs as far from one another.
    let corners = [[0.0, 0.0], [10.0, 0.0], [5.0, 8.66]];
    let values = Array2::from_shape_fn((60, 2), |(i, j)| corners[i % 3][j] + ((i * 7 + j * 3) % 11) as f64 / 11.0);
    let listener = Listener::default();
    let curve = elbow(values.view(), 1..=8, &KMeansSettings::default(), &listener, &Cancel::new()).unwrap();
    assert_eq!(curve.knee, Some(3));
    assert_eq!(curve.points.iter().map(|point| point.clusters).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    assert!(curve.points.is_sorted_by(|a, b| a.sse >= b.sse));
    assert_eq!(*listener.progress.lock().unwrap(), (0..=8).collect::<Vec<_>>());

    let few = array![[0.0], [1.0], [5.0]];
    let curve = elbow(few.view(), 1..=9, &KMeansSettings::default(), &listener, &Cancel::new()).unwrap();
    assert_eq!(curve.points.len(), 3);
    assert!(listener.notes.lock().unwrap()[0].contains("stops at 3"));
    for range in [0..=3, 4..=5] {
        assert!(elbow(few.view(), range, &KMeansSettings::default(), &Silent, &Cancel::new()).is_err());
    }
}

#[test]
fn agglomerative_clusters_are_those_of_scikit_learn() {
    for case in golden("clusterers.json").as_array().unwrap() {
        let values = matrix(&case["values"]).mapv(|value| value as f32);
        let settings = ClusterSettings { clusters: case["clusters"].as_u64().unwrap() as usize, seed: 1 };
        for (linkage, labels) in case["labels"].as_object().unwrap() {
            let method: Method = format!("agglomerative-{linkage}").parse().unwrap();
            let found = method.fit(values.view(), &settings, &Cancel::new()).unwrap();
            let same = adjusted_rand_index(&found.assignments, &integers(labels)).unwrap();
            assert_eq!(same, 1.0, "{method} of {}", values.nrows());
        }
    }
}

/// Directions alone decide: rows that are multiples of one another come together.
#[test]
fn spherical_clusters_do_not_see_lengths() {
    let directions = [[1.0f32, 0.1, 0.0], [0.1, 1.0, 0.1], [0.0, 0.2, 1.0]];
    let values = Array2::from_shape_fn((90, 3), |(row, column)| {
        let length = [0.01, 1.0, 30.0][row / 3 % 3];
        length * (directions[row % 3][column] + (row * (column + 2) % 5) as f32 * 0.01)
    });
    let settings = ClusterSettings { clusters: 3, seed: 1 };
    let method: Method = "spherical-k-means".parse().unwrap();
    let found = method.fit(values.view(), &settings, &Cancel::new()).unwrap();
    assert_eq!(found.assignments, (0..90).map(|row| row % 3).collect::<Vec<_>>());
    let plain = Method::default().fit(values.view(), &settings, &Cancel::new()).unwrap();
    assert_ne!(plain.assignments, found.assignments);
    let mut with_nothing = values.clone();
    with_nothing.row_mut(7).fill(0.0);
    let error = method.fit(with_nothing.view(), &settings, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("1 of the images"), "{error}");
}

/// Whoever moves on does not wait for numbers that nobody wants any more: long work asks again and again whether it is
/// still wanted, and ends when it is not.
#[test]
fn long_work_is_held_and_stopped_in_the_middle() {
    use rand::Rng;
    let mut random = atmoscope::random::generator(5, "values");
    let values = Array2::from_shape_fn((60_000, 16), |_| random.gen_range(0.0f32..1.0));
    let assignments: Vec<usize> = (0..60_000).map(|row| row % 5).collect();
    let held_and_stopped = |work: &(dyn Fn(&Cancel) -> atmoscope::error::Result<()> + Sync)| {
        let cancel = Cancel::new();
        std::thread::scope(|scope| {
            let working = scope.spawn(|| work(&cancel));
            // Each time it waits anew, it has asked anew.
            for _ in 0..20 {
                cancel.pause();
                poll("the work to wait", || {
                    assert!(!working.is_finished(), "it was done before it asked");
                    cancel.is_waiting().then_some(())
                });
                cancel.go_on();
                poll("the work to go on", || (!cancel.is_waiting()).then_some(()));
            }
            cancel.cancel();
            assert!(working.join().unwrap().unwrap_err().is_cancelled());
        });
    };
    held_and_stopped(&|cancel| silhouette(values.view(), &assignments, 1, cancel).map(drop));
    held_and_stopped(&|cancel| elbow(values.view(), 2..=40, &KMeansSettings::default(), &Silent, cancel).map(drop));
}

/// Separable groups of any shape are found; elsewhere clusters are those of scikit-learn on the same affinity.
#[test]
fn spectral_clusters_are_those_of_scikit_learn() {
    for (name, case) in golden("spectral.json").as_object().unwrap() {
        let values = matrix(&case["values"]).mapv(|value| value as f32);
        let settings = ClusterSettings { clusters: case["clusters"].as_u64().unwrap() as usize, seed: 1 };
        for way in ["spectral", "spectral-gaussian"] {
            let method: Method = way.parse().unwrap();
            let found = method.fit(values.view(), &settings, &Cancel::new()).unwrap();
            let same = |labels: &serde_json::Value| adjusted_rand_index(&found.assignments, &integers(labels)).unwrap();
            let (ours, theirs) = (same(&case[way]["labels"]), same(&case[way]["scikit_learn"]));
            println!("{name}, {way}: {ours} of the same steps, {theirs} of scikit-learn");
            assert!(ours >= 0.95, "{name}, {way}: {ours}");
            if let Some(truth) = case.get("truth") {
                assert_eq!((ours, theirs), (1.0, 1.0), "{name}, {way}");
                if name != "blobs" {
                    assert_eq!(same(truth), 1.0, "{name}, {way}");
                }
            }
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            let alone = pool.install(|| method.fit(values.view(), &settings, &Cancel::new())).unwrap();
            assert_eq!(alone, found, "{name}, {way}");
        }
    }
}
