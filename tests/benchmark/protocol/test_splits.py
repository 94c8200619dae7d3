"""From a data set to what training sees: sizes, noise before the split, the same replicate for every method."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from lnlbench.benchmark import prepare
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.protocol.splits import canonical, fingerprint, prepare_blind, validation_size
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import Images, load, load_blind
from lnlbench.datasets.loading.registry import card
from lnlbench.datasets.noise.base import parse_noise


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def numbered():
    """6,000 + 100 images of CIFAR-10's card; each image's pixels are its number."""

    def images(count, start):
        numbers = np.arange(start, start + count, dtype="<u4")
        return np.ascontiguousarray(numbers.view(np.uint8).reshape(count, 4)[:, :3]).reshape(count, 3, 1, 1)

    labels = np.random.default_rng(0).integers(0, 10, 6100)
    parts = (images(6000, 0), labels[:6000], images(100, 6000), labels[6000:])
    return Images("cifar10", "r", "test", "0" * 64, card("cifar10"), *parts)


def number(images):
    """The numbers that pixels are."""
    return (images.flatten(1).long() * torch.tensor([1, 256, 65536])).sum(1)


NOISY = setting("cifar10/symmetric-0.4")


@pytest.mark.parametrize(
    ("validation", "sizes"),
    [pytest.param(0.1, (5400, 600), id="a tenth"), pytest.param(0.25, (4500, 1500), id="a quarter")],
)
def test_sizes_are_exact_and_nothing_is_lost(numbered, validation, sizes):
    prepared = prepare(replace(NOISY, validation=validation), 0, numbered)
    split = prepared.split
    assert (len(split.given), len(split.validation_given)) == sizes
    assert (len(split.images), len(split.validation_images)) == sizes
    rows = torch.cat([number(split.images), number(split.validation_images)])
    assert torch.equal(rows.sort().values, torch.arange(6000))
    assert torch.equal(number(split.probes["test"]), torch.arange(6000, 6100))
    assert prepared.identity["split"] == {
        "train": sizes[0],
        "validation": sizes[1],
        "test": 100,
        "sha256": prepared.identity["split"]["sha256"],
    }


@pytest.mark.parametrize(
    ("name", "train", "validation"),
    [
        pytest.param("mnist/clean", 54000, 6000, id="mnist"),
        pytest.param("cifar10/clean", 45000, 5000, id="cifar10"),
        pytest.param("digits/clean", 1293, 144, id="digits"),
    ],
)
def test_sizes_of_the_protocol(name, train, validation):
    wanted = setting(name)
    size = card(wanted.dataset).train_size
    assert (size - round(wanted.validation * size), round(wanted.validation * size)) == (train, validation)


def test_every_image_keeps_its_label(numbered):
    prepared = prepare(NOISY, 3, numbered)
    split, manifest = prepared.split, prepared.manifest
    drawn = torch.tensor(parse_noise("symmetric-0.4").corrupt(numbered, manifest["seed"]).given)
    true = torch.tensor(numbered.train_labels)
    assert torch.equal(split.given, drawn[number(split.images)])
    assert torch.equal(split.validation_given, drawn[number(split.validation_images)])
    assert torch.equal(prepared.truth.train, true[number(split.images)])
    assert torch.equal(prepared.truth.test, torch.tensor(numbered.test_labels))
    assert (drawn != true).sum() == sum(round(0.4 * n) for n in np.bincount(numbered.train_labels))


@pytest.mark.parametrize("noise", ["symmetric-0.4", "asymmetric-0.4", "clean"])
def test_the_split_is_stratified_by_given_label(numbered, noise):
    split = prepare(replace(NOISY, noise=noise), 0, numbered).split
    every = torch.cat([split.given, split.validation_given]).bincount(minlength=10)
    held = split.validation_given.bincount(minlength=10)
    assert ((held - every / 10).abs() < 1).all()


def test_validation_labels_are_as_wrong_as_those_of_training(numbered):
    wrong = []
    for replicate in range(10):
        prepared = prepare(NOISY, replicate, numbered)
        true = torch.tensor(numbered.train_labels)[number(prepared.split.validation_images)]
        wrong.append((prepared.split.validation_given != true).double().mean().item())
        train = (prepared.split.given != prepared.truth.train).double().mean().item()
        assert train == pytest.approx(0.4, abs=0.02)
    assert np.mean(wrong) == pytest.approx(0.4, abs=0.025)  # four standard errors of 6,000 samples
    assert min(wrong) > 0.3


def test_replicates_differ_in_noise_and_split(numbered):
    found = [prepare(NOISY, replicate, numbered) for replicate in (0, 1, 1)]
    hashes = [(p.manifest["labels_sha256"], p.identity["split"]["sha256"], p.manifest["seed"]) for p in found]
    assert hashes[1] == hashes[2]
    assert all(a != b for a, b in zip(hashes[0], hashes[1], strict=True))
    assert torch.equal(found[1].split.images, found[2].split.images)


def test_the_split_differs_between_replicates_where_the_labels_do_not(numbered):
    found = [prepare(replace(NOISY, noise="clean"), replicate, numbered).identity for replicate in (0, 1)]
    assert found[0]["noise"]["labels_sha256"] == found[1]["noise"]["labels_sha256"]
    assert found[0]["split"]["sha256"] != found[1]["split"]["sha256"]


def test_the_manifest_of_a_replicate_never_changes(digits):
    prepared = prepare(setting("digits/symmetric-0.4"), 0, digits)
    assert prepared.manifest["realised_rate"] == pytest.approx(0.4, abs=0.002)
    found = (prepared.manifest["labels_sha256"][:16], prepared.identity["split"]["sha256"][:16])
    assert found == ("fd026d81c3843549", "2450f9c951f6534b"), (
        "results of one protocol version must share noise and split"
    )


def test_the_recipe_changes_neither_noise_nor_split(digits):
    first = prepare(setting("digits/symmetric-0.4"), 2, digits)
    second = prepare(setting("digits/symmetric-0.4").override(lr=0.3, epochs=2, model="cnn4"), 2, digits)
    assert first.identity == second.identity
    assert torch.equal(first.split.given, second.split.given)


def test_what_training_sees_shares_no_memory_with_the_truth(digits):
    prepared = prepare(setting("digits/clean"), 0, digits)
    true = prepared.truth.train.clone()
    prepared.split.given.zero_()
    prepared.split.images.zero_()
    assert torch.equal(prepared.truth.train, true)
    assert digits.train_labels.any() and digits.train_images.any()


def test_what_is_blind_cannot_be_scored():
    with pytest.raises(TypeError, match="digits was loaded without its test labels"):
        prepare(setting("digits/clean"), 0, load_blind("digits"))


def test_without_a_test_set_there_are_no_test_images(digits):
    assert prepare_blind(setting("digits/clean"), 0, digits).split.probes == {}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        pytest.param("symmetric-0.40", "symmetric-0.4", id="trailing zero"),
        pytest.param("symmetric-.4", "symmetric-0.4", id="no leading zero"),
        pytest.param("clean", "clean", id="clean"),
    ],
)
def test_noise_has_one_text(digits, written, text):
    assert canonical(setting(f"digits/{written}"), digits).name == f"digits/{text}"


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        pytest.param("symmetric-0.95", "diagonal dominance", id="too much"),
        pytest.param("asymmetric-0.6", "diagonal dominance", id="too much of one class"),
        pytest.param("symmetric-1.5", "below 1", id="no rate"),
        pytest.param("symetric-0.4", "did you mean 'symmetric'?", id="unknown"),
    ],
)
def test_impossible_noise_is_refused_before_any_work(digits, noise, message):
    with pytest.raises(DataError, match=message.replace("?", r"\?")):
        canonical(setting(f"digits/{noise}"), digits)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param(np.zeros(1436, np.int64), "has shape", id="wrong length"),
        pytest.param(np.full(1437, 10), "expected 0 to 9", id="out of range"),
        pytest.param(np.zeros(1437), "labels are integers", id="no integers"),
    ],
)
def test_a_label_file_that_does_not_fit_is_refused_before_any_work(digits, tmp_path, labels, message):
    np.save(tmp_path / "labels.npy", labels)
    with pytest.raises(DataError, match=message):
        fingerprint(replace(setting("digits/clean"), noise=f"file:{tmp_path / 'labels.npy'}"), digits)


def test_the_fingerprint_knows_labels_that_are_read(digits, tmp_path):
    given = digits.train_labels.copy()
    found = [fingerprint(setting("digits/symmetric-0.4"), digits), fingerprint(setting("digits/clean"), digits)]
    assert found == [digits.fingerprint] * 2
    read = setting("digits/clean").override()
    for name in ("a", "b", "a"):
        np.save(tmp_path / f"{name}.npy", given)
        found.append(fingerprint(replace(read, noise=f"file:{tmp_path / name}.npy"), digits))
        given[0] = (given[0] + 1) % 10
    assert len(set(found)) == 4, "the file of the same name has other labels the second time"


def test_a_subset_is_stratified_and_the_same_for_every_replicate(digits):
    clean = replace(setting("digits/clean"), samples=500)
    first, second = (prepare(clean, replicate, digits) for replicate in (0, 1))
    assert first.identity["dataset"]["subset"] == second.identity["dataset"]["subset"]
    given = torch.cat([first.split.given, first.split.validation_given])
    assert len(given) == 500
    whole = torch.bincount(torch.tensor(digits.train_labels)) * 500 / len(digits.train_labels)
    assert (torch.bincount(given) - whole).abs().max() <= 1


def test_noise_of_a_subset_is_exact_there(digits):
    manifest = prepare(replace(setting("digits/symmetric-0.4"), samples=500), 0, digits).manifest
    assert manifest["samples"] == 500
    assert manifest["realised_rate"] == pytest.approx(0.4, abs=0.01)


def test_labels_of_the_whole_training_set_follow_their_images_into_a_subset(numbered, tmp_path):
    human = (numbered.train_labels + (np.arange(6000) % 4 == 0)) % 10
    (tmp_path / "noise/cifar10").mkdir(parents=True)
    table = pa.table({"clean": numbered.train_labels, "cifar10n_worse": human})
    pq.write_table(table, tmp_path / "noise/cifar10/train.parquet")
    chosen = replace(setting("cifar10/human-worst"), samples=600)
    prepared = prepare(chosen, 0, replace(numbered, data_dirs=(tmp_path,)))
    places = number(prepared.split.images)
    assert torch.equal(prepared.split.given, torch.tensor(human)[places])
    assert torch.equal(prepared.truth.train, torch.tensor(numbered.train_labels)[places])
    assert prepared.manifest["samples"] == 600


@pytest.mark.parametrize("samples", [pytest.param(0, id="all"), 500, pytest.param(10**6, id="more than there are")])
def test_the_size_of_the_validation_part_is_known_before_it_is_drawn(digits, samples):
    chosen = replace(setting("digits/symmetric-0.4"), samples=samples)
    assert validation_size(chosen, digits) == len(prepare(chosen, 0, digits).split.validation_given)


def test_a_subset_of_all_is_no_subset(digits):
    ours = prepare(setting("digits/symmetric-0.4"), 0, digits)
    same = prepare(replace(setting("digits/symmetric-0.4"), samples=len(digits.train_labels)), 0, digits)
    assert torch.equal(ours.split.given, same.split.given) and "subset" not in same.identity["dataset"]
