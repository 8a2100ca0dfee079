"""How busy the machine is: processors, memory and GPUs, for the live table.

Read from Linux's /proc and from `nvidia-smi`; elsewhere nothing is shown.
"""

from __future__ import annotations

from pathlib import Path

from results.ledger.units import size
from sweep.gpus import nvidia_smi

_PROC = Path("/proc")
_GPU_QUERY = (
    "--query-gpu=utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
_MIB = 1024 * 1024


class MachineUsage:
    """Tells how busy the machine has been since it was last asked.

    Args:
        proc: where Linux says so.
        gpus: whether `nvidia-smi` is asked too.
    """

    def __init__(self, *, proc: Path = _PROC, gpus: bool = False) -> None:
        self._proc = proc
        self._gpus = gpus
        self._busy, self._all = self._processor_ticks()

    def words(self) -> str:
        """Such as `CPU 97 %, memory 5.1 GB of 16.8 GB`; empty where nothing is known."""
        parts = (self._processors(), self._memory(), self._gpu_words())
        return ", ".join(part for part in parts if part)

    def _gpu_words(self) -> str:
        return gpus_listed(nvidia_smi(*_GPU_QUERY, seconds=5)) if self._gpus else ""

    def _processors(self) -> str:
        busy, ticks = self._processor_ticks()
        busy_before, ticks_before = self._busy, self._all
        self._busy, self._all = busy, ticks
        if ticks <= ticks_before:
            return ""
        return f"CPU {100 * (busy - busy_before) / (ticks - ticks_before):.0f} %"

    def _processor_ticks(self) -> tuple[int, int]:
        """Busy ticks and all ticks of all processors since boot."""
        path = self._proc / "stat"
        if not path.is_file():
            return 0, 0
        # user nice system idle iowait irq softirq steal; guests are counted in user
        ticks = [int(word) for word in path.read_text().splitlines()[0].split()[1:9]]
        return sum(ticks) - sum(ticks[3:5]), sum(ticks)

    def _memory(self) -> str:
        path = self._proc / "meminfo"
        if not path.is_file():
            return ""
        lines = (line.split() for line in path.read_text().splitlines())
        kibibytes = {words[0]: int(words[1]) for words in lines}
        total, free = kibibytes["MemTotal:"], kibibytes["MemAvailable:"]
        return f"memory {size((total - free) * 1024)} of {size(total * 1024)}"


def gpus_listed(text: str) -> str:
    """Read lines such as `35, 1024, 81559`: percent, MiB used and MiB in all of one GPU each."""
    parts = []
    for line in text.splitlines():
        words = [word.strip() for word in line.split(",")]
        if len(words) == 3 and all(word.isdigit() for word in words):
            busy, used, total = map(int, words)
            parts.append(f"GPU {busy} %, {size(used * _MIB)} of {size(total * _MIB)}")
    return ", ".join(parts)
