"""How busy the machine is, where it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.terminal.usage import MachineUsage, gpus_listed


def proc(folder: Path, busy: int, idle: int) -> Path:
    (folder / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n")
    (folder / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 6000000 kB\n")
    return folder


def test_a_machine_without_proc_says_nothing(tmp_path: Path) -> None:
    assert MachineUsage(proc=tmp_path).words() == ""


def test_processors_are_those_since_the_last_look(tmp_path: Path) -> None:
    usage = MachineUsage(proc=proc(tmp_path, 1000, 1000))
    proc(tmp_path, 1075, 1025)
    assert usage.words() == "CPU 75 %, memory 10.2 GB of 16.4 GB"
    assert usage.words() == "memory 10.2 GB of 16.4 GB"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("No devices were found\n", ""),
        ("[N/A], [N/A], [N/A]\n", ""),
        ("35, 1024, 81559\n", "GPU 35 %, 1.1 GB of 85.5 GB"),
        ("0, 0, 1000\n1, 0, 1000\n", "GPU 0 %, 0.0 MB of 1.0 GB, GPU 1 %, 0.0 MB of 1.0 GB"),
    ],
)
def test_gpus_are_read_from_nvidias_list(text: str, words: str) -> None:
    assert gpus_listed(text) == words
