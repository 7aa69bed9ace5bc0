"""The paper's comparison by other means: PyTorch, OpenCV and scikit-learn, beside Atmoscope's numbers.

    atmoscope experiment PROJECT tests/independent/paper.toml --name independent --out rows.csv
    atmoscope features export PROJECT "independent: words, seed 1" --part test --out features.csv
    atmoscope cluster PROJECT --features "independent: words, seed 1" -k 5 --out clusters.csv --scores scores.csv
    python tests/independent/paper.py DATA WEIGHTS PROJECT rows.csv features.csv clusters.csv scores.csv

DATA holds images/, labels.csv and groupings.csv; WEIGHTS are those of VGG16 as safetensors. Scores of the same features and clusters must agree to 1e-6, but for what is drawn by chance;
the means of each method made from the pictures must lie within the spread of the seeds.
"""

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load_file
from sklearn.cluster import KMeans
from sklearn.metrics import (adjusted_mutual_info_score, adjusted_rand_score, davies_bouldin_score, roc_auc_score,
                             silhouette_score, v_measure_score)

SIZE = 384


def read(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def entropy(clusters, groups):
    """Section IV.B.2: the mean over clusters of the entropy of groups, to the base of the number of groups."""
    total, base = 0.0, len(set(groups))
    for cluster in set(clusters):
        of = [group for one, group in zip(clusters, groups) if one == cluster]
        shares = np.array([of.count(group) for group in set(of)]) / len(of)
        total += -(shares * np.log(shares)).sum() / np.log(base) * len(of) if base > 1 else 0.0
    return total / len(clusters)


def pair_auc(values, groups):
    values = np.asarray(values, np.float64)
    distances = ((values[:, None] - values[None]) ** 2).sum(-1)
    above = np.triu_indices(len(values), 1)
    together = np.equal.outer(np.array(groups), np.array(groups))[above]
    return roc_auc_score(together, -distances[above])


def against(values, clusters, groups):
    return {
        "entropy": entropy(clusters, groups),
        "adjusted_rand_index": adjusted_rand_score(groups, clusters),
        "adjusted_mutual_information": adjusted_mutual_info_score(groups, clusters),
        "v_measure": v_measure_score(groups, clusters),
        "pair_auc": pair_auc(values, groups),
    }


def groupings(path):
    found = defaultdict(dict)
    for row in read(path):
        found[row["rater"], row["condition"]][row["image"]] = row["group"]
    return found


def same_scores(data, features, clusters, scores):
    """Scores of the features and clusters that Atmoscope wrote."""
    values = {row["image"]: [np.float32(v) for k, v in row.items() if k != "image"] for row in read(features)}
    assigned = {row["image"]: row["cluster"] for row in read(clusters)}
    images = list(assigned)
    matrix = np.array([values[image] for image in images], np.float64)
    labels = [assigned[image] for image in images]
    ours = {"silhouette": silhouette_score(matrix, labels), "davies_bouldin": davies_bouldin_score(matrix, labels)}
    by_rater = groupings(data / "groupings.csv")
    largest, compared = 0.0, 0
    for row in read(scores):
        if not row["condition"]:
            expected = ours.get(row["score"])
        elif row["rater"]:
            groups = by_rater[row["rater"], row["condition"]]
            both = [image for image in images if image in groups]
            rows = [images.index(image) for image in both]
            expected = against(matrix[rows], [assigned[image] for image in both],
                               [groups[image] for image in both]).get(row["score"])
        else:
            continue
        if expected is not None:
            compared += 1
            largest = max(largest, abs(float(row["value"]) - expected))
    print(f"{compared} scores of the same features and clusters: largest difference {largest:.1e}")
    assert compared > 30 and largest < 1e-6


def square(path):
    """Shorter side to 384, then the middle."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    scale = SIZE / min(image.size)
    size = [max(SIZE, round(side * scale)) for side in image.size]
    image = np.asarray(image.resize(size, Image.LANCZOS))
    top, left = (image.shape[0] - SIZE) // 2, (image.shape[1] - SIZE) // 2
    return np.ascontiguousarray(image[top:top + SIZE, left:left + SIZE])


def vgg16(weights):
    layers, inputs = [], iter(sorted({int(name.split(".")[1]) for name in weights}))
    for block in [2, 2, 3, 3, 3]:
        for _ in range(block):
            number = next(inputs)
            layers.append((weights[f"features.{number}.weight"].float(), weights[f"features.{number}.bias"].float()))
        layers.append(None)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]

    def pooled(picture):
        x = ((torch.tensor(picture).permute(2, 0, 1).float() / 255 - mean) / deviation)[None]
        for layer in layers:
            x = F.max_pool2d(x, 2) if layer is None else F.relu(F.conv2d(x, *layer, padding=1))
        return x.mean((2, 3))[0]

    return pooled


def trained(features, targets, validation, validation_targets, seed):
    """Head alone: 512 hidden, dropout a half, Adam at 1e-3, batches of 64, 50 epochs, best by validation loss."""
    torch.manual_seed(seed)
    head = torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Dropout(0.5),
                               torch.nn.Linear(512, targets.shape[1]))
    optimiser = torch.optim.Adam(head.parameters(), 1e-3)
    best = (np.inf, None)
    for _ in range(50):
        head.train()
        for batch in torch.randperm(len(features)).split(64):
            optimiser.zero_grad()
            F.binary_cross_entropy_with_logits(head(features[batch]), targets[batch]).backward()
            optimiser.step()
        head.eval()
        with torch.no_grad():
            loss = F.binary_cross_entropy_with_logits(head(validation), validation_targets).item()
        if loss < best[0]:
            best = (loss, {name: value.clone() for name, value in head.state_dict().items()})
    head.load_state_dict(best[1])
    return head


def local_descriptors(squares):
    found = {}
    sift = cv2.SIFT_create()
    for image, picture in squares.items():
        _, descriptors = sift.detectAndCompute(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), None)
        found[image] = np.zeros((0, 128), np.float32) if descriptors is None else descriptors
    return found


def histograms(found, training, seed):
    random = np.random.default_rng(seed)
    each = 50_000 // len(training)
    drawn = [found[i][random.permutation(len(found[i]))[:each]] for i in training]
    words = KMeans(500, n_init=1, max_iter=20, random_state=seed).fit(np.concatenate(drawn))
    rows = {}
    for image, descriptors in found.items():
        counts = np.bincount(words.predict(descriptors), minlength=500) if len(descriptors) else np.zeros(500)
        rows[image] = counts / max(counts.sum(), 1)
    return rows


def own_pipeline(data, weights, project, rows):
    pictures = json.loads((project / "experiments/independent/experiment.json").read_text())["manifest"]["pictures"]
    part = {image: facts["part"] for image, facts in pictures.items() if facts.get("part")}
    labelled = {row["image"]: [float(v) for k, v in row.items() if k != "image"] for row in read(data / "labels.csv")}
    of = lambda name: [image for image, one in part.items() if one == name]
    train, validation, test = of("train"), of("validation"), of("test")
    squares = {image: square(data / "images" / image) for image in part}
    pooled = vgg16(load_file(weights))
    with torch.no_grad():
        features = {image: pooled(picture) for image, picture in squares.items()}
    stack = lambda images: torch.stack([features[image] for image in images])
    targets = lambda images: torch.tensor([labelled[image] for image in images])
    descriptors = local_descriptors(squares)
    by_rater = groupings(data / "groupings.csv")
    found = defaultdict(list)
    for seed in range(1, 6):
        head = trained(stack(train), targets(train), stack(validation), targets(validation), seed)
        words = histograms(descriptors, train, seed)
        with torch.no_grad():
            methods = {
                "intensities": torch.sigmoid(head(stack(test))).numpy(),
                "words": np.array([words[image] for image in test]),
                "labels": targets(test).numpy(),
            }
        for method, values in methods.items():
            for clusters in [4, 5]:
                labels = KMeans(clusters, n_init=10, random_state=seed).fit_predict(values)
                found[method, clusters, "", "silhouette"].append(silhouette_score(values, labels))
                for condition in ["1", "2"]:
                    scores = defaultdict(list)
                    for (rater, of_condition), groups in by_rater.items():
                        if of_condition == condition:
                            for name, score in against(values, labels.tolist(), [groups[image] for image in test]).items():
                                scores[name].append(score)
                    for name, values_of in scores.items():
                        found[method, clusters, condition, name].append(np.mean(values_of))
    theirs = defaultdict(list)
    for row in read(rows):
        if not row["rater"] and row["value"]:
            theirs[row["method"], int(row["clusters"]), row["condition"], row["score"]].append(float(row["value"]))
    outside, compared = [], 0
    for key, values in sorted(found.items()):
        if not theirs[key]:
            continue
        compared += 1
        a, b = np.array(values), np.array(theirs[key])
        # Within two deviations of the seeds of both, and never closer than what a picture or two moves.
        spread = max(2 * (a.std(ddof=1) + (b.std(ddof=1) if len(b) > 1 else 0)), 0.015)
        mark = "" if abs(a.mean() - b.mean()) <= spread else "  <-- outside"
        outside += [key] * bool(mark)
        print(f"{key}: here {a.mean():.3f} ± {a.std(ddof=1):.3f}, Atmoscope {b.mean():.3f} ± "
              f"{b.std(ddof=1) if len(b) > 1 else 0:.3f}{mark}")
    print(f"{compared} means compared, {len(outside)} outside the spread of the seeds")


data, weights, project, rows, features, clusters, scores = map(Path, sys.argv[1:8])
same_scores(data, features, clusters, scores)
own_pipeline(data, weights, project, rows)
