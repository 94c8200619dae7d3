"""Folders of one's own through the command line: read as they are meant, or one line and exit code 2."""

import io
import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lnlbench.benchmark.cli import app as cli

CLASSES = ("cat", "dog", "owl")
SIZES = {"train": 8, "test": 4}  # images a class

pytestmark = pytest.mark.filterwarnings("default::lnlbench.datasets.loading.errors.DataWarning")


def picture(number, label):
    """A random picture of 8 × 8 pixels, brighter where its class says."""
    pixels = np.random.default_rng(number).integers(0, 100, (8, 8), dtype=np.uint8)
    pixels[2 * label : 2 * label + 2] += 120
    return Image.fromarray(pixels)


def image_folder(root, *, names=CLASSES, sizes=SIZES, change=lambda image: image, ending="png"):
    number = 0
    for split, size in sizes.items():
        for label, name in enumerate(names):
            (root / split / name).mkdir(parents=True)
            for i in range(size):
                change(picture(number := number + 1, label)).save(root / split / name / f"{i}.{ending}")
    return root


def with_metadata(root, labels, encoding="utf-8", more=()):
    for split, size in SIZES.items():
        (root / split).mkdir(parents=True)
        rows = ["file_name,label"]
        for i in range(len(labels) * size):
            picture(i, i % len(labels)).save(root / split / f"{i:02}.png")
            rows.append(f"{i:02}.png,{labels[i % len(labels)]}")
        (root / split / "metadata.csv").write_text("\n".join([*rows, *more]), encoding)
    return root


def with_parquet(root, labels, shards=1):
    root.mkdir()
    for split, size in SIZES.items():
        column, encoded = [labels[i % len(labels)] for i in range(len(labels) * size)], []
        for i in range(len(column)):
            picture(i, i % len(labels)).save(content := io.BytesIO(), "PNG")
            encoded.append({"bytes": content.getvalue(), "path": None})
        number = shards if split == "train" else 1
        pq.write_table(pa.table({"image": encoded, "label": column}), root / f"{split}-00000-of-{number:05}.parquet")
    return root


def linked(root):
    image_folder(root)
    (root / "train/owl").rename(root.parent / "elsewhere_owl")
    (root / "train/owl").symlink_to("../../elsewhere_owl", target_is_directory=True)


def checkpoints(root):
    image_folder(root)
    for place in (root / "train/.ipynb_checkpoints", root / "train/cat/.ipynb_checkpoints"):
        place.mkdir()
        picture(0, 0).save(place / "0-checkpoint.png")


def appledouble(root):
    image_folder(root)
    for path in [*root.rglob("*.png")]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
        twin = root / "__MACOSX" / path.relative_to(root).with_name(f"._{path.name}")
        twin.parent.mkdir(parents=True, exist_ok=True)
        twin.write_bytes(b"\0\5\x16\7")


def true_numbers(root):
    image_folder(root, names=("1", "2", "3"))
    for split in SIZES:
        paths = sorted((root / split).rglob("*.png"))
        rows = [f"{path.parent.name}/{path.name},{path.parent.name}" for path in paths]
        (root / split / "metadata.csv").write_text("\n".join(["file_name,true_label", *rows]))


def turned(root):
    """Photographs that lie on their side, as their EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in image_folder(root, ending="jpg").rglob("train/*/*.jpg"):
        with Image.open(path) as image:
            image.rotate(90).save(path, exif=exif, quality=95)


def wide(root, change):
    image_folder(root, change=change, ending="tif")


GOOD = [
    pytest.param(image_folder, "", id="a plain folder"),
    pytest.param(linked, "", id="a linked class"),
    pytest.param(checkpoints, "", id="notebooks' checkpoints"),
    pytest.param(appledouble, "", id="a zip of macOS"),
    pytest.param(turned, "", id="turned photographs"),
    pytest.param(true_numbers, "the labels 1, 2, 3 are 3 classes", id="numbers as folders and true labels"),
    pytest.param(lambda r: with_metadata(r, ("NA", "DE", "FR")), "", id="a class called NA"),
    pytest.param(lambda r: with_metadata(r, ("0.0", "1.0", "2.0")), "", id="whole floats"),
    pytest.param(lambda r: with_metadata(r, (1, 2, 3)), "the labels 1, 2, 3 are 3 classes", id="numbers from 1"),
    pytest.param(lambda r: with_metadata(r, ("Käse", "dog", "owl"), "utf-8-sig"), "", id="a byte-order mark"),
    pytest.param(lambda r: with_parquet(r, (False, True)), "", id="booleans"),
    pytest.param(lambda r: with_parquet(r, (0.0, 1.0)), "", id="floats in parquet"),
    pytest.param(lambda r: image_folder(r, change=lambda i: i.convert("LA")), "", id="grey with alpha"),
    pytest.param(lambda r: image_folder(r, change=lambda i: i.convert("P")), "", id="a palette"),
    pytest.param(lambda r: image_folder(r, ending="webp", change=lambda i: i.convert("L")), "", id="webp"),
    pytest.param(lambda r: image_folder(r, names=("a b", "c,d", "日本")), "", id="names with blanks and commas"),
]

BAD = [
    pytest.param(
        lambda r: image_folder(r, change=lambda i: Image.fromarray(np.asarray(i).astype(np.uint16) * 200)),
        "train/cat/0.png has pixels wider than 8 bits (mode I;16)",
        id="16 bits",
    ),
    pytest.param(
        lambda r: wide(r, lambda i: Image.fromarray(np.asarray(i).astype(np.int32) * 200)), "(mode I)", id="32 bits"
    ),
    pytest.param(
        lambda r: wide(r, lambda i: Image.fromarray(np.asarray(i) / np.float32(255))), "(mode F)", id="floats"
    ),
    pytest.param(lambda r: image_folder(r, change=lambda i: Image.new("L", (8, 8), 9)), "of one colour", id="blank"),
    pytest.param(lambda r: with_parquet(r, (0, 1), shards=2), "1 of 2 parquet files; number 1 is missing", id="a half"),
    pytest.param(lambda r: with_metadata(r, ("Käse", "dog"), "latin-1"), "is not UTF-8 text: byte 0xe4", id="latin-1"),
    pytest.param(lambda r: with_metadata(r, CLASSES, more=["01.png,dog"]), "names 01.png twice", id="a row twice"),
    pytest.param(lambda r: with_metadata(r, CLASSES, more=["01.png"]), "has 1 fields; the header has 2", id="ragged"),
    pytest.param(lambda r: with_metadata(r, ("0.5", "1.5")), "has the label 0.5", id="fractions"),
    pytest.param(
        lambda r: image_folder(r, sizes={"train": 1, "test": 1}), "has too little data: of 3 training images", id="tiny"
    ),
    pytest.param(lambda r: (r / "train/cat").mkdir(parents=True), "has no train split", id="no images"),
]


@pytest.fixture
def call(monkeypatch, capfd, url, tmp_path):
    """Run a command line; gives exit code, stdout and stderr."""
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)  # pytest's own handlers stay
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lnlbench", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capfd.readouterr()

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("make", "said"), GOOD)
def test_what_can_be_read_is_planned(make, said, call, tmp_path):
    make(tmp_path / "pets")
    code, out, err = call("run", "./pets", "--dry-run", "--json", "-m", "ce")
    assert code == 0, err
    assert json.loads(out)[0]["setting"].startswith("pets@")
    assert err == "" if not said else err.startswith("lnlbench: warning: pets") and said in err and err.count("\n") == 1


@pytest.mark.parametrize(("make", "words"), BAD)
def test_what_cannot_be_read_is_one_line(make, words, call, tmp_path):
    make(tmp_path / "pets")
    code, out, err = call("run", "./pets", "--dry-run", "-m", "ce")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert words in err


@pytest.mark.parametrize("noise", ["symmetric-0.4", "file:labels.npy", "clean"])
def test_no_noise_is_drawn_on_a_folder(noise, call, tmp_path):
    image_folder(tmp_path / "pets")
    code, out, err = call("run", f"./pets/{noise}", "--dry-run", "-m", "ce")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "name ./pets alone; labels of a file go into its metadata.csv, as a column noisy_label" in err


def test_results_of_a_folder_verify_where_it_was_read(call, tmp_path, monkeypatch):
    image_folder(tmp_path / "pets", sizes={"train": 20, "test": 4})
    how = ("-m", "ce", "-s", "0", "--epochs", "1", "--device", "cpu", "--jobs", "1", "--quiet")
    assert call("run", "./pets", *how)[0] == 0
    assert call("export", "mine.jsonl.xz", "./pets")[0] == 0
    assert "1 of 1 verifies" in call("verify", "mine.jsonl.xz")[1]
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "another"))
    said = call("verify", "mine.jsonl.xz")[1]
    assert "0 of 1 verifies" in said and "as in `lnlbench run ./pets -m ce --dry-run` where it lies" in said
    assert call("run", "./pets", "-m", "ce", "--dry-run")[0] == 0
    assert "1 of 1 verifies" in call("verify", "mine.jsonl.xz")[1]


@pytest.mark.parametrize("name", ["my, data", "pets#1", "üben"])
def test_a_run_trains_and_finds_its_folder_again(name, call, tmp_path):
    linked(tmp_path / name)
    how = ("-m", "ce", "-s", "0", "--epochs", "1", "--device", "cpu", "--jobs", "1", "--json")
    code, out, err = call("run", f"./{name}", *how)
    assert (code, err) == (0, ""), err
    assert len(json.loads(out)["made"]) == 1
    (path,) = (tmp_path / "home/cache/own").glob("*.arrays")
    half = path.read_bytes()[:1000]  # as a disk that was full leaves it
    path.unlink()  # this process has the whole one mapped
    path.write_bytes(half)
    code, out, err = call("run", f"./{name}", *how)
    assert (code, err) == (0, ""), err
    assert json.loads(out)["made"] == []
    (run,) = (json.loads(call("show", *json.loads(out)["stored"], "--json")[1]),)
    for named in (run["setting"], run["setting"].partition("/")[0]):
        code, out, err = call("run", named, "-m", "ce", "-s", "0", "--device", "cpu", "--json")
        assert (code, json.loads(out)["made"], err) == (0, [], "")
        assert run["setting"] in call("leaderboard", named, "-f", "csv")[1]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        pytest.param(
            lambda p, true: np.save(p, np.random.default_rng(0).permutation(true)), "another order", id="mixed"
        ),
        pytest.param(lambda p, true: np.save(p, np.zeros_like(true)), "another order", id="constant"),
    ],
)
def test_label_files_that_know_nothing_are_refused(write, words, call, tmp_path):
    from lnlbench.datasets.loading.images import load

    write(tmp_path / "labels.npy", load("digits").train_labels)
    code, out, err = call("run", "digits/file:labels.npy", "--dry-run", "-m", "ce")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert words in err
