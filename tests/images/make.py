"""Makes the small pictures in this folder (needs Pillow and numpy). Run it here: python make.py"""
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

# Upright: 24 wide, 16 high; red top left, green top right, blue bottom left, white bottom right.
W, H = 24, 16
upright = np.zeros((H, W, 3), np.uint8)
upright[: H // 2, : W // 2] = (255, 0, 0)
upright[: H // 2, W // 2 :] = (0, 255, 0)
upright[H // 2 :, : W // 2] = (0, 0, 255)
upright[H // 2 :, W // 2 :] = (255, 255, 255)
picture = Image.fromarray(upright)

# How each EXIF orientation is stored: the inverse of what a viewer has to do.
T = Image.Transpose
stored = {
    1: None, 2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM,
    5: T.TRANSPOSE, 6: T.ROTATE_90, 7: T.TRANSVERSE, 8: T.ROTATE_270,
}
for number, transform in stored.items():
    turned = picture if transform is None else picture.transpose(transform)
    exif = Image.Exif()
    exif[0x0112] = number
    turned.save(f"orientation-{number}.jpg", quality=95, subsampling=0, exif=exif)
exif = Image.Exif()
exif[0x0112] = 6
picture.transpose(T.ROTATE_90).save("orientation-6.png", exif=exif)
picture.transpose(T.ROTATE_90).save("orientation-6.webp", lossless=True, exif=exif)

picture.save("plain.png")
picture.save("plain.bmp")
picture.save("plain.tif", compression="tiff_lzw")
picture.save("plain.webp", lossless=True)
picture.quantize(8).save("plain.gif")
picture.save("progressive.jpg", quality=95, subsampling=0, progressive=True)
picture.save("named-wrongly.png", format="JPEG", quality=95, subsampling=0)
picture.convert("L").save("grey.png")
picture.convert("L").save("grey.jpg", quality=95)
picture.quantize(8).save("palette.png")
picture.convert("1").save("bilevel.tif")

alpha = np.full((H, W), 255, np.uint8)
alpha[:, : W // 2] = 0
alpha[H // 2 :, :] = 128
Image.fromarray(np.dstack([upright, alpha])).save("alpha.png")

grey16 = (np.arange(W, dtype=np.uint16) * 2849)[None].repeat(H, 0)  # 0 to 65527
Image.fromarray(grey16).save("grey-16.png")

# CMYK as Photoshop writes it in JPEG (Adobe marker, inverted values), and plain in TIFF.
cmyk = np.zeros((H, W, 4), np.uint8)
cmyk[: H // 2, : W // 2] = (0, 255, 255, 0)
cmyk[: H // 2, W // 2 :] = (255, 0, 255, 0)
cmyk[H // 2 :, : W // 2] = (255, 255, 0, 0)
cmyk[H // 2 :, W // 2 :] = (0, 0, 0, 128)
Image.fromarray(cmyk, "CMYK").save("cmyk.jpg", quality=95, subsampling=0)
Image.fromarray(cmyk, "CMYK").save("cmyk.tif")
# The same coefficients declared to be YCCK: other colours, but the same for every right decoder.
data = bytearray(open("cmyk.jpg", "rb").read())
data[data.index(b"Adobe") + 11] = 2
open("ycck.jpg", "wb").write(data)
ycck = Image.open("ycck.jpg").convert("RGB")
print("ycck.jpg as RGB:", [ycck.getpixel(place) for place in ((4, 4), (20, 4), (4, 12), (20, 12))])

frames = [picture.quantize(8), Image.new("RGB", (W, H), (1, 2, 3)).quantize(8)]
frames[0].save("animated.gif", save_all=True, append_images=frames[1:], duration=100, loop=0)
picture.save("animated.webp", lossless=True, save_all=True, append_images=[Image.new("RGB", (W, H), (1, 2, 3))])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# A header that claims 60000 x 60000 pixels, and one line of zeros.
with open("bomb.png", "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)))
    file.write(chunk(b"IDAT", zlib.compress(bytes(60000 * 3 + 1))) + chunk(b"IEND", b""))

# Larger and textured, to be cut in the middle by the tests and scaled.
y, x = np.mgrid[0:90, 0:120]
texture = np.dstack([x * 2, y * 2, 128 + 100 * np.sin(x / 5) * np.cos(y / 7)]).astype(np.uint8)
texture = Image.fromarray(texture)
texture.save("texture.png")
texture.save("texture.jpg", quality=90)
texture.save("texture-progressive.jpg", quality=90, progressive=True)
texture.save("texture.webp", quality=80)
texture.quantize(64).save("texture.gif")
texture.save("texture.bmp")
texture.save("texture.tif", compression="tiff_lzw")

# What Pillow makes of it: the shorter side to 32, centre square, bilinear with antialiasing.
texture.resize((32, 32), Image.Resampling.BILINEAR, box=(15, 0, 105, 90)).save("texture-square-32.png")

# Display P3: sRGB red is less than full P3 red.
def s15(v): return struct.pack(">i", round(v * 65536))
def xyz(v): return b"XYZ \0\0\0\0" + b"".join(s15(c) for c in v)
def text(s):
    s = s.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(s)) + s + bytes(4 + 4 + 2 + 1 + 67)
def para():
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(map(s15, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))
tags = {
    b"desc": text("Display P3"), b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz((0.9642, 1, 0.8249)),
    b"rXYZ": xyz((0.51512, 0.2412, -0.00105)), b"gXYZ": xyz((0.29198, 0.69225, 0.04189)),
    b"bXYZ": xyz((0.1571, 0.06657, 0.78407)), b"rTRC": para(), b"gTRC": para(), b"bTRC": para(),
}
body, table, offset = b"", struct.pack(">I", len(tags)), 128 + 4 + 12 * len(tags)
for name, data in tags.items():
    data += bytes(-len(data) % 4)
    table += name + struct.pack(">II", offset + len(body), len(data))
    body += data
size = offset + len(body)
header = struct.pack(">I4sI4s4s4s12s4s4sI4s4s8sI12s4s44s", size, b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ",
    struct.pack(">6H", 2024, 1, 1, 0, 0, 0), b"acsp", b"\0" * 4, 0, b"none", b"none", bytes(8), 0,
    s15(0.9642) + s15(1) + s15(0.8249), b"none", bytes(44))
profile = header + table + body
wide = Image.new("RGB", (8, 8), (200, 100, 50))
wide.save("display-p3.png", icc_profile=profile)
source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
print("display-p3.png as sRGB:", ImageCms.profileToProfile(wide, source, target).getpixel((0, 0)))
