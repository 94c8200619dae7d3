"""The name of a setting is written and read in one place."""

import pytest

from lnlbench.benchmark.protocol.settings import setting, suites
from lnlbench.leaderboard.results.setting_name import SettingName

CHANGED = "mnist-fast,epochs=2x,lr=0.1/symmetric-0.5"


@pytest.mark.parametrize("text", ["digits/clean", CHANGED, "digits,optimizer=timm:lion/labels-a,b/c", "mnist/"])
def test_a_name_is_written_as_it_was_read(text):
    assert str(SettingName.parse(text)) == text


def test_the_parts_of_a_name():
    name = SettingName.parse(CHANGED)
    assert (name.task, name.noise, name.multiple) == ("mnist-fast", "symmetric-0.5", "2x")
    assert name.values() == {"epochs": "2x", "lr": 0.1}
    assert str(name.unchanged) == "mnist-fast/symmetric-0.5"
    assert str(name.base) == "mnist-fast,lr=0.1/symmetric-0.5"


@pytest.mark.parametrize("length", ["3", "x", "1.5x", "2x2"])
def test_a_length_that_is_no_multiple_has_no_base(length):
    name = SettingName.parse(f"digits,epochs={length}/clean")
    assert name.multiple == "" and name.base == name


def test_settings_have_the_order_of_the_suites_however_they_come():
    for name in ("mnist-fast", "mnist-mlp", "cifar10-fast", "cifar100-fast"):
        listed = [member.name for member in suites()[name]]
        assert sorted({*listed}, key=lambda text: SettingName.parse(text).order) == listed
    odd = ["digits/clean", "digits/file:a.npy", "digits/symmetric-0.4"]
    assert sorted(odd, key=lambda text: SettingName.parse(text).order) == [*reversed(odd)]


@pytest.mark.parametrize("values", [{"epochs": "2x"}, {"lr": 0.5, "optimizer": "timm:lion"}, {"augment": True}, {}])
def test_the_changes_in_a_name_make_the_setting_again(values):
    made = setting("digits/symmetric-0.4").override(**values)
    name = SettingName.parse(made.name)
    assert setting(str(name.unchanged)).override(**name.values()) == made
    assert made.listed == setting("digits/symmetric-0.4")
