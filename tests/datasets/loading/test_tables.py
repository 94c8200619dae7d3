"""Tables: text in UTF-8, one row of values a line, and one line for what is not."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.tables import read_parquet, read_table


def table(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("file_name,label\na.png,cat\nb.png,NA\n", id="plain"),
        pytest.param("\ufefffile_name,label\r\na.png,cat\r\nb.png,NA\r\n", id="as spreadsheets write it"),
        pytest.param("file_name, label\na.png, cat\n\nb.png, NA", id="spaces after commas, an empty line"),
        pytest.param('"file_name","label"\n"a.png","cat"\n"b.png","NA"\n', id="quoted"),
    ],
)
def test_csv(content, tmp_path):
    assert table(tmp_path, content) == {"file_name": ["a.png", "b.png"], "label": ["cat", "NA"]}


def test_values_may_hold_commas_and_line_breaks_and_be_missing(tmp_path):
    assert table(tmp_path, 'a,b\n"x, y",\n"u\nv",1\n') == {"a": ["x, y", "u\nv"], "b": [None, "1"]}


def test_jsonl(tmp_path):
    content = '{"file_name": "a", "label": 1}\n\n{"file_name": "b", "label": "\u2028", "x": null}\n'
    columns = {"file_name": ["a", "b"], "label": [1, "\u2028"], "x": [None, None]}
    assert table(tmp_path, content, "t.jsonl") == columns


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "t.csv is empty", id="empty"),
        pytest.param(" \n\n", "t.csv is empty", id="blank"),
        pytest.param("a,b\n", "t.csv has no rows", id="a header alone"),
        pytest.param("a,b\n1,2\n3\n", r"t.csv, line 3 has 1 fields; the header has 2 \(a, b\)", id="a short row"),
        pytest.param("a,b\n1,2,3\n", "t.csv, line 2 has 3 fields", id="a long row"),
        pytest.param("a,a\n1,2\n", "has two columns called 'a'", id="one name twice"),
        pytest.param('a,b\n"1,2\n3,4\n', "line 3 is not CSV: unexpected end of data", id="an open quote"),
        pytest.param(
            "a,b\nK\xe4se,1\n".encode("latin-1"), "is not UTF-8 text: byte 0xe4 in line 2; save it", id="latin-1"
        ),
        pytest.param("a,b\n1,2\n".encode("utf-16"), "is not UTF-8 text: byte 0xff in line 1", id="utf-16"),
        pytest.param("a,b\n1,2\n".encode("utf-16-le"), "is not UTF-8 text: it has zero bytes", id="utf-16, unmarked"),
    ],
)
def test_csv_that_cannot_be_read_is_one_line(content, message, tmp_path):
    with pytest.raises(DataError, match=message) as error:
        table(tmp_path, content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "t.jsonl is empty", id="empty"),
        pytest.param('{"a": 1}\n{"a": ', "t.jsonl, line 2 is not JSON", id="cut off"),
        pytest.param("[1]\n", "t.jsonl, line 1 is not a JSON object but list", id="a list"),
        pytest.param("{}\n", "t.jsonl has no rows", id="no values"),
    ],
)
def test_jsonl_that_cannot_be_read_is_one_line(content, message, tmp_path):
    with pytest.raises(DataError, match=message) as error:
        table(tmp_path, content, "t.jsonl")
    assert "\n" not in str(error.value)


def test_parquet_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"")
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "b.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "c.parquet")
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "d.parquet")
    for names, message in (
        ("a", "not a readable parquet"),
        ("b", "two columns called 'a'"),
        ("cd", "cannot be read toge"),
    ):
        with pytest.raises(DataError, match=message) as error:
            read_parquet(*(tmp_path / f"{name}.parquet" for name in names))
        assert "\n" not in str(error.value)
