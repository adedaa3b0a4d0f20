"""Figures for face video, one file per family. All take uint8 RGB frames; `suite.py` computes the first five together.

    fidelity.py     PSNR, SSIM, MS-SSIM          is it the same signal?
    perceptual.py   EfficientNet-Lite0 distance  does it look the same to a network that knows objects?
    features.py     the same of mouth and eyes   and where people look?
    shift_tolerant.py   ST-LPIPS                 as perceptual.py, by a network that no training here minimises
    identity.py     dlib face embedding          is it the same person?
    landmarks.py    lmd, lmd_mouth, jitter       are eyes, brows and lips in the right place, and steady?
    sharpness.py    CPBD                         is it sharp?
    vmaf.py         VMAF                         how would people rate it?
    stability.py    MSI, warping error           does it tremble or flicker?
    lipsync.py      correlation and lag          do the lips open when they should?
    deep.py         LPIPS, DISTS                 as perceptual.py; for users who have the networks' weights
    frechet.py      FID, FVD                     is it the same kind of picture? Likewise; inception.py is FID's network
    weights.py      where those weights are looked for
    catalogue.py    names, units and directions of all of them

Every module imports its packages when a figure is computed; without them `MissingExtraError` names the extra.
"""
