"""ResNet50's outputs by PyTorch in double precision, for weights made by a formula and, where a file of real weights is
given, for those: python make_resnet50.py [resnet50.safetensors] > resnet50.json

Real weights are taken with the stride in the first 1x1 convolution, as Keras's have it.
"""

import json
import sys

import torch
import torch.nn.functional as F

STAGES = [(3, 64), (4, 128), (6, 256), (3, 512)]
# Of each output every so many numbers are kept.
EVERY = 16


def formula(name, shape, scale, offset=0.0):
    count = 1
    for side in shape:
        count *= side
    start = sum(name.encode()) * 104729
    values = (torch.arange(count, dtype=torch.int64) * 7919 + start) % 1009
    # Rounded as the file holds them.
    numbers = (values.double() / 504.5 - 1) * scale + offset
    return numbers.float().double().reshape(shape)


class Formula:
    def convolution(self, name, shape):
        fan_in = shape[1] * shape[2] * shape[3]
        return formula(name + ".weight", shape, (6 / fan_in) ** 0.5)

    def normalisation(self, name, channels):
        last = name.endswith("bn3")
        return [
            formula(name + ".weight", [channels], 0.1 if last else 0.25, 0.2 if last else 0.75),
            formula(name + ".bias", [channels], 0.1),
            formula(name + ".running_mean", [channels], 0.1),
            formula(name + ".running_var", [channels], 0.5, 1.0),
        ]


class File:
    def __init__(self, path):
        from safetensors.torch import load_file

        self.tensors = {name: tensor.double() for name, tensor in load_file(path).items()}

    def convolution(self, name, shape):
        tensor = self.tensors[name + ".weight"]
        assert list(tensor.shape) == shape, (name, tensor.shape)
        return tensor

    def normalisation(self, name, channels):
        return [self.tensors[f"{name}.{kind}"] for kind in ["weight", "bias", "running_mean", "running_var"]]


def picture():
    width, height = 70, 64
    pixels = [
        [[(x * 5 + y * 3 + c * 50 + (x * y) % 37) % 256 for x in range(width)] for y in range(height)] for c in range(3)
    ]
    values = torch.tensor(pixels, dtype=torch.float64)[None] / 255
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).reshape(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).reshape(1, 3, 1, 1)
    return (values - mean) / deviation


def forward(weights, stride_in_first):
    def layer(x, names, shape, stride):
        x = F.conv2d(x, weights.convolution(names[0], shape), stride=stride, padding=shape[2] // 2)
        scale, shift, mean, variance = weights.normalisation(names[1], shape[0])
        return F.batch_norm(x, mean, variance, scale, shift, training=False, eps=1e-5)

    x = F.relu(layer(picture(), ["conv1", "bn1"], [64, 3, 7, 7], 2))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    outputs, inputs = {}, 64
    for stage, (blocks, width) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 0 else 1
            place = f"layer{stage + 1}.{block}"
            first, middle = (stride, 1) if stride_in_first else (1, stride)
            y = F.relu(layer(x, [place + ".conv1", place + ".bn1"], [width, inputs, 1, 1], first))
            y = F.relu(layer(y, [place + ".conv2", place + ".bn2"], [width, width, 3, 3], middle))
            y = layer(y, [place + ".conv3", place + ".bn3"], [width * 4, width, 1, 1], 1)
            if block == 0:
                names = [place + ".downsample.0", place + ".downsample.1"]
                x = layer(x, names, [width * 4, inputs, 1, 1], stride)
            x = F.relu(x + y)
            inputs = width * 4
        deviations = (x.var((2, 3), unbiased=False) + 1e-6).sqrt()
        outputs[f"stage-{stage + 1}"] = torch.cat([x.mean((2, 3)), deviations], 1)[0]
    outputs["pooled"] = x.mean((2, 3))[0]
    return {name: [round(value, 6) for value in row[::EVERY].tolist()] for name, row in outputs.items()}


with torch.no_grad():
    result = {
        "torch": torch.__version__,
        "every": EVERY,
        "resnet50": forward(Formula(), False),
        "resnet50-caffe": forward(Formula(), True),
    }
    if len(sys.argv) > 1:
        result["real"] = forward(File(sys.argv[1]), True)
print(json.dumps(result))
