"""Which files of a folder are data: links, hidden names, shards, configurations, several writings of a split."""

import os

import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.layout import find_splits

PLAIN = ("train/cat/0.png", "train/dog/0.png", "test/cat/0.png", "test/dog/0.png")


def files_in(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def images(root, split="train"):
    return [path.relative_to(root).as_posix() for path in find_splits(root).splits[split].images]


def test_a_plain_folder(tmp_path):
    layout = find_splits(files_in(tmp_path, *PLAIN))
    assert [path.relative_to(tmp_path).as_posix() for path in layout.splits["test"].images] == list(PLAIN[2:])
    assert layout.notes == []


@pytest.mark.parametrize(
    "name",
    [
        "train/.ipynb_checkpoints/0-checkpoint.png",
        "train/cat/.ipynb_checkpoints/0-checkpoint.png",
        "train/cat/._0.png",
        "__MACOSX/train/cat/._0.png",
        "train/__MACOSX/0.png",
        "train/cat/.DS_Store",
        "train/cat/Thumbs.db",
        "train/cat/desktop.ini",
        "train/@eaDir/0.png",
        ".cache/huggingface/train.parquet",
        ".git/train/cat/0.png",
        "README.md",
    ],
)
def test_hidden_and_system_names_are_no_data(name, tmp_path):
    root = files_in(tmp_path, *PLAIN, name)
    assert images(root) == list(PLAIN[:2])
    assert find_splits(root).notes == []


def test_a_link_to_a_class_is_followed(tmp_path):
    root = files_in(tmp_path / "pets", *PLAIN)
    files_in(tmp_path / "elsewhere", "0.png", "1.png")
    (root / "train/owl").symlink_to("../../elsewhere", target_is_directory=True)
    assert images(root)[2:] == ["train/owl/0.png", "train/owl/1.png"]


def test_a_link_to_a_folder_above_it_is_not_followed(tmp_path):
    root = files_in(tmp_path, *PLAIN)
    (root / "train/cat/again").symlink_to("..", target_is_directory=True)
    (root / "train/self").symlink_to(".", target_is_directory=True)
    assert images(root) == list(PLAIN[:2])
    assert find_splits(root).notes == [f"{root}: 2 files are left out: train/cat/again, train/self"]


@pytest.mark.parametrize(
    ("link", "target", "message"),
    [
        pytest.param("train/kitten", "cat", "train/kitten and .*train/cat are the same folder", id="a class twice"),
        pytest.param("validation", "train", "are the same folder", id="one split twice"),
        pytest.param("train/owl", "../gone", "train/owl is a link to ../gone, which does not exist", id="to nothing"),
        pytest.param("train/cat/9.png", "8.png", "9.png is a link to 8.png, which does not exist", id="no file"),
    ],
)
def test_links_that_mislead_are_refused(link, target, message, tmp_path):
    root = files_in(tmp_path, *PLAIN)
    (root / link).symlink_to(target)
    with pytest.raises(DataError, match=message):
        find_splits(root)


def test_a_pipe_is_left_out_and_not_waited_for(tmp_path):
    root = files_in(tmp_path, *PLAIN)
    os.mkfifo(root / "train/cat/1.png")
    assert images(root) == list(PLAIN[:2])
    assert find_splits(root).notes == [f"{root}: 1 file is left out: train/cat/1.png"]


def test_a_name_that_is_not_utf_8_is_one_line(tmp_path):
    root = files_in(tmp_path, *PLAIN)
    (root / "train/cat").rename(root / "train" / os.fsdecode(b"K\xe4se"))
    with pytest.raises(DataError, match=r"the name 'K\\udce4se' in .*train is not UTF-8"):
        find_splits(root)


def test_files_left_out_are_said(tmp_path):
    many = [f"extra/{i}.png" for i in range(9)]
    root = files_in(tmp_path, *PLAIN, "train/cat/notes.txt", "pets.zip", "LICENSE", *many)
    (note,) = find_splits(root).notes
    assert note == f"{root}: 11 files are left out: pets.zip, train/cat/notes.txt, extra/ (9 files)"


def test_a_validation_split_and_an_empty_class_are_said(tmp_path):
    root = files_in(tmp_path, *PLAIN, "val/cat/0.png", "val/dog/0.png")
    (root / "train/owl").mkdir()
    assert find_splits(root).notes == [
        f"{root / 'train/owl'} has no images",
        f"{root}: 2 files of a validation split are left out; the validation part is taken from the training split",
    ]


@pytest.mark.parametrize("train", ["train", "Train", "training"])
@pytest.mark.parametrize("test", ["test", "TEST", "testing"])
def test_folders_of_splits_have_several_names(train, test, tmp_path):
    root = files_in(tmp_path, f"{train}/cat/0.JPG", f"{test}/cat/0.jpeg")
    assert (images(root), images(root, "test")) == ([f"{train}/cat/0.JPG"], [f"{test}/cat/0.jpeg"])


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("train.parquet", "test.parquet"), id="bare"),
        pytest.param(
            ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"), id="as the Hub has them"
        ),
        pytest.param(
            ("data/train-00000-of-00001-0a1b2c3d.parquet", "data/test-00000-of-00001-4d5e6f70.parquet"), id="hashed"
        ),
        pytest.param(("default/train/0000.parquet", "default/test/0000.parquet"), id="as the Hub converts"),
        pytest.param(("pets_train.parquet", "pets_test.parquet"), id="with the set's name"),
        pytest.param(("train_2.parquet", "train_1.parquet", "test.parquet"), id="numbered"),
    ],
)
def test_parquet_files_have_several_names(names, tmp_path):
    root = files_in(tmp_path, *names)
    layout = find_splits(root)
    assert sorted(path.relative_to(root).as_posix() for path in layout.splits["train"].shards) == sorted(
        name for name in names if "train" in name
    )
    assert layout.notes == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(["train-00000-of-00002"], r"\(train\) has 1 of 2 parquet files; number 1 is missing", id="a half"),
        pytest.param(["train-00001-of-00002"], "number 0 is missing", id="the other half"),
        pytest.param(["train/0000", "train/0002"], "number 1 is missing", id="converted, with a gap"),
        pytest.param(
            ["a/train-00000-of-00001", "b/train-00000-of-00001"], "in several folders", id="two configurations"
        ),
        pytest.param(["a-train", "b-train"], r"of several names \(a-train, b-train\)", id="two data sets"),
        pytest.param(["train", "train-copy"], "of several names", id="a copy"),
        pytest.param(
            ["train-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002"],
            "several writings",
            id="two exports",
        ),
        pytest.param(["train", "train-00000-of-00001"], "several writings", id="with and without number"),
        pytest.param(["train_test"], "says both train and test", id="both splits"),
        pytest.param(["validation"], "has no train split", id="no training"),
    ],
)
def test_a_part_or_a_double_of_the_shards_is_refused(names, message, tmp_path):
    root = files_in(tmp_path, "test.parquet", *(f"{name}.parquet" for name in names))
    with pytest.raises(DataError, match=message) as error:
        find_splits(root)
    assert "\n" not in str(error.value)


def test_equal_shards_are_refused(tmp_path):
    root = files_in(tmp_path, "test.parquet")
    for number in (1, 2):
        (root / f"train_{number}.parquet").write_bytes(b"the same")
    with pytest.raises(DataError, match=r"train_2.parquet and .*train_1.parquet are equal; their images would count"):
        find_splits(root)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param([], "has no train split: neither train.* nor images below train/$", id="nothing"),
        pytest.param(["train/cat/0.png"], "has no test split", id="no test"),
        pytest.param(
            ["train/cat/0.png", "val/cat/0.png"],
            "no test split.*; rename val to test if scores are",
            id="validation only",
        ),
        pytest.param(
            [f"pets/{name}" for name in PLAIN], r"no train split.*; did you mean .*/pets\?", id="a folder deeper"
        ),
        pytest.param(["pets.zip"], "no train split.*; unpack pets.zip first", id="not unpacked"),
        pytest.param(
            ["train/cat/0.npy", "test/cat/0.npy"],
            r"below train/, where the 1 files are no images \(.npy\)",
            id="arrays",
        ),
        pytest.param([*PLAIN, "train.parquet"], "has its train split twice", id="both layouts"),
        pytest.param([*PLAIN, "training/cat/1.png"], "are both a train split", id="two folders of one split"),
    ],
)
def test_a_split_that_is_missing_or_there_twice_is_refused(names, message, tmp_path):
    with pytest.raises(DataError, match=message) as error:
        find_splits(files_in(tmp_path, *names))
    assert "\n" not in str(error.value)
