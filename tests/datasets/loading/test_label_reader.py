"""A label file is read once, however often it is asked for."""

import numpy as np
import pytest

from lnlbench.datasets.loading import label_reader
from lnlbench.datasets.loading.label_reader import read_columns


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    reads, path = [], tmp_path / "labels.json"
    monkeypatch.setattr(label_reader, "_json", lambda file: reads.append(file) or {"": np.arange(3)})
    path.write_text("[0, 1, 2]")
    first, second = read_columns(path), read_columns(path)
    assert len(reads) == 1 and first[""] is second[""]
    with pytest.raises(ValueError, match="read-only"):
        first[""][0] = 1
    path.write_text("[0, 1, 2, 3]")
    read_columns(path)
    assert len(reads) == 2
