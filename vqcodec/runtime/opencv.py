"""OpenCV, checked once: the place to import it from.

Two distributions own the folder `cv2`: `opencv-python`, which this package names, and `opencv-contrib-python`, which
mediapipe names. Whichever was installed last wins, and either works. But to uninstall or downgrade one of them takes
files of the other along, and Python imports the folder that is left as if nothing were missing.
"""

from __future__ import annotations

from vqcodec.errors import BrokenInstallError

__all__ = ["cv2"]

_HINT = (
    "Bring it anew: pip install --force-reinstall --no-deps opencv-python. It shares its folder with "
    "opencv-contrib-python, so that uninstalling one breaks the other."
)

try:
    import cv2
except ImportError as error:
    raise BrokenInstallError(f"OpenCV can't be imported: {error}", hint=_HINT) from error
if not hasattr(cv2, "resize"):
    raise BrokenInstallError("OpenCV is installed in part only", hint=_HINT)
