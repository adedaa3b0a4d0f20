"""Figures for face video, one file per family. All take uint8 RGB frames; `suite.py` computes them together.

    fidelity.py     PSNR, SSIM, MS-SSIM          is it the same signal?
    perceptual.py   EfficientNet-Lite0 distance  does it look the same to a network that knows objects?
    identity.py     dlib face embedding          is it the same person?
    landmarks.py    lmd, lmd_mouth, jitter       are eyes, brows and lips in the right place, and steady?
    sharpness.py    CPBD                         is it sharp?

Every module imports its packages when a figure is computed; without them `MissingExtraError` names the extra.
"""
