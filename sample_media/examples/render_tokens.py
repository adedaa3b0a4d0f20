"""Pictures out of tokens that a program changed: python render_tokens.py talk.vqt portrait.png out.vqt sheet.png

Takes the motion of a clip, plays it at half speed, moves another portrait with it, and shows the first picture of
every second. Tokens are motion relative to a portrait, so the first 12 groups fit any; further ones say how that person's
own hair and clothes move. The file says that nobody was recorded so.
"""

import sys

import numpy as np
from PIL import Image

import vqcodec


def main(clip: str, picture: str, target: str, sheet: str) -> None:
    """Write the changed stream and a row of its pictures."""
    codec = vqcodec.Codec()
    motion = codec.tokens(clip)
    rate_hz = motion.head.frame_rate_hz
    slow = np.repeat(motion.tokens[:, :12], 2, axis=0)  # (2 T, 12, layers), each frame twice
    portrait = codec.portrait(picture)
    changed = vqcodec.TokenSequence.of(slow, portrait, frame_rate_hz=rate_hz, synthetic=True)
    changed.write(target, force=True)

    step = round(rate_hz)
    few = vqcodec.TokenSequence.of(slow[::step], portrait)
    rows = codec.render(few, size_px=256)  # (N, 256, 256, 3) uint8
    Image.fromarray(np.concatenate(list(rows[:8]), axis=1)).save(sheet)
    print(f"{len(slow)} frames in {target}; {len(rows)} of them drawn, {len(rows[:8])} in {sheet}")


if __name__ == "__main__":
    main(*sys.argv[1:])
