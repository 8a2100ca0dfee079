"""The cluster examples are what their readers expect, and what they type is understood."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from search_spaces.installed import version_of
from sweep.terminal.arguments import parse_arguments

EXAMPLES = Path(__file__).resolve().parents[1] / "examples/cluster"


def read(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


@pytest.mark.parametrize("name", ["ray-cluster.yaml", "rayjob.yaml", "slurm.sh"])
def test_the_command_of_an_example_is_understood(name: str) -> None:
    text = (EXAMPLES / name).read_text().replace("\\\n", " ")
    text = re.sub(r"\$\(\(.*?\)\)", "4", text).replace(' "$@"', "")
    [typed] = re.findall(r"(?:run_sweep\.py|transfer-sweep run) (--backbones [^'\n]*)", text)
    found = parse_arguments(shlex.split(typed), {})
    assert found.address
    assert found.max_concurrent
    assert found.cpus_per_trial


def test_rays_own_reader_takes_the_cluster() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(read("ray-cluster.yaml")))


def test_the_job_of_kuberay_has_the_locks_ray_and_a_cache_on_each_nodes_own_disk() -> None:
    job = read("rayjob.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["rayVersion"] == version_of("ray")
    [group] = cluster["workerGroupSpecs"]
    spec = group["template"]["spec"]
    [worker] = spec["containers"]
    [cache] = [one for one in worker["env"] if one["name"] == "TRANSFER_SWEEP_CACHE_DIR"]
    [mount] = worker["volumeMounts"]
    assert mount["mountPath"] == cache["value"]
    assert {"name": mount["name"], "emptyDir": {}} in spec["volumes"]


def test_the_script_for_slurm_is_one() -> None:
    subprocess.run(["bash", "-n", str(EXAMPLES / "slurm.sh")], check=True)
    head = (EXAMPLES / "slurm.sh").read_text().split("set -e")[0]
    assert {"--nodes=4", "--ntasks-per-node=1"} <= set(re.findall(r"#SBATCH (\S+)", head))
