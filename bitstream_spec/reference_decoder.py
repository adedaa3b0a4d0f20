#!/usr/bin/env python3
"""Reference decoder for .vqt 1.0, standard library only: reference_decoder.py FILE  ("-" for standard input)

Written from vqt.md, tokens.md and entropy.md, for people who write another one: short, strict and slow. Prints the JSON of
conformance.md, "Level A", and exits with 0; or {"error": CODE, "offset": BYTE}, and exits with 3 (4 for "unsupported-...")."""

import hashlib
import json
import math
import struct
import sys
import zlib
from bisect import bisect_right as count
from pathlib import Path

SIGNATURE = b"\xd6VQT\r\n\x1a\n"
LIMITS = {
    b"HEAD": 1024,
    b"KEYF": 1049600,
    b"MOTN": 266240,
    b"AUDO": 266240,
    b"INDX": 16777216,
    b"IEND": 20,
}
MAX_POSITION, MAX_FRAMES = 2**53 - 1, 2**32 - 1
TABLES = json.loads((Path(__file__).parent / "tables/motion-1.json").read_text(encoding="ascii"))[
    "layers"
]


class Fault(Exception):
    """A broken rule: code, then the byte offset if it isn't the chunk's."""


def need(condition, *fault):
    if not condition:
        raise Fault(*fault or ["bad-value"])


class Fields:
    """Reads fields from front to back (vqt.md, section 1)."""

    def __init__(self, data, *too_short):
        self.data, self.at, self.too_short = data, 0, too_short or ["bad-layout"]

    def bytes(self, size):
        need(self.at + size <= len(self.data), *self.too_short)
        self.at += size
        return self.data[self.at - size : self.at]

    def rest(self):
        return self.bytes(len(self.data) - self.at)

    def number(self, kind, low=0, high=2**64 - 1):
        value = struct.unpack(">" + kind, self.bytes(struct.calcsize(kind)))[0]
        need(low <= value <= high)
        return value

    def varint(self, low=0, high=2**56 - 1):
        data = self.bytes(1)
        while data[-1] > 127 and len(data) < 8:
            data += self.bytes(1)
        need(0 < data[-1] < 128 or data == b"\0", "bad-varint")
        value = sum((byte & 127) << 7 * i for i, byte in enumerate(data))
        need(low <= value <= high)
        return value

    def bits(self, length, width):
        whole, spare = (
            int.from_bytes(self.bytes((length * width + 7) // 8), "big"),
            -length * width % 8,
        )
        need(whole % 2**spare == 0)
        return [(whole >> spare + width * (length - 1 - i)) % 2**width for i in range(length)]

    def packed(self, length, high, max_width):
        base, width = (self.varint(1, high), self.number("B", 0, max_width)) if length else (0, 0)
        elements = [base + value for value in self.bits(length, width)]
        need(max(elements, default=0) <= high)
        return elements

    def rational(self, maximum):
        above, below = self.number("I", 1), self.number("I", 1)
        need(math.gcd(above, below) == 1 and above <= maximum * below)
        return f"{above}/{below}"

    def model(self):
        data = self.bytes(self.number("B", 1, 64))
        name = data.decode("utf-8", "replace")
        need(
            name.encode() == data and not any(c < " " or "\x7f" <= c <= "\x9f" for c in name),
            "bad-text",
        )
        return {"name": name, "sha256": self.bytes(32).hex()}


class Decoder(Fields):
    """Reads a stream; a method for each chunk type checks its fields and then the rules between chunks."""

    def __init__(self, data):
        super().__init__(data, "truncated", len(data))
        self.out = {
            "groups": 0,
            "frames": 0,
            "low_confidence_frames": 0,
            "key_frames": [],
            "audio_packets": 0,
            "end_trim_samples": 0,
            "ancillary": [],
            "sizes": {"portrait": 0, "motion": 0, "audio": 0},
        }
        self.hashes = {name: hashlib.sha256() for name in ("ticks", "token", "states", "audio")}
        self.key_frame_waits, self.next_sample, self.chain, self.index_bytes = False, 0, 0, 0
        self.index, self.entries, self.entry_offset, self.positions = (
            bytearray(),
            0,
            0,
            [(0, 0)] * 3,
        )

    def run(self):
        for position, byte in enumerate(SIGNATURE):
            need(self.bytes(1)[0] == byte, "bad-signature", position)
        while "end_tick" not in self.out:
            self.start = self.at
            try:
                self.chunk()
            except Fault as fault:
                raise Fault(*[*fault.args, self.start][:2]) from None
        need(self.at == len(self.data), "trailing-data", self.at)
        self.out["sizes"]["container"] = self.at - sum(self.out["sizes"].values())
        return self.out | {
            f"{name}_sha256": digest.hexdigest() for name, digest in self.hashes.items()
        }

    def chunk(self):
        kind = self.bytes(4)
        need(kind.isalpha(), "bad-type")
        try:
            size = self.varint(0, LIMITS.get(kind, 1049600))
        except Fault as fault:
            raise fault if fault.args[0] == "truncated" else Fault("bad-length") from None
        payload, crc = self.bytes(size), self.bytes(4)
        need(
            zlib.crc32(self.data[self.start : self.at - 4]) == int.from_bytes(crc, "big"), "bad-crc"
        )
        need((self.start == len(SIGNATURE)) == (kind == b"HEAD"), "bad-order")
        need(kind in LIMITS or kind[0] & 32, "unsupported-chunk")
        need(not self.index_bytes or kind == b"IEND", "bad-order")
        if kind in LIMITS:
            getattr(self, kind.decode().lower())(fields := Fields(payload))
            need(fields.at == size, "bad-layout")
        else:
            self.out["ancillary"].append(kind.decode())
        self.chain = zlib.crc32(crc, self.chain)

    def head(self, f):
        need((major := f.number("B", 1)) == 1, "unsupported-version")
        out, minor, flags = self.out, f.number("B"), f.number("B")
        out |= {
            "version": f"{major}.{minor}",
            "synthetic": bool(flags & 1),
            "coded_size_px": f.number("H", 16, 4096),
        }
        out |= {"time_base_s": f.rational(1), "frame_rate_hz": f.rational(240)}
        need(f.bytes(3) == b"\x0c\x04\x05", "unsupported-layout")
        out |= {
            "layers": f.number("B", 1, 4),
            "motion_space": f.model(),
            "renderer": f.model(),
            "audio": None,
            "crop": None,
        }
        if flags & 2:
            out["audio"] = {"channels": f.number("B", 1, 2), "pre_skip_samples": f.number("H")}
            out["audio"]["extradata"] = f.bytes(f.number("B")).hex()
        if flags & 4:
            out["crop"] = {
                "source_width_px": f.number("H", 1),
                "source_height_px": f.number("H", 1),
                "x_px": f.number("i", -131070, 131070),
                "y_px": f.number("i", -131070, 131070),
                "side_px": f.number("I", 1, 131070),
            }
        f.rest() if minor else need(flags < 8)

    def keyf(self, f):
        first, features, still = f.varint(0, MAX_FRAMES), f.bytes(96), f.rest()
        need(1 <= len(still) <= 1048576)
        need(not self.key_frame_waits, "bad-order")
        need(first == self.out["frames"], "bad-frame")
        self.entry(0, first)
        self.key_frame_waits = True
        self.out["sizes"]["portrait"] += len(f.data)
        self.out["key_frames"].append(
            {
                "first_frame": first,
                "features_sha256": hashlib.sha256(features).hexdigest(),
                "still_sha256": hashlib.sha256(still).hexdigest(),
            }
        )

    def motn(self, f):
        first, frames, form = f.varint(0, MAX_FRAMES), f.number("B", 1, 240), f.number("B", 0, 7)
        ticks = [f.varint(0, MAX_POSITION)]
        for step in f.packed(frames - 1, 2**33, 34):
            ticks.append(ticks[-1] + step)
        need(ticks[-1] <= MAX_POSITION, "bad-time")
        held = f.bits(frames, 1) if form & 1 else []
        need(any(held) or not form & 1)
        layers = [f.bytes(size) for size in [f.varint(0, 65535) for _ in range(form >> 1)]] + [
            f.rest()
        ]
        need(len(layers[-1]) <= 65535)
        out = self.out
        need(out["groups"] or self.key_frame_waits, "bad-order")
        need(len(layers) == out["layers"], "bad-layers")
        need(first == out["frames"], "bad-frame")
        need(first + frames <= MAX_FRAMES, "too-many")
        above, below = map(int, out["time_base_s"].split("/"))
        need(
            ticks[0] > out.get("last_tick", -1) and (ticks[-1] - ticks[0]) * above <= 2 * below,
            "bad-time",
        )
        self.entry(1, ticks[0])
        tokens, states = decode_group(layers, frames)
        self.key_frame_waits = False
        self.hashes["ticks"].update(struct.pack(f">{frames}Q", *ticks))
        self.hashes["token"].update(
            b"".join(struct.pack(f">{len(frame)}H", *frame) for frame in tokens)
        )
        self.hashes["states"].update(b"".join(struct.pack(">3I", *state) for state in states))
        out["sizes"]["motion"] += sum(map(len, layers))
        out["low_confidence_frames"] += sum(held)
        out |= {
            "groups": out["groups"] + 1,
            "frames": first + frames,
            "final_states": states,
            "last_tick": ticks[-1],
            "last_tokens": tokens[-1],
            "first_tick": out.get("first_tick", ticks[0]),
            "first_tokens": out.get("first_tokens", tokens[0]),
        }

    def audo(self, f):
        first, packets, trim = f.varint(0, MAX_POSITION), f.varint(1, 800), f.varint(0, 5760)
        lengths, data = f.packed(packets, 8191, 13), f.rest()
        need(len(data) <= 262144)
        need(len(data) == sum(lengths), "bad-layout")
        need(
            self.out["audio"] and not self.out["end_trim_samples"] and first >= self.next_sample,
            "bad-audio",
        )
        self.entry(2, first)
        self.next_sample = first + 120 * packets
        self.hashes["audio"].update(data)
        self.out["sizes"]["audio"] += len(data)
        self.out |= {"audio_packets": self.out["audio_packets"] + packets, "end_trim_samples": trim}

    def entry(self, kind, position):
        last, step = self.positions[kind]
        surprise, self.entries = position - last - step, self.entries + 1
        need(self.entries <= 1048576, "too-many")
        for value in (
            4 * (self.start - self.entry_offset) + kind,
            2 * abs(surprise) - (surprise < 0),
        ):
            while value > 127:
                self.index.append(value % 128 + 128)
                value //= 128
            self.index.append(value)
        self.entry_offset, self.positions[kind] = self.start, (position, position - last)

    def indx(self, f):
        need(self.out["groups"] and not self.key_frame_waits, "bad-order")
        need(f.rest() == self.index, "bad-index")
        self.index_bytes = self.at - self.start

    def iend(self, f):
        need(self.index_bytes, "bad-order")
        frames, end, index_bytes, chain = f.number("I"), f.number("Q"), f.number("I"), f.number("I")
        need(self.out["last_tick"] < end <= MAX_POSITION, "bad-time")
        need(
            (frames, index_bytes, chain) == (self.out["frames"], self.index_bytes, self.chain),
            "bad-total",
        )
        self.out["end_tick"] = end


class RangeDecoder:
    """entropy.md, section 3."""

    def __init__(self, data, symbols):
        self.data, self.length, self.taken, self.span = (
            data + bytes(2 * symbols + 4),
            len(data),
            4,
            2**32 - 1,
        )
        self.code = int.from_bytes(self.data[:4], "big")
        need(self.code < self.span, "bad-payload")

    def symbol(self, frequencies):
        unit, start, k = self.span >> 12, 0, 0
        while k < 4 and unit * (start + frequencies[k]) <= self.code:
            start += frequencies[k]
            k += 1
        self.code -= unit * start
        self.span = unit * frequencies[k] if k < 4 else self.span - unit * start
        while self.span < 2**24:
            self.code, self.span, self.taken = (
                self.code * 256 + self.data[self.taken],
                self.span * 256,
                self.taken + 1,
            )
        return k

    def end(self):
        """Checks section 3.4; returns the final state."""
        need(
            self.length <= self.taken and (not self.length or self.data[self.length - 1]),
            "bad-payload",
        )
        word = int.from_bytes(self.data[self.taken - 4 : self.taken], "big")
        low = (word - self.code) % 2**32
        last = 0 if low == 0 or low + self.span > 2**32 else low + 2**24 - 1 >> 24 << 24
        need(word == last % 2**32, "bad-payload")
        return [self.code, self.span, self.taken]


def decode_group(layers, frames):
    """Tokens [frame][12 groups x L layers] of a group and its coders' final states (entropy.md, 1 and 2; tokens.md, 3)."""
    digits = []
    states = [
        decode_layer(data, table, digits, frames)
        for data, table in zip(layers, TABLES, strict=False)
    ]
    return [
        [
            sum((layer[t][4 * g + p] + 2) * 5**p for p in range(4))
            for g in range(12)
            for layer in digits
        ]
        for t in range(frames)
    ], states


def decode_layer(data, table, coarser, frames):
    """Adds the digits [frame][48] of one layer to the coarser ones (entropy.md, section 4; the names are those of the text)."""
    r, every, last = len(coarser), range(48), frames - 1
    grands, parents = [*[[[0] * 48] * frames] * 2, *coarser][-2:]
    c = [
        [sum(4 ** (r - q) * coarser[q][t][d] for q in range(r)) for d in every]
        for t in range(frames)
    ]
    move = [
        [abs(c[t][d] - c[t - 1][d]) if 0 < t < frames else 0 for d in every]
        for t in range(frames + 3)
    ]
    group = [1024 * sum(row[d] for row in move) // max(last, 1) for d in every]
    start = [
        [
            max(0, table["start_scale"][i][d] + (table["start_slope"][i] * group[d] >> 8))
            for d in every
        ]
        for i in range(3)
    ]
    fast, slow, activity, ratio = start[1][:], start[1][:], start[2][:], 256
    first, activities = table["first_thresholds"], table["activity_thresholds"]
    a, out, coder = [], [], RangeDecoder(data, 48 * frames)
    for t in range(frames):
        frame, mu, digits = sum(move[t]) + sum(move[t + 1]), [], []
        for d in every:
            parent, grand = parents[t][d], (grands[t][d] > 0) - (grands[t][d] < 0)
            features = [a[max(t - k, 0)][d] - c[t][d] if t else 0 for k in (1, 2, 3)]
            features += [c[min(max(t + k, 0), last)][d] - c[t][d] for k in (1, 2, 3, -1)] + [
                parent,
                grand,
            ]
            moves = [move[t + k][d] for k in (-1, 0, 1, 2)]
            state = (
                (a[t - 1][d] != a[max(t - 2, 0)][d]) + sum(2 << k for k in range(4) if moves[k])
                if t
                else 0
            )
            kind = 1 + (len(activities) + 1) * state + count(activities, activity[d]) if t else 0
            total = sum(w * x for w, x in zip(table["coefficients"][kind], features, strict=True))
            mu.append(min(max(total + 32 >> 6, -160), 160))
            terms = (fast[d], slow[d], ratio * slow[d] >> 8, sum(moves) << 8, frame << 4, 1024)
            sigma = (
                sum(w * x for w, x in zip(table["scale_weights"][state], terms, strict=True)) >> 8
            )
            scale = (
                len(first) + 1 + count(table["scale_thresholds"], sigma)
                if t
                else count(first, start[0][d])
            )
            m = -1 if (parent or grand or mu[d]) < 0 else 1
            row = table["frequencies"][scale][(1 if r == 1 else 3) * abs(parent) + m * grand][
                20 + (m * mu[d] + 4 >> 3)
            ]
            digits.append(m * (0, -1, 1, -2, 2)[coder.symbol([row[i] for i in (2, 1, 3, 0, 4)])])
        a.append([c[t][d] + digits[d] for d in every])
        out.append(digits)
        if t:
            error = [abs(64 * digits[d] - mu[d]) << 4 for d in every]
            ratio = min(1023, 256 * sum(error) // max(1, sum(slow)))
            fast = [x + (e - x >> 2) for x, e in zip(fast, error, strict=True)]
            slow = [x + (e - x >> 4) for x, e in zip(slow, error, strict=True)]
            activity = [
                activity[d] + ((abs(a[t][d] - a[t - 1][d]) << 10) - activity[d] >> 3) for d in every
            ]
    coarser.append(out)
    return coder.end()


def main(path):
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        print(json.dumps(Decoder(data).run(), indent=1, sort_keys=True))
    except Fault as fault:
        print(json.dumps({"error": fault.args[0], "offset": fault.args[1]}))
        return 4 if fault.args[0].startswith("unsupported-") else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
