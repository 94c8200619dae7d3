"""Runs in processes of one thread: what they give, in which order, and that a study gives the same in any number."""

import os
from dataclasses import replace

import pytest
import torch

from lnlbench.benchmark.studies.base import Context
from lnlbench.benchmark.studies.registry import find
from lnlbench.benchmark.studies.side_by_side import side_by_side

WHO = ("__import__('os').getpid()",)
THREADS = ("__import__('torch').get_num_threads()",)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_one_process_is_this_one():
    assert side_by_side(eval, [WHO, WHO], 1) == [os.getpid()] * 2


@pytest.mark.slow
def test_several_processes_have_one_thread_each_and_give_in_order():
    who, threads, *quotients = side_by_side(eval, [WHO, THREADS, *((f"{x} // 2",) for x in range(6))], 2)
    assert who != os.getpid() and threads == 1 and quotients == [0, 0, 1, 1, 2, 2]


@pytest.mark.slow
def test_what_one_of_them_raises_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        side_by_side(divmod, [(1, 1), (1, 0)], 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["E000-B", "E002-6"])
def test_a_study_gives_the_same_in_one_process_and_in_two(name, one_thread):
    study, context = find(name), Context(device="cpu")
    one, two = (study.measure(replace(study.fast, epochs=1, processes=n), context) for n in (1, 2))
    assert one.measures == two.measures
    assert one.curves.keys() == two.curves.keys()
    assert all((one.curves[key][1] == two.curves[key][1]).all() for key in one.curves)
