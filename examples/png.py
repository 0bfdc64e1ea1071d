#!/usr/bin/env python3
"""Converts binary PPM files of 8 bits a colour to PNG beside them: png.py FILE.ppm..."""

import re
import struct
import sys
import zlib
from pathlib import Path


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(ppm):
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", ppm)
    if not header:
        raise ValueError("not a PPM file as the examples write them")
    width, height, pixels = int(header[1]), int(header[2]), ppm[header.end():]
    rows = b"".join(b"\0" + pixels[3 * width * y:3 * width * (y + 1)] for y in range(height))
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


for name in sys.argv[1:]:
    target = Path(name).with_suffix(".png")
    target.write_bytes(png(Path(name).read_bytes()))
    print(target)
