"""Makes sift.bin: points and descriptors of OpenCV's SIFT, of squares that the test wrote.

    ATMOSCOPE_WRITE_SQUARES=FOLDER cargo test -- --ignored points_and_descriptors
    python tests/goldens/make_sift.py FOLDER
"""

import sys
from pathlib import Path

import blake3
import cv2
import numpy as np

HERE = Path(__file__).parent
out = b""
for file in sorted(Path(sys.argv[1]).glob("*.rgb")):
    pixels = file.read_bytes()
    grey = cv2.cvtColor(np.frombuffer(pixels, np.uint8).reshape(384, 384, 3), cv2.COLOR_RGB2GRAY)
    points, descriptors = cv2.SIFT_create().detectAndCompute(grey, None)
    rows = np.array([[p.pt[0], p.pt[1], p.size, p.angle] for p in points], np.float32).reshape(-1, 4)
    out += blake3.blake3(pixels).hexdigest().encode() + np.uint32(len(rows)).tobytes() + rows.tobytes()
    if len(rows):
        out += descriptors[::4].astype(np.uint8).tobytes()
(HERE / "sift.bin").write_bytes(out)
print(len(out), "bytes, OpenCV", cv2.__version__)
