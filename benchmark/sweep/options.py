"""How runs are executed: options that change nothing of what the runs are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lnlbench.leaderboard.store.address import StoreAddress, store_address


@dataclass(frozen=True, kw_only=True)
class Options:
    """How runs are executed; nothing here changes what they are."""

    store: StoreAddress = field(default_factory=store_address)
    device: str = "auto"
    jobs: int = 1  # runs or stacks at once; 0: as many as the executor has places for
    guarded: bool = False  # no run of a plug-in in this process, whose main module others must be able to import
    data_dir: Path | None = None
    plugins: tuple[Path, ...] = ()
    execution: str = "auto"
    checkpoint_every: int = 0  # epochs; 0 keeps none
    executor: str = "local"  # or "ray"
    ray_address: str | None = None  # of a cluster; a private one on this machine where None
    gpus: float = 0.0  # of each run or stack on Ray
    repair: bool = False  # make stored runs again whose record is missing or not whole
    save_model: bool = False  # keep the weights of every run
    keep_samples: bool = False  # keep loss and prediction of every training sample after the last epoch
    diagnostics: str = "basic"  # or "full": segment gradients and more, beside training
