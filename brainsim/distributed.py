"""Training on several devices: one process each, started by ``torchrun``, gradients averaged by torch.

torchrun --nproc-per-node 2 $(which brainsim) gan train rec.nc --out gan --device cuda
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from brainsim.setting import device_of


def rank() -> int:
    """Return the number of this process among those that train together; 0 where it is alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world() -> int:
    """Return how many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Join the processes that ``torchrun`` started, for the length of a with-block; nothing where there are none.

    Parameters
    ----------
    device
        ``cpu``, ``cuda`` or ``auto``; each process takes a CUDA device of its own.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or distributed.is_initialized():
        yield
        return
    cuda = device_of(device).type == "cuda"
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield
        together()  # nobody leaves while another still writes
    finally:
        gc.collect()  # networks that average their gradients must be gone before the group is
        distributed.destroy_process_group()


def together() -> None:
    """Wait until all processes are here."""
    if distributed.is_initialized():
        distributed.barrier()


def parallel(network: nn.Module) -> nn.Module:
    """Return a network whose gradients are averaged over all processes."""
    return DistributedDataParallel(network, broadcast_buffers=False) if distributed.is_initialized() else network


def of_all(state: Tensor) -> Tensor:
    """Return a tensor of every process, (process, ...)."""
    if not distributed.is_initialized():
        return state[None]
    device = torch.device("cuda") if distributed.get_backend() == "nccl" else torch.device("cpu")
    every = [torch.empty_like(state, device=device) for _ in range(world())]
    distributed.all_gather(every, state.to(device))
    return torch.stack(every).cpu()
