"""Makes real_raters.json: agreement of the raters of the real illustrations with scikit-learn and SciPy.

    ATMOSCOPE_TEST_DATA=<folder that holds illustrations/> python tests/goldens/make_real_raters.py
"""

import csv
import itertools
import json
import os
from pathlib import Path

import numpy as np
import sklearn
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn import metrics
from sklearn.cluster import AgglomerativeClustering

HERE = Path(__file__).parent
FILE = Path(os.environ["ATMOSCOPE_TEST_DATA"]) / "illustrations/groupings.csv"


def entropy(clusters, groups):
    """H of the paper, section IV.B.2."""
    kinds = np.unique(groups)
    total = 0.0
    for cluster in np.unique(clusters):
        inside = groups[clusters == cluster]
        shares = np.array([(inside == kind).mean() for kind in kinds])
        shares = shares[shares > 0]
        total += -(shares * np.log(shares)).sum() / np.log(len(kinds)) * len(inside)
    return total / len(clusters)


def main():
    placed = {}
    with open(FILE, encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            placed.setdefault(row["condition"], {}).setdefault(row["rater"], {})[row["image"]] = row["group"]
    conditions = {}
    for condition, raters in sorted(placed.items()):
        images = sorted(set().union(*raters.values()))
        names = sorted(raters)
        labels = {
            name: np.unique([raters[name][image] for image in images], return_inverse=True)[1] for name in names
        }
        pairs = []
        for first, second in itertools.combinations(names, 2):
            a, b = labels[first], labels[second]
            pairs.append(
                {
                    "first": first,
                    "second": second,
                    "adjusted_rand_index": metrics.adjusted_rand_score(a, b),
                    "adjusted_mutual_information": metrics.adjusted_mutual_info_score(a, b),
                    "v_measure": metrics.v_measure_score(a, b),
                    "entropy_of_first": entropy(a, b),
                    "entropy_of_second": entropy(b, a),
                }
            )
        together = np.mean([labels[name][:, None] == labels[name][None, :] for name in names], axis=0)
        count = len(names)
        k = together * count
        disagreement = 2 * k * (count - k) / (count * (count - 1))
        np.fill_diagonal(disagreement, 0)
        by_image = disagreement.sum(axis=1) / (len(images) - 1)
        levels = {}
        for level in [0.3, 0.5, 0.7]:
            found = AgglomerativeClustering(
                n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - level + 1e-9
            ).fit_predict(1 - together)
            levels[str(level)] = {
                "groups": int(found.max() + 1),
                "mean_rand_index": float(np.mean([metrics.adjusted_rand_score(found, labels[n]) for n in names])),
            }
        best = max(
            np.mean([metrics.adjusted_rand_score(candidate, labels[n]) for n in names])
            for candidate in [labels[n] for n in names]
            + [
                fcluster(linkage(squareform(1 - together, checks=False), "average"), groups, "maxclust")
                for groups in range(2, 40)
            ]
        )
        conditions[condition] = {
            "pairs": pairs,
            "together_mean": float(together[np.triu_indices(len(images), 1)].mean()),
            "disagreement": {image: float(value) for image, value in zip(images, by_image)},
            "levels": levels,
            "best_candidate_rand_index": float(best),
            "raters_among_themselves": float(
                np.mean([value for pair in pairs for value in (pair["entropy_of_first"], pair["entropy_of_second"])])
            ),
        }
    value = {"scikit-learn": sklearn.__version__, "conditions": conditions}
    (HERE / "real_raters.json").write_text(json.dumps(value, indent=1) + "\n")


main()
