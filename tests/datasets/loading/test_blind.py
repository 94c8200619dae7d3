"""Data sets without their test labels: the same but for these, whoever decodes them."""

import os

import numpy as np
import pytest
from PIL import Image

from lnlbench.datasets.loading import cache, elsewhere
from lnlbench.datasets.loading.errors import DataError, DataWarning
from lnlbench.datasets.loading.images import load, load_blind
from lnlbench.datasets.loading.own import bring_in


def assert_the_same_but_for_test_labels(blind, whole):
    assert len(blind.test_labels) == 0 < len(whole.test_labels)
    for name in ("train_images", "train_labels", "test_images"):
        np.testing.assert_array_equal(getattr(blind, name), getattr(whole, name))
    assert (blind.fingerprint, blind.card, blind.source, blind.official) == (
        whole.fingerprint,
        whole.card,
        whole.source,
        whole.official,
    )
    assert {name for name in whole.extra if not name.startswith("test_")} == set(blind.extra)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_a_data_set_in_a_folder(small_dir, name):
    assert_the_same_but_for_test_labels(load_blind(name, small_dir), load(name, small_dir))


def test_digits_and_a_cache_that_is_made_anew(tmp_path):
    for _ in range(2):
        assert_the_same_but_for_test_labels(load_blind("digits", None, tmp_path), load("digits", None, tmp_path))
        (file,) = tmp_path.glob("digits-*.arrays")
        file.write_bytes(file.read_bytes()[:-1])


def test_a_folder_of_ones_own(tmp_path):
    for i in range(12):
        place = tmp_path / "data" / ("train" if i < 8 else "test") / ("cat" if i % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) + i).save(place / f"{i}.png")
        (place / "notes.txt").write_text("no image")  # which is said
    with pytest.warns(DataWarning) as notes:
        name = bring_in(str(tmp_path / "data"), tmp_path / "a")
    with pytest.warns(DataWarning) as relayed:
        assert elsewhere.bring_in(str(tmp_path / "data"), tmp_path / "b") == name
    assert [str(one.message) for one in relayed] == [str(one.message) for one in notes]
    assert_the_same_but_for_test_labels(load_blind(name, None, tmp_path / "b"), load(name, None, tmp_path / "a"))


def test_mistakes_are_the_same_lines(tmp_path):
    for here, there in ((load, load_blind), (lambda one: bring_in(one), elsewhere.bring_in)):
        with pytest.raises(DataError) as said:
            here("nothing" if here is load else str(tmp_path / "none"))
        with pytest.raises(DataError) as relayed:
            there("nothing" if here is load else str(tmp_path / "none"))
        assert str(relayed.value) == str(said.value)


def test_of_an_array_that_is_left_no_byte_is_read(tmp_path):
    arrays = {"a": np.arange(1000), "b": np.arange(2000, 3000), "c": np.arange(3000, 4000)}
    digest = cache.write(tmp_path / "x", arrays)
    content = bytearray((tmp_path / "x").read_bytes())
    at = content.index(arrays["b"].tobytes())
    content[at] ^= 1
    (tmp_path / "x").write_bytes(content)
    read, same = cache.read(tmp_path / "x", leave=lambda name: name == "b")
    assert set(read) == {"a", "c"} and same == digest, "what is damaged there is not seen, for it is not looked at"
    assert all((read[name] == arrays[name]).all() for name in read)
    with pytest.raises(cache.CorruptError, match="b has changed"):
        cache.read(tmp_path / "x", leave=lambda name: name == "a")


def test_a_decoder_that_is_killed_is_begun_again(tmp_path, monkeypatch):
    (tmp_path / "killed_once.py").write_text(
        "import os, pathlib, signal\n"
        f"mark = pathlib.Path({str(tmp_path / 'mark')!r})\n"
        "if not mark.exists():\n"
        "    mark.touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "from lnlbench.datasets.loading.decoder import main\n"
        "main()\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(elsewhere, "DECODER", "killed_once")
    path, origin = elsewhere.cached("digits", None, tmp_path / "cache")
    assert path.is_file() and origin == "embedded" and (tmp_path / "mark").exists()
