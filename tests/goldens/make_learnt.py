"""Makes learnt.json: memberships learnt from groupings, by scikit-learn.

    python tests/goldens/make_learnt.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
CASES = []
# The second case has more features than training pictures, the third more than are kept as components.
for images, columns, training, lambda_, seed in [(70, 6, 50, 30.0, 1), (60, 80, 45, 3000.0, 2), (150, 120, 130, 100.0, 3)]:
    random = np.random.default_rng(seed)
    values = (random.normal(size=(images, columns)) * random.uniform(0.1, 9, columns)).round(3).astype(np.float32)
    hidden = values[:, :3].astype(np.float64) @ random.normal(size=(3, 3))
    sorts = []
    for rater, condition, kept in [("Ann", "1", training), ("Ann", "2", training), ("Ben", "1", training - 7)]:
        groups = (hidden + random.normal(size=hidden.shape)).argmax(1)
        sorts.append({"rater": rater, "condition": condition, "groups": groups[:kept].tolist()})
    wide = values.astype(np.float64)
    scaler = StandardScaler().fit(wide[:training])
    pca = PCA(min(100, columns, training - 1), svd_solver="full").fit(scaler.transform(wide[:training]))
    parts = pca.transform(scaler.transform(wide))
    told = []
    for sort in sorts:
        groups = np.array(sort["groups"])
        for group in np.unique(groups):
            members = (groups == group).astype(float)
            column = (members - members.mean()) / np.sqrt(members.mean())
            told.append(Ridge(lambda_, solver="cholesky").fit(parts[: len(groups)], column).predict(parts))
    CASES.append({
        "values": [[float(f"{v:.6g}") for v in row] for row in values.astype(np.float64)],
        "training": training,
        "lambda": lambda_,
        "sorts": sorts,
        # Of the last twenty images, none of which taught.
        "told": np.array(told).T[-20:].round(9).tolist(),
    })
(HERE / "learnt.json").write_text(json.dumps(CASES, separators=(",", ":")) + "\n")
