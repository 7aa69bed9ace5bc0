"""Makes the expected values in this folder with PyTorch, torchvision and scikit-learn.

    python tests/goldens/make.py

Inputs are formulas that the tests repeat, or small enough to stand in the JSON files.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
import torch
import torchvision
from safetensors.torch import load_file
from scipy import ndimage, stats
from sklearn import cluster, datasets, metrics, neighbors

HERE = Path(__file__).parent
WEIGHTS = HERE / "../../assets/weights/vgg16-imagenet-features-f16.safetensors"


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=None, separators=(",", ":")) + "\n")


def numbers(tensor):
    return [float(value) for value in tensor.detach().double().flatten()]


def picture(size, seed):
    """RGB bytes: byte of channel c at (x, y) = (x * (3 + seed) + y * (5 + 2 c) + x * y // 7 + 40 c) mod 256."""
    y, x = np.mgrid[0:size, 0:size]
    channels = [(x * (3 + seed) + y * (5 + 2 * c) + x * y // 7 + 40 * c) % 256 for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def vgg16():
    network = torchvision.models.vgg16(weights=None).eval()
    weights = {name: value.float() for name, value in load_file(WEIGHTS).items()}
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert not unexpected and all(name.startswith("classifier") for name in missing)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    pools = [4, 9, 16, 23, 30]
    cases = []
    for size, seed in [(64, 0), (96, 1), (50, 2)]:
        image = torch.from_numpy(picture(size, seed)).permute(2, 0, 1).float() / 255
        values = ((image - mean) / deviation).unsqueeze(0)
        case = {"size": size, "seed": seed, "input_sum": float(values.double().sum()), "blocks": []}
        with torch.no_grad():
            for index, layer in enumerate(network.features):
                values = layer(values)
                if index in pools:
                    case["blocks"].append(numbers(values.mean(dim=(2, 3))))
        cases.append(case)
    write("vgg16.json", {"torchvision": torchvision.__version__, "cases": cases})


def formula(count, step):
    """Values in -1 to 1 that the tests repeat."""
    return torch.tensor([((i * step) % 1009) / 504.5 - 1 for i in range(count)], dtype=torch.float64)


def layers():
    """Convolution, ReLU and pooling with the gradients of sum(coefficient * result), in double precision."""
    cases = []
    for images, inputs, outputs, height, width, pool in [
        (2, 3, 5, 9, 7, False),
        (2, 3, 5, 9, 7, True),
        (1, 20, 18, 10, 13, False),
        (2, 16, 7, 6, 9, True),
        (1, 33, 4, 1, 5, False),
        (1, 18, 70, 4, 4, True),
    ]:
        x = formula(images * inputs * height * width, 7919).view(images, inputs, height, width).requires_grad_()
        w = formula(outputs * inputs * 9, 6007).view(outputs, inputs, 3, 3).requires_grad_()
        b = formula(outputs, 31).requires_grad_()
        y = torch.relu(torch.nn.functional.conv2d(x, w, b, padding=1))
        if pool:
            y = torch.nn.functional.max_pool2d(y, 2)
        (y * formula(y.numel(), 331).view(y.shape)).sum().backward()
        rounded = lambda tensor: [float(f"{value:.7g}") for value in numbers(tensor)]
        cases.append({
            "images": images, "inputs": inputs, "outputs": outputs, "height": height, "width": width, "pool": pool,
            "result": rounded(y), "input": rounded(x.grad), "weights": rounded(w.grad), "bias": rounded(b.grad),
        })
    write("layers.json", cases)


def vgg16_gradients():
    """Gradients of sum(coefficient * features) for every convolution of VGG16, for each way of pooling."""
    size = 64
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)
    images = [torch.from_numpy(picture(size, seed)).permute(2, 0, 1).double() / 255 for seed in range(2)]
    batch = torch.stack([(image - mean) / deviation for image in images])
    network = torchvision.models.vgg16(weights=None).features.double().eval()
    weights = load_file(WEIGHTS)
    network.load_state_dict({name.removeprefix("features."): value.double() for name, value in weights.items()})
    result = {"size": size}
    for name in ["mean", "statistics", "grid"]:
        network.zero_grad()
        values, blocks = batch, []
        for index, layer in enumerate(network):
            values = layer(values)
            if index in [23, 30]:
                blocks.append(values)
        if name == "mean":
            features = values.mean(dim=(2, 3))
        elif name == "statistics":
            parts = []
            for block in blocks:
                parts += [block.mean(dim=(2, 3)), (block.var(dim=(2, 3), unbiased=False) + 1e-6).sqrt()]
            features = torch.cat(parts, dim=1)
        else:
            features = torch.nn.functional.adaptive_avg_pool2d(values, 7).flatten(1)
        loss = (features * formula(features.numel(), 331).view(features.shape)).sum()
        loss.backward()
        gradients = {}
        for parameter_name, parameter in network.named_parameters():
            flat = parameter.grad.flatten()
            step = -(-len(flat) // 16)
            samples = flat[::step]
            # As many samples as the test takes with the same step.
            gradients[f"features.{parameter_name}"] = {
                "norm": float(flat.norm()), "largest": float(flat.abs().max()), "samples": numbers(samples),
            }
        result[name] = {"loss": loss.item(), "gradients": gradients}
    write("vgg16_gradients.json", result)


def fine_tuning():
    """Losses of five steps of Adam on the whole of VGG16 and a head, without dropout."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    images = [torch.from_numpy(picture(32, seed)).permute(2, 0, 1).float() / 255 for seed in range(4)]
    batch = torch.stack([(image - mean) / deviation for image in images])
    features = torchvision.models.vgg16(weights=None).features
    weights = load_file(WEIGHTS)
    features.load_state_dict({name.removeprefix("features."): value.float() for name, value in weights.items()})
    head = torch.nn.Sequential(torch.nn.Linear(512, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    with torch.no_grad():
        for parameter, step, scale in zip(head.parameters(), [7919, 31, 6007, 17], [0.05, 0.05, 0.2, 0.2]):
            parameter.copy_((formula(parameter.numel(), step) * scale).float().view(parameter.shape))
    targets = torch.tensor([float((i * 7) % 3 == 0) for i in range(12)]).view(4, 3)
    optimiser = torch.optim.Adam([
        {"params": features.parameters(), "lr": 1e-4}, {"params": head.parameters(), "lr": 1e-3},
    ])
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        logits = head(features(batch).mean(dim=(2, 3)))
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        value.backward()
        optimiser.step()
        losses.append(value.item())
    write("fine_tuning.json", {"losses": losses})


def loss():
    cases = []
    generator = torch.Generator().manual_seed(3)
    extreme = torch.tensor([[0.0, 100.0, -100.0, 1.0], [100.0, -100.0, 0.0, -1.0], [88.0, -104.0, 30.0, -30.0]])
    extreme_targets = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0]])
    usual = torch.randn(5, 4, generator=generator) * 3
    usual_targets = (torch.rand(5, 4, generator=generator) < 0.4).float()
    weights = torch.tensor([1.0, 2.5, 0.5, 7.0])
    for logits, targets in [(extreme, extreme_targets), (usual, usual_targets)]:
        for positive in [None, weights]:
            x = logits.clone().requires_grad_()
            value = torch.nn.functional.binary_cross_entropy_with_logits(x, targets, pos_weight=positive)
            value.backward()
            cases.append({
                "rows": len(logits),
                "logits": numbers(logits),
                "targets": numbers(targets),
                "positive_weights": None if positive is None else numbers(positive),
                "loss": float(value),
                "gradient": numbers(x.grad),
            })
    write("loss.json", cases)


def adam():
    """Minimises sum(a_i (w_i - b_i)^2 + sin(w_i)) for 20 steps."""
    a = torch.tensor([0.5, 1.0, 2.0, 10.0, 1e-3, 1e-9])
    b = torch.tensor([1.0, -2.0, 0.25, 3.0, 100.0, 0.0])
    w = torch.zeros(6, requires_grad=True)
    optimiser = torch.optim.Adam([w], lr=0.05)
    steps = []
    for _ in range(20):
        optimiser.zero_grad()
        (a * (w - b) ** 2 + torch.sin(w) * (a > 1e-6)).sum().backward()
        optimiser.step()
        steps.append(numbers(w))
    write("adam.json", {"a": numbers(a), "b": numbers(b), "learning_rate": 0.05, "steps": steps})


def partitions():
    random = np.random.default_rng(5)
    pairs = [
        ([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]),
        ([0, 0, 1, 1, 2, 2], [2, 2, 0, 0, 1, 1]),
        ([0, 0, 0, 0], [0, 1, 2, 3]),
        ([0, 1, 2, 3], [0, 0, 0, 0]),
        ([0, 0, 0], [0, 0, 0]),
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 0, 1, 1], [0, 1, 0, 1]),
        ([0], [0]),
        ([0, 1], [0, 0]),
    ]
    for images, clusters, groups in [(20, 3, 4), (120, 5, 8), (500, 8, 8), (60, 1, 5), (40, 30, 6)]:
        pairs.append((random.integers(0, clusters, images).tolist(), random.integers(0, groups, images).tolist()))
    truth = random.integers(0, 6, 200)
    noisy = np.where(random.random(200) < 0.3, random.integers(0, 6, 200), truth)
    pairs.append((noisy.tolist(), truth.tolist()))
    write("partitions.json", [
        {
            "clusters": clusters,
            "groups": groups,
            "adjusted_rand_index": metrics.adjusted_rand_score(groups, clusters),
            "adjusted_mutual_information": metrics.adjusted_mutual_info_score(groups, clusters),
            "v_measure": list(metrics.homogeneity_completeness_v_measure(groups, clusters)),
        }
        for clusters, groups in pairs
    ])


def silhouettes():
    random = np.random.default_rng(9)
    cases = []
    for images, width, clusters in [(30, 2, 3), (80, 5, 6), (600, 16, 5)]:
        assignments = random.integers(0, clusters, images)
        values = np.round(random.normal(size=(images, width)) + assignments[:, None] * 0.7, 4)
        cases.append((values, assignments))
    # A singleton, equal points, and a cluster of equal points only.
    cases.append((np.array([[0.0], [1.0], [2.0], [50.0]]), np.array([0, 0, 0, 1])))
    cases.append((np.array([[1.0, 1.0]] * 4), np.array([0, 0, 1, 1])))
    cases.append((np.array([[0.0], [0.0], [3.0], [5.0], [9.0]]), np.array([0, 0, 1, 1, 2])))
    write("silhouette.json", [
        {
            "values": values.tolist(),
            "assignments": assignments.tolist(),
            "mean": metrics.silhouette_score(values, assignments),
            "samples": metrics.silhouette_samples(values, assignments).tolist(),
        }
        for values, assignments in cases
    ])


def kmeans():
    cases = []
    for seed, (images, width, centres, clusters) in enumerate(
        [(120, 16, 5, 5), (90, 2, 3, 3), (200, 4, 8, 8), (60, 3, 1, 4), (40, 2, 4, 1)]
    ):
        values, _ = datasets.make_blobs(images, width, centers=centres, random_state=seed)
        values = np.round(values, 3)
        best = min(
            (cluster.KMeans(clusters, n_init=20, random_state=start, tol=0, max_iter=1000).fit(values) for start in range(5)),
            key=lambda model: model.inertia_,
        )
        cases.append({"values": values.tolist(), "clusters": clusters, "sse": best.inertia_, "labels": best.labels_.tolist()})
    write("kmeans.json", cases)


def multi_label():
    random = np.random.default_rng(11)
    cases = []
    for images, labels, digits in [(40, 6, 6), (30, 4, 1), (5, 3, 2), (1, 2, 2)]:
        targets = (random.random((images, labels)) < 0.3).astype(int)
        # Few digits make ties.
        scores = np.round(np.clip(0.35 * targets + random.random((images, labels)) * 0.65, 0, 1), digits).astype(np.float32)
        cases.append((scores, targets))
    cases.append((np.full((4, 2), 0.5, np.float32), np.array([[1, 0], [0, 0], [1, 0], [0, 0]])))
    thresholds = 0.5
    result = []
    for scores, targets in cases:
        predicted = (scores >= thresholds).astype(int)
        result.append({
            "labels": targets.shape[1],
            "scores": [float(value) for value in scores.flatten()],
            "targets": targets.flatten().tolist(),
            "average_precision": [
                metrics.average_precision_score(targets[:, i], scores[:, i]) if targets[:, i].any() else None
                for i in range(targets.shape[1])
            ],
            "micro_f1": metrics.f1_score(targets, predicted, average="micro", zero_division=0),
            "macro_f1": metrics.f1_score(targets, predicted, average="macro", zero_division=0),
            "hamming_loss": metrics.hamming_loss(targets, predicted),
        })
    write("multi_label.json", result)


def augmentation():
    """Bilinear affine mapping with reflection at the edge (d c b a | a b c d | d c b a), by SciPy."""
    size = 16
    image = picture(size, 3).astype(np.float64)
    centre = (size - 1) / 2
    cases = []
    for degrees, share, mirrored in [(30, 0, False), (-45, 0.1, True), (12.5, -0.07, False), (90, 0.05, True), (0, 0.33, True)]:
        angle = np.deg2rad(degrees)
        # From the place in the copy (row, column) to the place in the picture.
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        offset = turn @ np.array([-centre - share * size, -centre])
        source = image[:, ::-1] if mirrored else image
        copy = np.stack(
            [
                ndimage.affine_transform(source[..., c], turn, offset + centre, order=1, mode="reflect")
                for c in range(3)
            ],
            axis=-1,
        )
        cases.append({
            "rotation_degrees": degrees,
            "translation_share": share,
            "mirrored": mirrored,
            "pixels": [round(float(value), 3) for value in copy.flatten()],
        })
    write("augmentation.json", {"size": size, "seed": 3, "cases": cases})


def mlsmote():
    """MLSMOTE by its definition: neighbours by scikit-learn, everything else counted in plain loops."""
    random = np.random.default_rng(21)
    cases = []
    for rows, width, labels, k in [(60, 8, 7, 5), (25, 3, 4, 2), (12, 2, 5, 5)]:
        rates = 0.7 / (1 + np.arange(labels))
        targets = (random.random((rows, labels)) < rates).astype(int)
        if labels == 5:
            targets[:, 4] = 0
        features = np.round(random.normal(size=(rows, width)) + targets[:, :1], 3).astype(np.float32)
        counts = [int(sum(row[label] for row in targets)) for label in range(labels)]
        ratios = [max(counts) / count if count else None for count in counts]
        known = [ratio for ratio in ratios if ratio is not None]
        mean_ratio = sum(known) / len(known)
        minority = [label for label in range(labels) if ratios[label] is not None and ratios[label] > mean_ratio]
        scumbles = []
        for row in targets:
            own = [ratios[label] for label in range(labels) if row[label]]
            scumbles.append(1 - np.prod(own) ** (1 / len(own)) / (sum(own) / len(own)) if own else 0)
        samples = []
        for label in minority:
            bag = np.flatnonzero(targets[:, label])
            if len(bag) < 2:
                continue
            near = neighbors.NearestNeighbors(n_neighbors=min(k + 1, len(bag)), algorithm="brute").fit(features[bag])
            for row, found in zip(bag, near.kneighbors(features[bag], return_distance=False)):
                found = [int(bag[i]) for i in found if bag[i] != row]
                voters = [int(row), *found]
                voted = [l for l in range(labels) if sum(targets[v][l] for v in voters) > len(voters) / 2]
                samples.append({"made_for": [label, int(row)], "neighbours": found, "labels": voted})
        cases.append({
            "labels": labels,
            "width": width,
            "neighbours": k,
            "features": [round(float(value), 3) for value in features.flatten()],
            "targets": targets.flatten().tolist(),
            "counts": counts,
            "ratios": ratios,
            "mean_ratio": mean_ratio,
            "minority": minority,
            "scumble": float(np.mean(scumbles)),
            "co_occurrence": (targets.T @ targets).flatten().tolist(),
            "samples": samples,
            "counts_after": [counts[l] + sum(l in sample["labels"] for sample in samples) for l in range(labels)],
        })
    write("mlsmote.json", cases)


def entropy_against(clusters, groups):
    """Entropy of clusters against groups (Kubota and Okuda, IV.B.2), by SciPy's entropy of each cluster."""
    used = np.unique(groups)
    if len(used) == 1:
        return 0.0
    total = 0.0
    for one in np.unique(clusters):
        inside = groups[clusters == one]
        total += len(inside) * stats.entropy([np.sum(inside == group) for group in used], base=len(used))
    return float(total / len(groups))


def pair_scores(a, b):
    """Two raters' groups (-1: not placed) over what both placed."""
    both = (a >= 0) & (b >= 0)
    first, second = a[both], b[both]
    return {
        "images": int(both.sum()),
        "only_in_first": int(((a >= 0) & (b < 0)).sum()),
        "only_in_second": int(((a < 0) & (b >= 0)).sum()),
        "adjusted_rand_index": metrics.adjusted_rand_score(first, second),
        "adjusted_mutual_information": metrics.adjusted_mutual_info_score(first, second),
        "v_measure": metrics.v_measure_score(first, second),
        "entropy_of_first": entropy_against(first, second),
        "entropy_of_second": entropy_against(second, first),
    }


def co_occurrence(groups):
    """Share of those who placed both that put two images together (nan: nobody placed both), and how many they are."""
    raters, images = groups.shape
    share, count = np.full((images, images), np.nan), np.zeros((images, images), int)
    for i in range(images):
        for j in range(images):
            placed = [rater for rater in range(raters) if groups[rater, i] >= 0 and groups[rater, j] >= 0]
            count[i, j] = len(placed)
            if placed:
                share[i, j] = sum(groups[rater, i] == groups[rater, j] for rater in placed) / len(placed)
    return share, count


def average_linkage(distances, threshold):
    model = cluster.AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=threshold
    )
    return model.fit_predict(distances)


def level_cut(groups, level):
    """Cut of the average-linkage tree of 1 - co-occurrence; none where it depends on the order of the images."""
    share, _ = co_occurrence(groups)
    distances = 1 - np.nan_to_num(share, nan=0.0)
    np.fill_diagonal(distances, 0)
    # scikit-learn does not merge at the threshold itself; the level is one that still belongs together.
    cut = average_linkage(distances, 1 - level + 1e-9)
    random = np.random.default_rng(0)
    for _ in range(30):
        order = random.permutation(len(cut))
        other = average_linkage(distances[np.ix_(order, order)], 1 - level + 1e-9)
        if metrics.adjusted_rand_score(cut[order], other) < 1:
            return None
    return cut.tolist()


def disagreement(groups):
    """For each image the mean, over the others, of the chance that two different raters differ on the pair."""
    share, count = co_occurrence(groups)
    result = []
    for i in range(groups.shape[1]):
        values = []
        for j in range(groups.shape[1]):
            raters = count[i, j]
            if i != j and raters > 1:
                answers = [groups[r, i] == groups[r, j] for r in range(len(groups)) if groups[r, i] >= 0 <= groups[r, j]]
                pairs = [(p, q) for p in range(raters) for q in range(raters) if p != q]
                values.append(np.mean([answers[p] != answers[q] for p, q in pairs]))
        result.append(float(np.mean(values)) if values else None)
    return result


def partitions_of(images):
    """Every partition, as numbers of groups."""
    def extend(start):
        if len(start) == images:
            yield start
            return
        for group in range(max(start, default=-1) + 2):
            yield from extend([*start, group])
    return extend([])


def mean_rand_index(partition, groups):
    partition = np.asarray(partition)
    return float(np.mean([metrics.adjusted_rand_score(partition[rater >= 0], rater[rater >= 0]) for rater in groups]))


def sorted_by(random, raters, images, kinds, noise, missing):
    """Raters who see the same kinds, each with some noise of their own, and leave some images out."""
    truth = random.integers(0, kinds, images)
    rows = []
    for _ in range(raters):
        row = np.where(random.random(images) < noise, random.integers(0, kinds, images), truth)
        rows.append(np.where(random.random(images) < missing, -1, row))
    return np.array(rows)


def raters():
    random = np.random.default_rng(31)
    cases = []
    for people, images, kinds, noise, missing in [(2, 12, 3, 0.3, 0), (4, 40, 8, 0.4, 0.1), (7, 60, 5, 0.5, 0.25), (3, 30, 2, 1, 0.5)]:
        groups = sorted_by(random, people, images, kinds, noise, missing)
        share, count = co_occurrence(groups)
        entropies = []
        for a in range(people):
            for b in range(people):
                both = (groups[a] >= 0) & (groups[b] >= 0)
                if a != b:
                    entropies.append(entropy_against(groups[a][both], groups[b][both]))
        cases.append({
            "groups": groups.tolist(),
            "pairs": [pair_scores(groups[a], groups[b]) for a in range(people) for b in range(a + 1, people)],
            "entropies": [float(np.mean(entropies)), float(np.std(entropies, ddof=1))],
            "share": [[None if np.isnan(value) else value for value in row] for row in share.tolist()],
            "count": count.tolist(),
            "disagreement": disagreement(groups),
        })
    cuts = []
    for people, images, kinds, noise, missing in [(3, 20, 3, 0.1, 0), (5, 40, 5, 0.12, 0), (9, 40, 4, 0.3, 0.2), (4, 30, 6, 0.1, 0.1)]:
        for level in [0.3, 0.5, 0.6]:
            # Equal distances can be merged in several orders; only what they all lead to can be compared.
            while (cut := level_cut(groups := sorted_by(random, people, images, kinds, noise, missing), level)) is None:
                pass
            cuts.append({"groups": groups.tolist(), "level": level, "cut": cut})
    trees = []
    for images in [2, 9, 40]:
        points = random.random((images, 3))
        distances = np.linalg.norm(points[:, None] - points[None], axis=2)
        trees.append({
            "distances": [float(distances[i, j]) for i in range(images) for j in range(i + 1, images)],
            "cuts": [
                {"threshold": threshold, "groups": average_linkage(distances, threshold).tolist()}
                for threshold in [0.1, 0.3, 0.45, 0.6, 2.0]
            ],
        })
    best = []
    for people, images, kinds, noise, missing in [(3, 7, 3, 0.4, 0), (4, 8, 3, 0.5, 0), (3, 8, 4, 0.6, 0.15), (5, 8, 2, 0.6, 0), (2, 7, 3, 1, 0), (6, 8, 8, 1, 0)]:
        groups = sorted_by(random, people, images, kinds, noise, missing)
        best.append({
            "groups": groups.tolist(),
            "mean_adjusted_rand_index": max(mean_rand_index(partition, groups) for partition in partitions_of(images)),
        })
    write("raters.json", {"cases": cases, "cuts": cuts, "trees": trees, "best": best})


if __name__ == "__main__":
    torch.manual_seed(1)
    print("torch", torch.__version__, "scikit-learn", sklearn.__version__)
    for make in [
        vgg16, vgg16_gradients, layers, fine_tuning, loss, adam, partitions, silhouettes, kmeans, multi_label, augmentation,
        mlsmote, raters
    ]:
        make()
