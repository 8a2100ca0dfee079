"""What a process does with its part of a GPU's memory, without TensorFlow."""

from __future__ import annotations

import sys

from trainables.networks.devices import CPU_INPUT_BYTES, device_memory


def test_where_no_memory_of_a_gpu_is_known_little_stays_there_and_nothing_is_counted() -> None:
    memory = device_memory(None)
    assert (memory.for_inputs, memory.most_kept) == (CPU_INPUT_BYTES, sys.maxsize)
    assert memory.used() == 0


def test_of_a_gpu_inputs_take_an_eighth_and_networks_half() -> None:
    memory = device_memory(16_000)
    assert (memory.for_inputs, memory.most_kept) == (2_000 * 2**20, 8_000 * 2**20)


def test_inputs_take_no_more_of_a_large_gpu_than_a_host_can_send() -> None:
    assert device_memory(80_000).for_inputs == 4 * 2**30
