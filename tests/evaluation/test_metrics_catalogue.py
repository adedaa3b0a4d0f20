"""The catalogue names every metric once, in a form the reports can use."""

from __future__ import annotations

import json

from vqcodec.evaluation.metrics.catalogue import CATALOGUE
from vqcodec.evaluation.metrics.scores import Scores
from vqcodec.evaluation.metrics.weights import BACKBONES


def test_entries_are_complete() -> None:
    for name, metric in CATALOGUE.items():
        assert metric.name == name and metric.title and metric.source
        assert metric.better in ("higher", "lower", "one") and metric.kind in (
            "frame",
            "clip",
            "set",
        )
        assert set(metric.to_json()) == {"name", "title", "unit", "better", "kind", "source"}
    titles = [metric.title for metric in CATALOGUE.values()]
    assert len(set(titles)) == len(titles)
    json.dumps({name: metric.to_json() for name, metric in CATALOGUE.items()})


def test_every_figure_of_the_suite_and_every_network_is_in_it() -> None:
    figures = set(Scores.__dataclass_fields__) - {"frames", "faces", "cpbd_reference"}
    assert figures <= set(CATALOGUE) and set(BACKBONES) <= set(CATALOGUE)
    assert [m.name for m in CATALOGUE.values() if m.kind == "set"] == ["fid", "fvd"]
