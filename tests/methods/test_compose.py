"""Parts that remember: their memories are joined, and each name has one owner."""

import pytest
import torch

from lnlbench.methods import Composition, Method, MethodError, Record, Task, parse

TASK = Task(torch.eye(10), 1, {})


class Also(Method):
    """Remembers something by the name that ELR uses."""

    name = "also"

    def start(self, task):
        return {"target": task.targets}


def test_memories_of_parts_are_joined():
    method = parse("elr + gmm_split + sln")
    memory = method.start(TASK)
    assert set(memory) == {"target", "clean", "given_weight", "predicted"}
    record = Record(torch.rand(1, 10), torch.arange(10).unsqueeze(0), memory)
    assert set(method.observe(record, None)) == {"clean", "given_weight", "predicted"}


def test_a_pass_is_made_when_one_part_wants_it():
    method = parse("gmm_split(warmup=0.3) + sln(switch=0.6)")
    assert [epoch for epoch in range(10) if method.due(epoch, 10)] == list(range(3, 10))


def test_only_the_parts_that_are_due_observe():
    method = parse("truncated_gce(prune=0.2, every=0.3) + sln(switch=0.6)")
    found = {epoch: {part.name for part in method.observing(epoch, 10).parts} for epoch in range(10)}
    pruning, correcting = ({e for e, names in found.items() if name in names} for name in ("truncated_gce", "sln"))
    assert pruning == {2, 5, 8} and correcting == {6, 7, 8, 9}
    assert method.observing(0, 10).observe(None, None) == {}


def test_two_memories_of_one_name_are_refused():
    method = Composition((*parse("elr").parts, Also()))
    with pytest.raises(MethodError, match="'elr' and 'also' both remember 'target'"):
        method.start(TASK)
