"""`export`, `import` and `verify`: a file goes from store to store whole or not at all."""


def test_verify_and_import(lnlbench, filled, stored, tmp_path):
    file = tmp_path / "all.jsonl.xz"
    assert lnlbench("export", file, "--tracking-uri", filled)[0] == 0
    code, out, err = lnlbench("verify", file)
    assert (code, err) == (0, ""), out
    assert "verify" in out
    assert "were stored before" in lnlbench("import", file)[1]
    assert lnlbench("import", file)[1].startswith("0 results added")
    file.write_bytes(file.read_bytes()[:-30])
    code, out, err = lnlbench("import", file)
    assert (code, out, err.count("\n")) == (2, "", 1)
