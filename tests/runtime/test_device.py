"""Devices, threads and the allocator."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from vqcodec.errors import UsageError
from vqcodec.runtime import allocator, device


def test_cpu_is_always_there() -> None:
    assert device.choose_device("cpu").type == "cpu"
    assert device.choose_device("auto").type in ("cpu", "cuda")


def test_cuda_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose_device("auto").type == "cpu"
    with pytest.raises(UsageError, match="no CUDA device") as caught:
        device.choose_device("cuda")
    assert caught.value.hint and caught.value.exit_code == 2


def test_cuda_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.choose_device("auto").type == device.choose_device("cuda").type == "cuda"


def test_unknown_device() -> None:
    with pytest.raises(UsageError, match="unknown device"):
        device.choose_device("abacus")  # type: ignore[arg-type]


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device.inference_dtype(torch.device("cuda")) is torch.float16
    for has, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(device, "has_bfloat16", lambda has=has: has)
        monkeypatch.setattr(device, "bfloat16_pays", lambda: True)
        assert device.inference_dtype(torch.device("cpu")) is dtype


def test_threads() -> None:
    before = torch.get_num_threads()
    try:
        assert device.use_threads(1) == 1 == torch.get_num_threads()
        assert 1 <= device.use_threads() <= 16
    finally:
        torch.set_num_threads(before)


def test_allocator_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert allocator.tune_allocator() is False


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_allocator_keeps_pages() -> None:
    # in a process of its own: the setting stays
    script = (
        "import resource, numpy as np\nfrom vqcodec.runtime.allocator import tune_allocator\n"
        "assert tune_allocator()\nnp.ones(1 << 25)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(4): np.ones(1 << 25)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 4096, "256 MiB four times over would be 262,144 pages of 4 KiB"
