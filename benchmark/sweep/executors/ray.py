"""The executor of a cluster: every task is a task of Ray, on whatever machine has room for it."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

from lnlbench.benchmark.engine.device import ExecutionError
from lnlbench.benchmark.sweep.executors.base import PATIENCE, Message, Task
from lnlbench.leaderboard.results.errors import StoreError, one_line

GRACE = 20.0  # seconds that tasks have to give their claims back


class Ray:
    """Tasks of Ray, each with one CPU and a share of a GPU.

    Args:
        slots: tasks at once; 0: as many as the cluster has room for.
        address: of a cluster; a private one on this machine where None. Ray listens on all interfaces even then, and
            therefore asks for a token.
        gpus: of each task; a share of one such as 0.25 lets four use it, but limits nobody's memory.
        shared: whether the store can be reached from other machines.

    Raises:
        ExecutionError: Ray is not installed, no cluster answers, it has no such GPUs, or it has several machines and
            the store is a file of this one.
    """

    def __init__(self, slots: int, address: str | None, gpus: float, shared: bool) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # without GPUs, leave the visible ones alone
        try:
            import ray
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
        except ModuleNotFoundError:
            raise ExecutionError("the executor 'ray' needs Ray: in a clone: pip install '.[ray]'") from None
        self._ray, self._ours = ray, not ray.is_initialized()
        if self._ours:
            on_end = signal.getsignal(signal.SIGTERM)
            self._connect(slots, address)
            if threading.current_thread() is threading.main_thread():  # Ray's own would abort, and tidy nothing
                signal.signal(signal.SIGTERM, on_end)
        try:
            room = ray.cluster_resources()
            if gpus > room.get("GPU", 0):
                raise ExecutionError(f"each run is to have {gpus:g} GPUs, but the cluster has {room.get('GPU', 0):g}")
            if not shared and sum(node["Alive"] for node in ray.nodes()) > 1:
                raise ExecutionError(
                    "machines of a cluster share no file: use --tracking-uri http://… --database postgresql://…"
                )
            self.slots = slots or max(1, int(room["GPU"] / gpus if gpus else room["CPU"]))
            self._do = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0, max_calls=0)(_do)
            # On this machine: with another one it would be gone, and the sweep with it.
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._mailbox: Any = ray.remote(num_cpus=0, scheduling_strategy=here)(_Mailbox).remote()
        except BaseException:
            self.close()
            raise
        self._flying: dict[Any, int] = {}

    def submit(self, ticket: int, task: Task) -> None:
        """Hand a task to the cluster."""
        self._flying[self._do.remote(ticket, task, self._mailbox)] = ticket

    def step(self, note: Callable[[Message], None]) -> None:
        """Note what was sent, then which tasks have ended: what they sent is in the mailbox before."""
        ended, _ = self._ray.wait(list(self._flying), timeout=PATIENCE)
        for message in self._ray.get(self._mailbox.take.remote()):
            note(message)
        for one in ended:
            ticket = self._flying.pop(one)
            try:
                self._ray.get(one)
            except self._ray.exceptions.RayError as error:
                note(Message(ticket, "died", f"{type(error).__name__}: {one_line(error, 200)}"))
            else:
                note(Message(ticket, "ended"))

    def close(self) -> None:
        """Interrupt what works, wait until it has given its claims back, and disconnect."""
        left = list(getattr(self, "_flying", ()))
        for one in left:
            self._ray.cancel(one)
        if left:
            self._ray.wait(left, num_returns=len(left), timeout=GRACE)
        if self._ours:
            self._ray.shutdown()

    def _connect(self, slots: int, address: str | None) -> None:
        quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
        try:
            if address:
                host, colon, port = address.rpartition(":")
                if colon and port.isdecimal() and "/" not in host:  # at once: Ray itself tries for over a minute
                    socket.create_connection((host, int(port)), timeout=5).close()
                self._ray.init(address=address, **quiet)
            else:
                cpus = max(slots, os.cpu_count() or 1)
                self._ray.init("local", num_cpus=cpus, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise ExecutionError(f"no Ray cluster at {address or 'this machine'}: {one_line(error, 200)}") from error


class _Mailbox:
    """What tasks have sent, until it is taken."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def put(self, message: Message) -> None:
        self._messages.append(message)

    def take(self) -> list[Message]:
        messages, self._messages = self._messages, []
        return messages


def _do(ticket: int, task: Task, mailbox: Any) -> None:
    import ray

    def send(body: Any, kind: str = "said") -> None:
        ray.get(mailbox.put.remote(Message(ticket, kind, body)))

    from lnlbench.benchmark.engine.threads import threads

    try:
        with threads():
            task(send)
    except StoreError as error:
        send(str(error), "broken")
