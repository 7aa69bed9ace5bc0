"""The peer that `atmoscope bench` and `cargo bench` measure against: the same work in PyTorch, eager, single precision.

    python benches/pytorch.py FOLDER

FOLDER has `weights.f32` (VGG16's 26 tensors, one after the other, then those of a head 512 -> 512 -> 16) and
`pictures-SIZE.u8` (RGB bytes). Each line of standard input asks for one measurement, as JSON; the answer is one line of
JSON with the seconds it took. Needs torch and torchvision.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torchvision

FOLDER = Path(sys.argv[1])
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Network(torch.nn.Module):
    def __init__(self, device, channels_last):
        super().__init__()
        self.features = torchvision.models.vgg16(weights=None).features
        self.head = torch.nn.Sequential(
            torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(512, 16)
        )
        values = torch.from_numpy(np.fromfile(FOLDER / "weights.f32", dtype="<f4"))
        at = 0
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(values[at : at + parameter.numel()].view(parameter.shape))
                at += parameter.numel()
        assert at == len(values)
        self.to(device)
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def pooled(self, batch):
        return self.features(batch).mean(dim=(2, 3))


def batch_of(request):
    size = request["size_px"]
    pictures = np.fromfile(FOLDER / f"pictures-{size}.u8", dtype=np.uint8).reshape(-1, size, size, 3)
    return torch.from_numpy(pictures[: request["images"]])


def normalised(pictures, request):
    batch = pictures.to(request["device"]).permute(0, 3, 1, 2).float() / 255
    batch = (batch - MEAN.to(batch.device)) / DEVIATION.to(batch.device)
    layout = torch.channels_last if request["channels_last"] else torch.contiguous_format
    return batch.contiguous(memory_format=layout)


def wait(request):
    if request["device"] != "cpu":
        torch.cuda.synchronize()


def main():
    known = {}
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request["threads"])
        key = (request["device"], request["channels_last"])
        if key not in known:
            network = Network(*key)
            known[key] = (network, torch.optim.Adam(network.parameters(), lr=1e-4))
        network, optimiser = known[key]
        pictures = batch_of(request)
        answer = {"torch": torch.__version__}
        if request["what"] == "features":
            network.eval()
            wait(request)
            started = time.perf_counter()
            with torch.no_grad():
                pooled = network.pooled(normalised(pictures, request))
            wait(request)
            answer["seconds"] = time.perf_counter() - started
            answer["sum"] = float(pooled.double().sum())
        else:
            network.train()
            targets = ((torch.arange(len(pictures) * 16) * 7) % 3 == 0).float().view(-1, 16).to(request["device"])
            wait(request)
            started = time.perf_counter()
            optimiser.zero_grad()
            logits = network.head(network.pooled(normalised(pictures, request)))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
            loss.backward()
            optimiser.step()
            wait(request)
            answer["seconds"] = time.perf_counter() - started
            answer["sum"] = float(loss)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
