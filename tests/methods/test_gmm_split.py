"""When the split begins, what it asks for, and what it keeps."""

import torch

from lnlbench.methods import Batch, Record, Task, parse
from lnlbench.methods._mixture import clean_probability


def test_keeps_all_in_the_warm_up_and_then_what_looks_clean(at_work, clock_at):
    method = at_work("gmm_split(threshold=0.5, warmup=0.1)")
    memory = method.start(Task(torch.eye(10).double().repeat(20, 1), 1, {}))
    assert torch.equal(memory["clean"], torch.ones(1, 200).double())
    losses = torch.cat([torch.rand(120), 3 + torch.rand(80)]).double().unsqueeze(0)
    memory = method.observe(Record(losses, losses.long(), memory), clock_at(20))
    torch.testing.assert_close(memory["clean"], clean_probability(losses))
    batch = Batch(None, None, None, memory)
    assert torch.equal(method.select(losses, losses, batch, clock_at(9)), torch.ones(1, 200).double())
    assert torch.equal(method.select(losses, losses, batch, clock_at(10)), (losses < 2).double())


def test_wants_no_pass_before_the_warm_up_is_over():
    method = parse("gmm_split(warmup=0.2)")
    assert [epoch for epoch in range(20) if method.due(epoch, 20)] == list(range(4, 20))
    assert not parse("ce").due(5, 10) and not parse("elr").due(5, 10)
