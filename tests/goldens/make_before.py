#!/usr/bin/env python3
"""Makes the folder `before`: numbers by a program of before, which the program of today must give again.

    python3 tests/goldens/make_before.py PROGRAM [FOLDER OF THE REAL DATA]

PROGRAM is the command line of the commit named below, built from there (`git worktree add OLD COMMIT`, then
`cargo build --no-default-features`). With the folder of the real data, its numbers are made too; names and pictures of
that set are not written.

The features and groups of `before` are drawn here, by Python's own generator with a seed. The pictures of the training
are those of `tests/fixtures/pictures`.

Needs Python 3.9 and nothing else.
"""

import csv
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMIT = "d77bd0f"
HERE = Path(__file__).resolve().parent
BEFORE = HERE / "before"
sys.path.insert(0, str(HERE.parent / "fixtures"))
import make as fixtures  # noqa: E402

PICTURES, COLUMNS = 160, 8
METHODS = "k-means spherical-k-means agglomerative-ward agglomerative-average agglomerative-complete agglomerative-single"


def draw():
    """Five clouds that lie into each other, and three raters who see something of them under two conditions."""
    drawn = random.Random(7)
    centres = [[drawn.uniform(0.1, 0.9) for _ in range(COLUMNS)] for _ in range(5)]
    cloud = [drawn.randrange(5) for _ in range(PICTURES)]
    with open(BEFORE / "features.csv", "w", newline="\n") as file:
        file.write("image," + ",".join(f"f{at}" for at in range(COLUMNS)) + "\n")
        for at in range(PICTURES):
            row = [min(1.0, max(0.0, drawn.gauss(value, 0.22))) for value in centres[cloud[at]]]
            file.write(f"picture-{at:03}.png," + ",".join(f"{value:.6f}" for value in row) + "\n")
    with open(BEFORE / "groupings.csv", "w", newline="\n") as file:
        file.write("rater,condition,image,group\n")
        for rater in ("Ada", "Ben", "Cyd"):
            for condition, groups in ((1, 6), (2, 8)):
                for at in range(0, PICTURES, 2):
                    group = cloud[at] if drawn.random() < 0.6 else drawn.randrange(groups)
                    file.write(f"{rater},{condition},picture-{at:03}.png,group {group}\n")


class Program:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, *arguments):
        ran = subprocess.run([self.program, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"{arguments}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))


def write(name, value):
    (BEFORE / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def of_features(program):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "images").mkdir()
        # What they show does not matter: features and groups go by their names.
        for at in range(PICTURES):
            fixtures.png(folder / f"images/picture-{at:03}.png", 16, 16, lambda x, y: [at, (x * at) % 256, (y * at) % 256])
        cli = Program(program, folder)
        cli.run("new", "project")
        cli.run("import", "project", "images", "--groupings", BEFORE / "groupings.csv")
        cli.run("features", "make", "import", "project", "--name", "given", "--file", BEFORE / "features.csv")
        clustered = {}
        for method in METHODS.split():
            options = ["project", "--features", "given", "-k", 5, "--seed", 1, "--part", "all", "--method", method]
            clustered[method] = cli.json("cluster", *options, "--out", f"{method}.csv", "--scores", "scores.csv", "--force")
            shutil.copy(folder / f"{method}.csv", BEFORE / f"clusters-{method}.csv")
            if method == "k-means":
                shutil.copy(folder / "scores.csv", BEFORE / "scores.csv")
        write("clustered.json", clustered)
        options = ["project", "--features", "given", "--seed", 1, "--part", "all"]
        write("elbow.json", [[k, cli.json("cluster", *options, "-k", k)["sse"]] for k in range(2, 13)])
        files = ["--features", BEFORE / "features.csv", "--groups", BEFORE / "groupings.csv"]
        write("evaluated.json", cli.json("evaluate", *files, "--assignments", folder / "k-means.csv", "--seed", 1))
        write("agreement.json", cli.json("agreement", "project"))


def of_training(program):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copytree(HERE.parent / "fixtures/pictures", folder / "pictures")
        (folder / "labels.csv").write_text(fixtures.labels("Annika"), encoding="utf-8")
        names = "\n".join(fixtures.name(at) for at in fixtures.test_part()) + "\n"
        (folder / "test-images.txt").write_text(names)
        cli = Program(program, folder)
        cli.run("new", "project")
        cli.run("import", "project", "pictures", "--labels", "labels.csv")
        cli.run("split", "project", "--seed", 3, "--test-images", "test-images.txt")
        cli.run("train", "project", "--config", BEFORE / "training.toml")
        epochs = [json.loads(line) for line in (folder / "project/runs/1/metrics.jsonl").read_text().splitlines()]
        for epoch in epochs:
            del epoch["duration_ms"], epoch["checksum"]
        batches = [json.loads(line) for line in (folder / "project/runs/1/batches.jsonl").read_text().splitlines()]
        write("trained.json", {"epochs": epochs, "batches": batches})
        cli.run("features", "project", "--run", 1, "--part", "all", "--out", "intensities.csv")
        shutil.copy(folder / "intensities.csv", BEFORE / "intensities.csv")


def of_real_set(program, data):
    data = Path(data).resolve() / "illustrations"
    with tempfile.TemporaryDirectory() as folder:
        cli = Program(program, folder)
        cli.run("new", "project")
        cli.run("import", "project", data / "images", "--labels", data / "labels.csv", "--groupings", data / "groupings.csv")
        cli.run("split", "project", "--seed", 1, "--test-images", data / "test-images.txt")
        cli.run("features", "make", "multi-hot", "project", "--name", "labels")
        found = []
        for clusters in (4, 5, 8):
            options = ["project", "--features", "labels", "-k", clusters, "--seed", 1, "--out", "clusters.csv", "--force"]
            told = cli.json("cluster", *options)
            with open(Path(folder) / "clusters.csv", newline="") as file:
                rows = [[row["cluster"], row["distance"]] for row in csv.DictReader(file)]
            found.append({"k": clusters, "rows": rows, "sse": told["sse"], "sizes": told["sizes"], "scores": told["scores"]})
        write("real_set.json", found)


if __name__ == "__main__":
    program = str(Path(sys.argv[1]).resolve())
    BEFORE.mkdir(exist_ok=True)
    (BEFORE / "training.toml").write_text(
        "epochs = 4\nimage_size_px = 32\nhidden = 16\naugmented_copies = 1\nbatch_size = 8\nlearning_rate = 0.003\nseed = 5\n"
    )
    draw()
    of_features(program)
    of_training(program)
    if len(sys.argv) > 2:
        of_real_set(program, sys.argv[2])
