"""The peer of `cargo bench --bench numbers`: k-means and the silhouette of the same numbers in scikit-learn.

    python benches/scikit_learn.py

Each line of standard input asks for one measurement, as JSON: `what` (`"kmeans"` or `"silhouette"`), `file` (rows × columns
values of eight bytes, little endian), `columns`, and for k-means `clusters` and `restarts`, for the silhouette `labels` (a
file of as many whole numbers of eight bytes). The answer is one line of JSON: the seconds it took and the result. Needs
scikit-learn.
"""

import json
import sys
import time

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score


def measure(request):
    values = np.fromfile(request["file"], dtype="<f8").reshape(-1, request["columns"])
    if request["what"] == "kmeans":
        model = KMeans(request["clusters"], n_init=request["restarts"], random_state=1)
        started = time.perf_counter()
        model.fit(values)
        return time.perf_counter() - started, model.inertia_
    labels = np.fromfile(request["labels"], dtype="<i8")
    started = time.perf_counter()
    score = silhouette_score(values, labels)
    return time.perf_counter() - started, score


print(json.dumps({"threads": __import__("os").cpu_count()}), flush=True)
for line in sys.stdin:
    seconds, result = measure(json.loads(line))
    print(json.dumps({"seconds": seconds, "result": float(result)}), flush=True)
