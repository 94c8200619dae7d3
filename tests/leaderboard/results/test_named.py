"""Results by what people call them, and the commands that make them."""

import re
from dataclasses import replace

import pytest

from lnlbench.leaderboard.results.command import that_made, that_reproduces
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.named import named


@pytest.fixture
def three(make):
    return [make(label=label, replicate=number) for label, number in (("ce", 0), ("ce", 1), ("gce(q=0.5) + sam", 0))]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("ce digits/symmetric-0.4 1", 1, id="name"),
        pytest.param("gce(q=0.5)+sam digits/symmetric-0.4 s0", 2, id="composition without spaces"),
        pytest.param("3", 2, id="row"),
    ],
)
def test_a_result_is_found_by_its_name_or_row(three, text, place):
    assert named(three, text, "the file") is three[place]


def test_a_result_is_found_by_the_beginning_of_its_key(three):
    assert named(three, three[1].key[:7], "the file") is three[1]


def test_of_several_results_of_one_name_the_last_counts(three, make):
    again = make(label="ce", test=[0.1, 0.2])
    assert named([*three, again], "ce digits/symmetric-0.4 0", "the file") is again


@pytest.mark.parametrize("text", ["4", "abcdef", ""])
def test_what_is_not_there_is_said(three, text):
    with pytest.raises(StoreError, match="no result in the file is called"):
        named(three, text, "the file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "ce digits/symmetric-0.4 s7",
            "no run of ce on digits/symmetric-0.4, replicate 7, is in the file: replicates 0 and 1 are there",
            id="another replicate",
        ),
        pytest.param(
            "ce digits/clean 0",
            "no run of ce on digits/clean, replicate 0, is in the file: of ce it has digits/symmetric-0.4",
            id="another setting",
        ),
        pytest.param(
            "gec digits/symmetric-0.4 0",
            "no run of gec on digits/symmetric-0.4, replicate 0, is in the file: "
            "on digits/symmetric-0.4 it has ce, gce(q=0.5) + sam",
            id="another method",
        ),
        pytest.param("gec digits/clean 0", "no run of gec on digits/clean, replicate 0, is in the file", id="nothing"),
    ],
)
def test_of_a_run_that_is_not_there_it_says_what_is(three, text, message):
    with pytest.raises(StoreError) as caught:
        named(three, text, "the file")
    assert str(caught.value) == message


def test_a_long_list_ends_with_a_number(make):
    runs = [make(label="ce", setting=f"digits/symmetric-0.{i}") for i in range(1, 7)]
    with pytest.raises(StoreError, match=r"of ce it has (digits/symmetric-0\.\d,? ){4}and 2 more$"):
        named(runs, "ce digits/clean 0", "the file")


@pytest.mark.parametrize("text", ["ce digits/symmetric-0.4", "gce(q=0.5) + sam digits/clean"])
def test_a_name_without_a_replicate_says_what_it_lacks(three, text):
    with pytest.raises(StoreError, match=rf"^'{re.escape(text)}' lacks a replicate: .* '{re.escape(text)} 0'$"):
        named(three, text, "the file")


def test_a_method_that_was_told_something_is_listed_by_its_labels(make):
    """`forward` stands for the run with an estimate, and a file of one's own for what it registers."""
    labels = ("forward [true]", "forward [true-0.2]", "forward + sam", "gce", "forward_2")
    runs = [make(label=label, replicate=0) for label in labels]
    with pytest.raises(StoreError, match=r"in the file: there are forward \[true-0.2\], forward \[true\]$"):
        named(runs, "forward digits/symmetric-0.4 0", "the file")
    with pytest.raises(StoreError, match=r"replicate 0 is there$"):
        named(runs, "forward + sam digits/symmetric-0.4 7", "the file")
    with pytest.raises(StoreError, match=r"replicate 0, is in the file$"):
        named(runs, "forward digits/clean 0", "the file")


def test_two_keys_that_begin_alike_are_listed(make):
    with pytest.raises(StoreError, match="several results in the file are called 'abcdef': ce digits"):
        named([make(key="abcdef1"), make(key="abcdef2")], "abcdef", "the file")


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        pytest.param(
            {}, 'lnlbench run digits/symmetric-0.4 --methods "ce" --replicates 0 --precision fp32', id="plain"
        ),
        pytest.param(
            {"setting": "digits,lr=0.1/clean", "replicate": 3},
            'lnlbench run digits/clean --methods "ce" --replicates 3 --set lr=0.1 --precision fp32',
            id="a changed setting",
        ),
        pytest.param(
            {"label": "forward [true-0.2]"},
            'lnlbench run digits/symmetric-0.4 --methods "forward" --replicates 0 --precision fp32 --told true-0.2',
            id="told",
        ),
        pytest.param(
            {"environment": {"execution": "graph", "device": "cuda:1"}, "identity": {"precision": "bf16"}},
            'lnlbench run digits/symmetric-0.4 --methods "ce" --replicates 0'
            " --precision bf16 --execution graph --device cuda",
            id="elsewhere",
        ),
        pytest.param(
            {"setting": "digits,model=a b/file:/tmp/my labels.csv#noisy"},
            "lnlbench run 'digits/file:/tmp/my labels.csv#noisy' --methods \"ce\" --replicates 0 --set 'model=a b'"
            " --precision fp32",
            id="blanks",
        ),
        pytest.param(
            {"label": "f(a='$HOME')", "environment": {"execution": "$(false)"}, "identity": {"precision": "a;b"}},
            """lnlbench run digits/symmetric-0.4 --methods 'f(a='"'"'$HOME'"'"')' --replicates 0 --precision 'a;b'"""
            " --execution '$(false)'",
            id="what a shell would read",
        ),
        pytest.param({"track": "tuned"}, "", id="tuned"),
        pytest.param(
            {"label": "my_loss(q=0.5)", "environment": {"plugins": ["my loss.py"]}},
            'lnlbench run digits/symmetric-0.4 --methods "my_loss(q=0.5)" --replicates 0 --precision fp32'
            " --plugin 'my loss.py'",
            id="a file of one's own",
        ),
        pytest.param(
            {"environment": {"plugins": "$(false)"}},
            'lnlbench run digits/symmetric-0.4 --methods "ce" --replicates 0 --precision fp32',
            id="no list",
        ),
    ],
)
def test_the_command_that_made_a_run(make, changes, command):
    assert that_made(make(**changes)) == command


def test_the_command_that_makes_a_run_again(make):
    assert that_reproduces(make(key="0123456789abcdef")) == "lnlbench reproduce 0123456789ab"
    own = make(key="0123456789abcdef", environment={"plugins": ["my_loss.py"]})
    assert that_reproduces(own) == "lnlbench reproduce 0123456789ab --plugin my_loss.py"
    assert that_reproduces(own, ["results/x/my_loss.py"]).endswith("ab --plugin results/x/my_loss.py")


def test_the_name_like_the_one_asked_for_comes_first(make):
    runs = [make(label=label, replicate=0) for label in ("anl_ce", "ce", "dal", "gce", "sce", "elr_plus", "elr")]
    with pytest.raises(StoreError, match=r"it has elr, anl_ce, ce, dal and 3 more$"):
        named(runs, "elrr digits/symmetric-0.4 0", "the file")


def test_a_replicate_under_another_spelling_is_found(make):
    runs = [make(label="gce"), make(label="gce(q=0.70)", method="gce(q=0.7)", replicate=1)]
    assert named(runs, "gce digits/symmetric-0.4 1", "the file") is runs[1]
    assert named(runs, "gce(q=0.70) digits/symmetric-0.4 s0", "the file") is runs[0]
    with pytest.raises(StoreError, match="gce"):
        named([replace(run, track="tuned") for run in runs], "gce digits/symmetric-0.4 1", "the file")
