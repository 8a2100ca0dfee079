#!/bin/bash
#SBATCH --job-name=transfer-sweep
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=12:00:00
# From the repository's folder: sbatch examples/cluster/slurm.sh --data PHOTOS
set -euo pipefail
export TRANSFER_SWEEP_CACHE_DIR=${TMPDIR:-/tmp}/transfer-sweep  # a disk of each node's own
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
head=$(hostname) others=$((SLURM_JOB_NUM_NODES - 1))
.venv/bin/ray start --head --port=6379 --num-cpus="$SLURM_CPUS_PER_TASK"
srun --nodes="$others" --ntasks="$others" --exclude="$head" \
  .venv/bin/ray start --block --address="$head:6379" --num-cpus="$SLURM_CPUS_PER_TASK" &
.venv/bin/python run_sweep.py --backbones all --address "$head:6379" \
  --max-concurrent $((4 * SLURM_JOB_NUM_NODES)) --cpus-per-trial $((SLURM_CPUS_PER_TASK / 4)) "$@"
