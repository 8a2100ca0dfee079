"""What a process does with its part of a GPU's memory, without TensorFlow."""

from __future__ import annotations

import sys

from trainables.networks.devices import CPU_INPUT_BYTES, device_memory


def test_where_no_memory_of_a_gpu_is_known_little_stays_there_and_nothing_is_counted() -> None:
    memory = device_memory(None)
    assert (memory.for_inputs, memory.most_kept) == (CPU_INPUT_BYTES, sys.maxsize)
    assert memory.used() == 0


def test_inputs_of_a_trial_and_what_was_built_before_leave_a_quarter_of_the_memory_free() -> None:
    memory = device_memory(40_000)
    assert (memory.for_inputs, memory.most_kept) == (10_000 * 2**20, 20_000 * 2**20)
