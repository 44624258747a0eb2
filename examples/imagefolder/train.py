#!/usr/bin/env python3
"""Epochs over an image folder, shuffled, by several worker processes.

    train.py DIR [--epochs 3] [--workers N] [--seed 1]

With PyTorch a DataLoader reads and a linear classifier learns. Without it worker processes read and decode the
same images in the same manner, so that the throughput of the file system can be seen without any package.
"""
import argparse
import multiprocessing
import os
import random
import sys
import time
import zlib

try:
    import torch
except ImportError:
    torch = None

CROP = 32
BATCH = 64


class ImageFolder:
    """DIR/CLASS/IMAGE as a map-style dataset, such as torch.utils.data.DataLoader takes."""

    def __init__(self, directory):
        self.classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        self.samples = []
        for label, name in enumerate(self.classes):
            with os.scandir(os.path.join(directory, name)) as entries:
                self.samples += [(path, label) for path in sorted(entry.path for entry in entries)]
        if not self.samples:
            sys.exit("%s has no images: make some with make_dataset.py" % directory)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        """The middle of an image, its class, how many bytes were read, and their CRC."""
        path, label = self.samples[index]
        with open(path, "rb") as file:
            data = file.read()
        header, pixels = data.split(b"\n", 1)
        kind, width, height, _ = header.split()
        side = int(width)
        if kind != b"P6" or int(height) != side or len(pixels) != side * side * 3:
            raise ValueError("%s is no square PPM image, or not all of one" % path)
        first = (side - CROP) // 2
        crop = bytearray()
        for row in range(first, first + CROP):
            at = (row * side + first) * 3
            crop += pixels[at : at + CROP * 3]
        if torch:
            crop = torch.frombuffer(crop, dtype=torch.uint8).float() / 255
        return crop, label, len(data), zlib.crc32(data)


def torch_epochs(images, options):
    """Yields what each epoch read, and how the classifier does."""
    model = torch.nn.Linear(CROP * CROP * 3, len(images.classes))
    learning = torch.optim.Adam(model.parameters(), lr=1e-3)
    order = torch.Generator().manual_seed(options.seed)
    loader = torch.utils.data.DataLoader(
        images, BATCH, shuffle=True, num_workers=options.workers, generator=order)
    for _ in range(options.epochs):
        read = []
        right = 0
        for crops, labels, lengths, checksums in loader:
            scores = model(crops)
            loss = torch.nn.functional.cross_entropy(scores, labels)
            learning.zero_grad()
            loss.backward()
            learning.step()
            right += int((scores.argmax(1) == labels).sum())
            read += zip(lengths.tolist(), checksums.tolist())
        yield read, ", %.0f %% of classes right" % (100 * right / len(images))


def plain_epochs(images, options):
    """Yields what each epoch read."""
    order = list(range(len(images)))
    source = random.Random(options.seed)
    with multiprocessing.Pool(options.workers, keep_dataset, (images,)) as pool:
        for _ in range(options.epochs):
            source.shuffle(order)
            yield list(pool.imap_unordered(read_image, order, chunksize=8)), ""


def keep_dataset(images):
    global dataset
    dataset = images


def read_image(index):
    return dataset[index][2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    images = ImageFolder(options.directory)
    print("%d images of %d classes, listed in %.1f s; %s" % (
        len(images), len(images.classes), time.monotonic() - began,
        "PyTorch %s" % torch.__version__ if torch else "no PyTorch here: plain readers"))
    epochs = torch_epochs if torch else plain_epochs
    began = time.monotonic()
    for number, (read, remark) in enumerate(epochs(images, options), 1):
        seconds = time.monotonic() - began
        size = sum(length for length, _ in read)
        checksum = 0
        for _, crc in read:
            checksum ^= crc
        print("epoch %d: %d images, %.1f MiB in %.2f s: %.0f images/s, %.1f MiB/s, checksum %08x%s" % (
            number, len(read), size / 2**20, seconds, len(read) / seconds, size / 2**20 / seconds, checksum, remark),
            flush=True)
        began = time.monotonic()


if __name__ == "__main__":
    main()
