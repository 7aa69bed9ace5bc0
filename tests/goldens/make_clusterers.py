"""Makes clusterers.json: agglomerative clusters by scikit-learn.

    python tests/goldens/make_clusterers.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn.cluster import AgglomerativeClustering

HERE = Path(__file__).parent
CASES = []
for images, columns, clusters, seed in [(40, 2, 4, 1), (75, 6, 7, 2), (120, 16, 5, 3)]:
    random = np.random.default_rng(seed)
    values = random.normal(size=(images, columns)).astype(np.float32).astype(np.float64)
    labels = {
        linkage: AgglomerativeClustering(clusters, linkage=linkage).fit_predict(values).tolist()
        for linkage in ["ward", "average", "complete", "single"]
    }
    CASES.append({"clusters": clusters, "values": values.tolist(), "labels": labels})
(HERE / "clusterers.json").write_text(json.dumps(CASES, separators=(",", ":")) + "\n")
