"""Labels: read as text, numbers only where all sides are, no class that nobody has."""

import datetime
import math

import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.labels import check_sides, class_names, label_notes, label_texts


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        pytest.param(["cat", "NA", "nan", "None"], ["cat", "NA", "nan", "None"], id="names that look like nothing"),
        pytest.param([1, 2], ["1", "2"], id="numbers"),
        pytest.param(["1", "2"], ["1", "2"], id="numbers in a text"),
        pytest.param([1.0, 2.0], ["1", "2"], id="floats, as pandas writes numbers beside gaps"),
        pytest.param(["1.0", "2.0"], ["1", "2"], id="floats in a text"),
        pytest.param([True, False], ["True", "False"], id="booleans"),
        pytest.param(["01", "02"], ["1", "2"], id="padded"),
        pytest.param(["01", "1"], ["01", "1"], id="two names, not one number"),
        pytest.param(["1.5", "cat"], ["1.5", "cat"], id="a name with a point"),
        pytest.param(["Ka\u0308se"], ["Käse"], id="one form of Unicode"),
    ],
)
def test_labels_are_text(values, texts):
    assert label_texts(values, "x") == texts


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(["cat", None], "x has 1 rows without a value", id="none"),
        pytest.param([1.0, math.nan], "x has 1 rows without a value", id="not a number"),
        pytest.param(["", ""], "x has 2 rows without a value", id="empty"),
        pytest.param([0.5, 1.0], "x has the label 0.5; labels are names or whole numbers", id="a fraction"),
        pytest.param(["0.5", "1"], "x has the label 0.5", id="a fraction in a text"),
        pytest.param([math.inf, 1.0], "inf", id="infinite"),
        pytest.param([[1], [2]], "x has labels of type list", id="lists"),
        pytest.param([b"cat"], "x has labels of type bytes", id="bytes"),
        pytest.param([datetime.date(2024, 1, 1)], "x has labels of type date", id="dates"),
        pytest.param(
            ["a\x1b[31m"], r"x has the label 'a\\x1b\[31m', with a character that cannot be shown", id="control"
        ),
    ],
)
def test_what_is_no_label_is_refused(values, message):
    with pytest.raises(DataError, match=message):
        class_names([label_texts(values, "x"), ["0", "1"]], "x")


@pytest.mark.parametrize(
    ("sides", "names"),
    [
        pytest.param([["b", "a"], ["c"]], ["a", "b", "c"], id="names in order"),
        pytest.param([["10", "2"], ["1"]], ["1", "2", "10"], id="numbers by size, and none that nobody has"),
        pytest.param([["10", "2"], ["x"]], ["10", "2", "x"], id="names where one side is"),
    ],
)
def test_classes(sides, names):
    assert class_names(sides, "x") == names


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        pytest.param([["a"]], "x has 1 classes; 2 to 256 can be trained on", id="one"),
        pytest.param([[str(i) for i in range(257)]], "x has 257 classes", id="many"),
        pytest.param([["-1", "0", "1"]], "x has the label -1, which often marks rows without a label", id="negative"),
    ],
)
def test_too_few_too_many_or_negative_classes(sides, message):
    with pytest.raises(DataError, match=message):
        class_names(sides, "x")


def test_sides_must_name_classes_alike():
    check_sides({"given": ["a", "b"], "true": ["b", "c"]}, ["a"], "x")
    with pytest.raises(
        DataError, match=r"x: no label is both among the given labels \(a, b\) and the test labels \(A\)"
    ):
        check_sides({"given": ["a", "b"]}, ["A"], "x")
    with pytest.raises(DataError, match=r"the given labels \(a, b\) and the true labels \(0, 1\); write them alike"):
        check_sides({"given": ["a", "b"], "true": ["0", "1"]}, ["a"], "x")


@pytest.mark.parametrize(
    ("train", "test", "notes"),
    [
        pytest.param(["a", "b"], ["a", "b"], [], id="nothing"),
        pytest.param(["0", "1"], ["0", "1"], [], id="numbers from 0"),
        pytest.param(["a", "b"], ["a"], ["x: the class b has training images and no test image"], id="not tested"),
        pytest.param(
            ["a", "b"],
            ["a", "b", "c", "d"],
            ["x: the 2 classes c, d have test images and no training image"],
            id="unseen",
        ),
        pytest.param(
            ["1", "2", "5"],
            ["1", "2", "5"],
            ["x: the labels 1, 2, 5 are 3 classes, numbered from 0 in training"],
            id="gaps",
        ),
        *(
            pytest.param(
                pair,
                pair,
                [f"x: {pair[0]!r} and {pair[1]!r} differ in case, spaces or zeros alone, and are 2 classes"],
                id=f"{pair[0]!r} and {pair[1]!r}",
            )
            for pair in (["Cat", "cat"], ["a b", "ab"], ["cat", "cat "], ["STRASSE", "Straße"])
        ),
    ],
)
def test_what_is_said_of_classes(train, test, notes):
    assert label_notes(sorted({*train, *test}), train, test, "x") == notes
