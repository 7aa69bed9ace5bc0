"""Makes score_list.json: every score of the list, by scikit-learn (and numpy for what it lacks).

    python tests/goldens/make_scores.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn import metrics

HERE = Path(__file__).parent


def entropy(clusters, groups):
    """The paper's H: the entropy of the groups in each cluster to the base of their number, weighted by size."""
    number = len(np.unique(groups))
    if number == 1:
        return 0.0
    sum_ = 0.0
    for cluster in np.unique(clusters):
        inside = groups[clusters == cluster]
        shares = np.unique(inside, return_counts=True)[1] / len(inside)
        sum_ += -(shares * np.log(shares)).sum() / np.log(number) * len(inside)
    return sum_ / len(groups)


def scores(values, clusters, groups):
    first, second = np.triu_indices(len(values), 1)
    distances = np.sqrt(((values[first] - values[second]) ** 2).sum(axis=1))
    together = groups[first] == groups[second]
    centroids = {cluster: values[clusters == cluster].mean(axis=0) for cluster in np.unique(clusters)}
    defined = 2 <= len(centroids) < len(values)
    several = len(np.unique(groups)) > 1
    return {
        "silhouette": metrics.silhouette_score(values, clusters) if defined else None,
        "davies_bouldin": metrics.davies_bouldin_score(values, clusters) if defined else None,
        "sse": sum(((row - centroids[cluster]) ** 2).sum() for row, cluster in zip(values, clusters)),
        "entropy": entropy(clusters, groups),
        "adjusted_rand_index": metrics.adjusted_rand_score(groups, clusters) if several else None,
        "adjusted_mutual_information": metrics.adjusted_mutual_info_score(groups, clusters) if several else None,
        "v_measure": metrics.v_measure_score(groups, clusters) if several else None,
        "pair_auc": metrics.roc_auc_score(together, -distances) if together.any() and not together.all() else None,
    }


def case(images, columns, clusters, groups, seed, whole=False):
    random = np.random.default_rng(seed)
    values = random.normal(size=(images, columns))
    values += 2.0 * random.normal(size=(clusters, columns))[np.arange(images) % clusters]
    # What single precision holds; whole numbers make ties.
    values = np.round(values) if whole else values.astype(np.float32).astype(np.float64)
    labels = np.where(random.random(images) < 0.7, np.arange(images) % clusters, random.integers(clusters, size=images))
    labels[:clusters] = np.arange(clusters)
    people = np.where(random.random(images) < 0.5, np.arange(images) % groups, random.integers(groups, size=images))
    return {
        "values": values.tolist(),
        "clusters": labels.tolist(),
        "groups": people.tolist(),
        "scores": scores(values, labels, people),
    }


CASES = [
    case(60, 4, 5, 4, 1),
    case(41, 1, 3, 6, 2, whole=True),
    case(30, 9, 2, 1, 3),
    case(12, 2, 1, 3, 4),
    case(100, 3, 8, 8, 5, whole=True),
]
(HERE / "score_list.json").write_text(json.dumps(CASES, separators=(",", ":")) + "\n")
