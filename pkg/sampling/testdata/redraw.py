"""Draws a sample again: redraw.py METHOD SIZE ENGAGEMENT CONTROL < population.

The population is what `assay sample -o population` writes. Needs nothing but Python.
"""
import hashlib
import sys


def redraw(population: bytes, method: str, n: int, engagement: str, control: str):
    items = []
    rest = population
    while rest:  # "TIME LENGTH ID\n"; the length is of the id in bytes
        time, length, rest = rest.split(b" ", 2)
        items.append((int(time), rest[: int(length)].decode()))
        rest = rest[int(length) + 1 :]
    said = "assay/draw/v1\n"
    for word in (engagement, control):
        said += f"{len(word.encode())} {word}\n"
    said += hashlib.sha256(population).hexdigest() + "\n"
    seed = hashlib.sha256(said.encode()).hexdigest()

    def numbered(i: int) -> bytes:
        return hashlib.sha256(f"{seed} {i}\n".encode()).digest()

    size = len(items)
    if n >= size:
        picks = range(size)
    elif method == "runs":
        picks = []
        for i in range(n):
            first, end = i * size // n, (i + 1) * size // n
            picks.append(first + int.from_bytes(numbered(i), "big") % (end - first))
    else:
        picks = sorted(sorted(range(size), key=lambda i: (numbered(i), i))[:n])
    return seed, [items[i][1] for i in picks]


if __name__ == "__main__":
    seed, ids = redraw(sys.stdin.buffer.read(), sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
    print(seed)
    for i in ids:
        print(i)
