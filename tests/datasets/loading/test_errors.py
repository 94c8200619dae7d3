"""What is said of an unknown name."""

from lnlbench.datasets.loading.errors import unknown


def test_two_letters_exchanged_come_before_all_else():
    message = "unknown label column 'gvien' in a.csv; did you mean 'given'? known: given, vien"
    assert str(unknown("label column", "gvien", ["vien", "given"], "in a.csv")) == message
