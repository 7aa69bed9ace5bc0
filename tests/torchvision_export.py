"""Shows that an exported network gives torchvision the intensities that Atmoscope gives.

Run by hand, by people who have PyTorch; it is no part of the automatic tests.

    atmoscope train PROJECT                                     # prints the run's ID
    atmoscope export-model PROJECT --run ID --out net.safetensors
    atmoscope features PROJECT --run ID --part all --out intensities.csv
    python tests/torchvision_export.py net.safetensors intensities.csv PICTURES

PICTURES is the folder that was imported. Only pictures that already are squares of the network's size are compared,
so that scaling plays no part; `--make FOLDER` writes some to import. Ends with 1 when any intensity differs by more
than 1e-4.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors import safe_open

TOLERANCE = 1e-4


def head(description, state):
    """The layers between torchvision's `vgg16().features` and the logits."""
    linear = {
        int(name.split(".")[1]): torch.nn.Linear(*reversed(value.shape))
        for name, value in state.items()
        if name.endswith(".weight")
    }
    last = max(linear)
    layers = [linear.get(at) or (torch.nn.ReLU() if at - 1 in linear else torch.nn.Dropout()) for at in range(last + 1)]
    classifier = torch.nn.Sequential(*layers)
    classifier.load_state_dict({name.removeprefix("classifier."): value for name, value in state.items()})
    return classifier.eval()


def pooled(description, features, batch):
    """What goes into the head, by the kind the file names."""
    kind = description["head"]
    if kind == "pooled":
        return features(batch).mean(dim=(2, 3))
    if kind == "statistics":
        block4, block5 = features[:24](batch), features(batch)
        return torch.cat([part for block in (block4, block5) for part in (
            block.mean(dim=(2, 3)), (block.var(dim=(2, 3), unbiased=False) + 1e-6).sqrt())], dim=1)
    if kind == "original":
        return torch.nn.functional.adaptive_avg_pool2d(features(batch), 7).flatten(1)
    raise SystemExit(f"this script does not know the head “{kind}”")


def load(path):
    with safe_open(path, framework="pt") as file:
        description = json.loads(file.metadata()["atmoscope"])
        state = {name: file.get_tensor(name) for name in file.keys()}
    features = torchvision.models.vgg16(weights=None).features.eval()
    features.load_state_dict(
        {name.removeprefix("features."): value for name, value in state.items() if name.startswith("features.")}
    )
    classifier = head(description, {name: value for name, value in state.items() if name.startswith("classifier.")})
    return description, features, classifier


def intensities(description, features, classifier, picture):
    pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255).permute(2, 0, 1)
    mean = torch.tensor(description["normalisation_mean"]).view(3, 1, 1)
    deviation = torch.tensor(description["normalisation_standard_deviation"]).view(3, 1, 1)
    batch = ((pixels - mean) / deviation).unsqueeze(0)
    with torch.no_grad():
        return torch.sigmoid(classifier(pooled(description, features, batch)))[0].numpy()


def make(folder, size, count):
    """Writes squares by formula: waves in changing colours."""
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:size, 0:size] / size
    for index in range(count):
        random = np.random.default_rng(index)
        picture = np.zeros((size, size, 3))
        for _ in range(8):
            u, v, phase = random.uniform(-4, 4), random.uniform(-4, 4), random.uniform()
            picture += np.cos(2 * np.pi * (u * x + v * y + phase))[..., None] * random.uniform(0, 0.2, 3)
        Image.fromarray((255 * (0.5 + picture).clip(0, 1)).astype(np.uint8)).save(folder / f"square-{index:03}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", type=Path)
    parser.add_argument("intensities", nargs="?", type=Path)
    parser.add_argument("pictures", nargs="?", type=Path)
    parser.add_argument("--make", type=Path, metavar="FOLDER")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--count", type=int, default=40)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make, arguments.size, arguments.count)
        return 0
    description, features, classifier = load(arguments.network)
    size, labels = description["image_size_px"], description["labels"]
    compared, largest = 0, 0.0
    with arguments.intensities.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames[1:] != labels:
            raise SystemExit(f"the table's labels {rows.fieldnames[1:]} are not the network's {labels}")
        for row in rows:
            picture = Image.open(arguments.pictures / row["image"]).convert("RGB")
            if picture.size != (size, size):
                continue
            own = intensities(description, features, classifier, picture)
            theirs = np.array([float(row[label]) for label in labels])
            difference = float(np.abs(own - theirs).max())
            print(f"{row['image']}: torchvision {np.round(own, 4).tolist()}, largest difference {difference:.2e}")
            compared, largest = compared + 1, max(largest, difference)
    if compared == 0:
        raise SystemExit(f"none of the pictures is a square of {size} pixels; --make writes some")
    print(f"{compared} pictures, {len(labels)} labels, largest difference {largest:.2e} (at most {TOLERANCE:.0e} allowed)")
    return 0 if largest <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
