"""The loop that all trainers share."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from vqcodec.training.common.loop import Loop, Meter, Pace, cosine_rate


class Counting(Loop):
    """One number that shall become 3; stops itself by an interrupt at a step."""

    def __init__(self, out: Path, *, interrupted_at: int | None = None) -> None:
        model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(model.weight)
        optimizer = torch.optim.AdamW(
            [dict(params=list(model.parameters()), scale=2.0)], weight_decay=0.0
        )
        super().__init__(model, optimizer, out, torch.device("cpu"), Pace(0.5, 1.0, 4, 5, 1e9))
        self.interrupted_at = interrupted_at

    def advance(self) -> dict[str, float]:
        if self.step == self.interrupted_at:
            raise KeyboardInterrupt
        loss = (self.model.weight - 3).pow(2).sum()  # type: ignore[union-attr, operator]
        return {"loss": float(loss), "norm": self.update(loss, 0.05)}

    def check(self) -> dict[str, float]:
        return {"averaged": float(self.ema["weight"])}


def entries(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_the_log_tells_of_every_step_once_and_checks_come_when_asked(tmp_path: Path) -> None:
    run = Counting(tmp_path)
    run.train_until(11, None)
    told = entries(tmp_path)
    assert [e["step"] for e in told if "loss" in e] == [4, 8, 11]
    assert [e["step"] for e in told if "check" in e] == [5, 10, 11]
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(0.1)  # the rate times its scale


def test_an_interrupt_saves_and_another_run_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        Counting(tmp_path, interrupted_at=6).train_until(20, None)
    again = Counting(tmp_path)
    assert again.restore() and again.step == 6
    whole = Counting(tmp_path / "whole")
    whole.train_until(12, None)
    again.train_until(12, None)
    assert torch.equal(again.model.weight, whole.model.weight)  # type: ignore[arg-type]
    assert torch.equal(again.ema["weight"], whole.ema["weight"])
    assert not Counting(tmp_path / "empty").restore()


def test_a_gradient_that_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    run = Counting(tmp_path)
    before = run.model.weight.detach().clone()  # type: ignore[operator, union-attr]
    norm = run.update((run.model.weight * float("nan")).sum(), 0.1)  # type: ignore[operator]
    assert norm != norm and torch.equal(run.model.weight, before)  # type: ignore[arg-type]
    assert torch.equal(run.ema["weight"], before)


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    run = Counting(tmp_path)
    run.rank = 1
    run.train_until(5, None)
    assert list(tmp_path.iterdir()) == []


def test_means_count_what_was_told_and_not_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 10.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    meter = Meter()
    meter.add({"a": 1.0})
    meter.add({"a": 2.0, "b": 4.0})
    meter.leave_out(6.0)
    assert meter.take() == (2, 4.0, {"a": 1.5, "b": 4.0})


def test_the_rate_warms_up_and_falls() -> None:
    shape = dict(steps=100, lr=1.0, lr_end=0.1, warmup=10)
    rates = [cosine_rate(s, **shape) for s in range(121)]  # type: ignore[arg-type]
    assert rates[0] == pytest.approx(0.1, rel=1e-3) and max(rates) == rates[9]
    assert rates[100] == rates[120] == pytest.approx(0.1)
