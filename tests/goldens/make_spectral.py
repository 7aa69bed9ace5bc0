"""Makes spectral.json: spectral clusters by NumPy and scikit-learn (Ng, Jordan and Weiss 2001).

    python tests/goldens/make_spectral.py [FEATURES.csv ...]

Each further file holds features as `atmoscope features export` writes them; its clusters stand in the golden with the values.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.datasets import make_circles, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

HERE = Path(__file__).parent


def nearest(values):
    """Half a point for each of the two that has the other among its ten nearest, without itself."""
    graph = NearestNeighbors(n_neighbors=10).fit(values).kneighbors_graph().toarray()
    return (graph + graph.T) / 2


def gaussian(values):
    """exp(-d² / (s_i s_j)), s being the distance to the seventh neighbour (Zelnik-Manor and Perona 2004)."""
    squares = ((values[:, None] - values[None]) ** 2).sum(-1)
    scales = NearestNeighbors(n_neighbors=7).fit(values).kneighbors()[0][:, -1]
    strengths = np.exp(-squares / np.outer(scales, scales))
    np.fill_diagonal(strengths, 0)
    return strengths


def clusters_of(strengths, clusters):
    """Ng, Jordan and Weiss, and what scikit-learn makes of the same affinity."""
    roots = 1 / np.sqrt(strengths.sum(1))
    _, vectors = np.linalg.eigh(strengths * roots[:, None] * roots[None])
    rows = vectors[:, -clusters:]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    ours = KMeans(clusters, n_init=100, random_state=1).fit_predict(rows)
    theirs = SpectralClustering(
        clusters, affinity="precomputed", n_init=100, random_state=1, assign_labels="kmeans"
    ).fit_predict(strengths)
    return ours, theirs


cases = {}
moons, moons_truth = make_moons(200, noise=0.05, random_state=1)
cases["moons"] = (moons, 2, moons_truth)
rings, rings_truth = make_circles(240, noise=0.03, factor=0.4, random_state=2)
cases["rings"] = (rings, 2, rings_truth)
random = np.random.default_rng(3)
truth = np.arange(150) % 5
cases["blobs"] = (random.normal(size=(5, 8))[truth] * 4 + random.normal(size=(150, 8)), 5, truth)
for path in sys.argv[1:]:
    with open(path) as file:
        rows = list(csv.reader(file))[1:]
    for clusters in [5, 8]:
        values = np.array([[float(value) for value in row[1:]] for row in rows])
        cases[f"{Path(path).stem}, K = {clusters}"] = (values, clusters, None)

found = {}
for name, (values, clusters, truth) in cases.items():
    values = values.astype(np.float32).astype(np.float64)
    entry = {"clusters": clusters, "values": [[float(f"{v:.9g}") for v in row] for row in values]}
    if truth is not None:
        entry["truth"] = truth.tolist()
    for way, affinity in [("spectral", nearest), ("spectral-gaussian", gaussian)]:
        ours, theirs = clusters_of(affinity(values), clusters)
        print(name, way, "against scikit-learn", round(adjusted_rand_score(ours, theirs), 3))
        entry[way] = {"labels": ours.tolist(), "scikit_learn": theirs.tolist()}
    found[name] = entry
(HERE / "spectral.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
