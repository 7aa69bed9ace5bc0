"""Makes dinov2.json: outputs of DINOv2 ViT-S/14 by PyTorch, of weights by formula and of real ones.

    python tests/goldens/make_dinov2.py WEIGHTS.safetensors
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

HERE = Path(__file__).parent
WIDTH, HEADS, BLOCKS, EVERY = 384, 6, 12, 16
MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def formula(name, count, scale, offset):
    start = sum(name.encode()) * 104_729
    i = np.arange(count, dtype=np.uint64)
    values = (((i * 7919 + start) % 1009) / 504.5 - 1.0) * scale + offset
    return torch.tensor(values.astype(np.float32))


def shapes():
    yield "embeddings.cls_token", (1, 1, WIDTH)
    yield "embeddings.position_embeddings", (1, 1 + 37 * 37, WIDTH)
    yield "embeddings.patch_embeddings.projection.weight", (WIDTH, 3, 14, 14)
    yield "embeddings.patch_embeddings.projection.bias", (WIDTH,)
    for n in range(BLOCKS):
        for name in ["norm1", "norm2"]:
            yield f"encoder.layer.{n}.{name}.weight", (WIDTH,)
            yield f"encoder.layer.{n}.{name}.bias", (WIDTH,)
        for name, out, inside in [("attention.attention.query", WIDTH, WIDTH), ("attention.attention.key", WIDTH, WIDTH),
                                  ("attention.attention.value", WIDTH, WIDTH), ("attention.output.dense", WIDTH, WIDTH),
                                  ("mlp.fc1", 4 * WIDTH, WIDTH), ("mlp.fc2", WIDTH, 4 * WIDTH)]:
            yield f"encoder.layer.{n}.{name}.weight", (out, inside)
            yield f"encoder.layer.{n}.{name}.bias", (out,)
        for name in ["layer_scale1", "layer_scale2"]:
            yield f"encoder.layer.{n}.{name}.lambda1", (WIDTH,)
    yield "layernorm.weight", (WIDTH,)
    yield "layernorm.bias", (WIDTH,)


def by_formula():
    weights = {}
    for name, shape in shapes():
        count = int(np.prod(shape))
        if len(shape) == 1 and ("norm" in name and name.endswith("weight") or "lambda1" in name):
            values = formula(name, count, 0.25, 0.75)
        elif len(shape) == 1:
            values = formula(name, count, 0.1, 0.0)
        else:
            values = formula(name, count, (3.0 / np.prod(shape[1:])) ** 0.5 if len(shape) != 3 else 0.5, 0.0)
        weights[name] = values.reshape(shape)
    return weights


def outputs(weights, picture):
    w = {name: tensor.float() for name, tensor in weights.items()}
    pixels = (torch.tensor(picture).float() / 255 - MEAN) / DEVIATION
    batch = pixels.permute(2, 0, 1)[None]
    rows, columns = batch.shape[2] // 14, batch.shape[3] // 14
    patches = F.conv2d(batch, w["embeddings.patch_embeddings.projection.weight"],
                       w["embeddings.patch_embeddings.projection.bias"], stride=14)
    x = torch.cat([w["embeddings.cls_token"], patches.flatten(2).transpose(1, 2)], 1)
    positions = w["embeddings.position_embeddings"]
    grid = positions[:, 1:].reshape(1, 37, 37, WIDTH).permute(0, 3, 1, 2)
    if (rows, columns) != (37, 37):
        grid = F.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False, antialias=False)
    x = x + torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).reshape(1, -1, WIDTH)], 1)
    found = {}
    for n in range(BLOCKS):
        at = lambda name: w[f"encoder.layer.{n}.{name}"]
        linear = lambda x, name: F.linear(x, at(name + ".weight"), at(name + ".bias"))
        norm = lambda x, name: F.layer_norm(x, (WIDTH,), at(name + ".weight"), at(name + ".bias"), 1e-6)
        h = norm(x, "norm1")
        q, k, v = (linear(h, f"attention.attention.{p}").reshape(1, -1, HEADS, 64).transpose(1, 2)
                   for p in ["query", "key", "value"])
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, -1, WIDTH)
        x = x + linear(h, "attention.output.dense") * at("layer_scale1.lambda1")
        h = linear(F.gelu(linear(norm(x, "norm2"), "mlp.fc1")), "mlp.fc2")
        x = x + h * at("layer_scale2.lambda1")
        part = x[0, 1:]
        found[f"block-{n + 1}"] = torch.cat([part.mean(0), part.std(0, unbiased=False)])
    found["class"] = F.layer_norm(x[0, 0], (WIDTH,), w["layernorm.weight"], w["layernorm.bias"], 1e-6)
    return {name: [round(float(v), 6) for v in values[::EVERY]] for name, values in found.items()}


y, x, c = np.mgrid[0:56, 0:70, 0:3]
picture = ((x * 5 + y * 3 + c * 50 + (x * y) % 37) % 256).astype(np.uint8)
with torch.no_grad():
    goldens = {"every": EVERY, "formula": outputs(by_formula(), picture), "real": outputs(load_file(sys.argv[1]), picture)}
(HERE / "dinov2.json").write_text(json.dumps(goldens, separators=(",", ":")) + "\n")
