#!/usr/bin/env python3
"""Writes a small image folder: DIR/CLASS/NAME.ppm, noise around a colour of each class.

    make_dataset.py DIR [--classes 10] [--images 100] [--seed 1]
"""
import argparse
import os
import random


def image(random_source, colour):
    """A binary PPM of 4 to 200 KiB; small ones are the likelier."""
    side = int(36 * (260 / 36) ** random_source.random())
    noise = random_source.randbytes(side * side * 3)
    pixels = bytearray(noise)
    for channel in range(3):  # half of each value is the class's colour
        part = noise[channel::3]
        pixels[channel::3] = bytes((value >> 1) + (colour[channel] >> 1) for value in part)
    return b"P6 %d %d 255\n" % (side, side) + bytes(pixels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--images", type=int, default=100, help="of each class")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = random.Random(options.seed)
    written = 0
    for number in range(options.classes):
        colour = source.randbytes(3)
        directory = os.path.join(options.directory, "class-%02d" % number)
        os.makedirs(directory, exist_ok=True)
        for index in range(options.images):
            data = image(source, colour)
            with open(os.path.join(directory, "image-%04d.ppm" % index), "wb") as file:
                file.write(data)
            written += len(data)
    print("%d images, %.1f MiB in %s" % (options.classes * options.images, written / 2**20, options.directory))


if __name__ == "__main__":
    main()
