"""A clip as numbers: python tokens_of_a_clip.py talk.mp4 tokens.npz

Every frame becomes G x 4 tokens in 0..624: groups of four motion dimensions, four layers from coarse to fine.
A model that generates faces learns these; what they mean stands in bitstream_spec/tokens.md.
"""

import sys

import numpy as np

import vqcodec


def main(clip: str, target: str) -> None:
    """Print shapes and the busiest group; keep tokens, times and portrait."""
    found = vqcodec.Codec().tokens(clip, vqcodec.EncodeOptions(portrait_frame="first"))
    frames, groups, layers = found.tokens.shape
    print(f"{frames} frames, {groups} groups, {layers} layers, {len(found.portraits)} portrait(s)")
    changes = (np.diff(found.tokens.astype(int), axis=0) != 0).mean(axis=0)  # (groups, layers)
    for layer in range(layers):
        print(f"layer {layer + 1}: {changes[:, layer].mean():.0%} of the tokens change per frame")
    motion = found.features()  # (frames, 48): the portrait's own plus what the tokens add
    print(f"largest motion value: {np.abs(motion).max():.2f}")
    np.savez(
        target,
        tokens=found.tokens,
        times_s=np.array([float(t) for t in found.times_s]),
        portrait=found.portraits[0].rgb,
        portrait_features=found.portraits[0].features,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
