"""Fields that a command changes: read as Python values or as words, each once."""

import pytest

from lnlbench.benchmark.cli.overrides import overrides
from lnlbench.benchmark.protocol.settings import SettingError


@pytest.mark.parametrize(
    ("texts", "options", "values"),
    [
        pytest.param([], {}, {}, id="nothing"),
        pytest.param(["lr=0.1", "augment=True"], {}, {"lr": 0.1, "augment": True}, id="values"),
        pytest.param(["schedule=linear-80"], {}, {"schedule": "linear-80"}, id="a word"),
        pytest.param(["names=['a', 'b']"], {}, {"names": ["a", "b"]}, id="a list"),
        pytest.param([" lr = 0.1 "], {}, {"lr": 0.1}, id="blanks"),
        pytest.param(["lr=0.1"], {"epochs": "5", "model": None}, {"epochs": 5, "lr": 0.1}, id="an option"),
        pytest.param([], {"epochs": "2x"}, {"epochs": "2x"}, id="a factor"),
        pytest.param(["x=" + "(" * 5000], {}, {"x": "(" * 5000}, id="brackets without end"),
        pytest.param(["x={[]: 1}"], {}, {"x": "{[]: 1}"}, id="no literal"),
    ],
)
def test_values(texts, options, values):
    assert overrides(texts, **options) == values


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        pytest.param(["lr"], {}, "written name=value, as in lr=0.1, but got 'lr'", id="no value"),
        pytest.param(["=5"], {}, "written name=value", id="no name"),
        pytest.param(["lr="], {}, "written name=value", id="an empty value"),
        pytest.param(["lr=1", "lr=1"], {}, "the field 'lr' is given twice, at last as 'lr=1'", id="twice"),
        pytest.param(["epochs=6"], {"epochs": "5"}, "the field 'epochs' is given twice", id="also as an option"),
    ],
)
def test_mistakes(texts, options, message):
    with pytest.raises(SettingError, match=message):
        overrides(texts, **options)
