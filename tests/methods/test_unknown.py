"""Suggestions for an unknown name."""

from lnlbench.methods._unknown import close_to, did_you_mean


def test_two_letters_exchanged_come_before_all_else():
    assert close_to("gec", ["ce", "gce", "ogc"])[0] == "gce"
    assert did_you_mean("gec", ["ce", "gce", "ogc"], most=2) == "did you mean 'gce' or 'ogc'? "
    assert did_you_mean("xyz", ["ce", "gce", "ogc"]) == ""


def test_how_close_a_name_must_be_can_be_said():
    assert close_to("los", ["loss"]) == ["loss"]
    assert close_to("lo", ["loss"], cutoff=0.8) == []
