"""A record that is read is the record that was written, or one line says why not."""

import json
import math

import numpy as np
import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import from_json, to_json


def test_round_trip(make):
    result = make(
        told=("noise_rate", "clean_validation"),
        host="00ff",
        more={"exact/auroc": [None, 0.25, 1e-17], "loss_correct": [math.inf, -math.inf, 0.1 + 0.2]},
    )
    assert from_json(to_json(result)) == result
    assert from_json(to_json(result).encode()) == result


def test_nan_survives(make):
    back = from_json(to_json(make(more={"loss_wrong": [1.0, math.nan, None]})))
    assert back.curves["loss_wrong"][0] == 1.0 and back.curves["loss_wrong"][2] is None
    assert math.isnan(back.curves["loss_wrong"][1])


def test_json_is_strict_and_numpy_becomes_plain(make):
    result = make(
        cost={"seconds": np.float32(0.5), "passes": np.int64(3), "peak": math.nan},
        more={"memorised": [np.float64(0.5), np.float32(math.nan), None]},
    )

    def refuse(constant):
        raise AssertionError(constant)

    record = json.loads(to_json(result), parse_constant=refuse)
    assert record["cost"] == {"seconds": 0.5, "passes": 3, "peak": "nan"}
    assert record["curves"]["memorised"] == [0.5, "nan", None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda r: r.pop("schema"), "schema 1, got None", id="no schema"),
        pytest.param(lambda r: r.update(schema=2), "schema 1, got 2", id="newer schema"),
        pytest.param(lambda r: r.pop("key"), "lacks the fields: key", id="missing field"),
        pytest.param(lambda r: r.update(kye=1, abc=2), "unknown fields: abc, kye", id="unknown fields"),
        pytest.param(lambda r: r.update(classes="10"), "'classes'", id="text for a number"),
        pytest.param(lambda r: r.update(replicate=True), "'replicate'", id="bool for a number"),
        pytest.param(lambda r: r.update(curves=[1]), "'curves'", id="list for curves"),
        pytest.param(lambda r: r["curves"].update(test_accuracy=3), "'test_accuracy'", id="number for a curve"),
        pytest.param(lambda r: r["curves"].update(test_accuracy=["x"] * 3), "'x'", id="text in a curve"),
        pytest.param(lambda r: r["curves"].pop("validation_accuracy"), "'validation_accuracy'", id="missing curve"),
        pytest.param(lambda r: r["curves"].update(memorised=[0.1]), "differ in length", id="short curve"),
        pytest.param(lambda r: r.update(report=3), "0; got 3", id="report after the last epoch"),
        pytest.param(lambda r: r.update(report=-1), "0; got -1", id="report before the first epoch"),
    ],
)
def test_a_bad_record_is_refused_in_one_line(make, change, message):
    record = json.loads(to_json(make()))
    change(record)
    with pytest.raises(StoreError) as caught:
        from_json(json.dumps(record))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff\xfe\x00", '{"schema": 1'])
def test_what_is_no_record_is_refused(text):
    with pytest.raises(StoreError, match="record"):
        from_json(text)


def test_what_is_no_json_is_refused_when_written(make):
    with pytest.raises(StoreError, match="cannot be written as JSON"):
        to_json(make(cost={"device": object()}))


def test_a_run_that_diverged_at_once_has_no_epochs(make):
    result = make(test=[], report=0, diverged=True)
    assert from_json(to_json(result)) == result
    with pytest.raises(StoreError, match="0 trained epochs"):
        make(test=[], report=0)
