"""The systems have the same files in the same roles, so who knows one finds the way in all."""
import re

import pytest

from node import ROOT

FIVE = ("bike", "dr", "food", "secondhand", "shop")
FOLDERS = [*(ROOT / "actors" / name for name in FIVE), ROOT / "docs" / "examples" / "library"]
# What each role defines, for others.
EVERY = {"audit.c": r"^const struct dure_audit {}_audit = ",
         "sagas.c": r"^struct dure_saga {}_\w+ = "}
SOME = {"policies.c": r"^const struct dure_policy \*const {}_policies\[\] = ",
        "views.c": r"^const struct dure_projection \*const {}_projections\[\] = ",
        "rounds.c": r"^struct dure_round {}_\w+ = "}
AGGREGATE = r"^struct dure_aggregate {}_\w+ = "


def found(pattern, folder, text):
    return re.findall(pattern.format(folder.name), text, re.M)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_roles(folder):
    """NAME.h, NAME.c, audit.c and sagas.c are there; policies, views and rounds are in files of
    these names, if there are any; every other file is one aggregate. meson.build names them all."""
    name = folder.name
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.c")}
    assert {path.name for path in folder.iterdir()} == {*sources, f"{name}.h", "meson.build"}
    built = re.findall(r"'([^']+)'", (folder / "meson.build").read_text(encoding="utf-8"))
    assert built == sorted(sources)
    assert found(r"^const struct dure_system {}_system = ", folder, sources.pop(f"{name}.c"))
    for file, pattern in EVERY.items():
        assert found(pattern, folder, sources.pop(file)), file
    for file, pattern in SOME.items():
        if file in sources:
            assert found(pattern, folder, sources.pop(file)), file
        for other, text in sources.items():
            assert not found(pattern, folder, text), other
    for file, text in sources.items():
        assert len(found(AGGREGATE, folder, text)) == 1, file


def test_the_list_names_every_folder():
    """A folder without its line would not be built; without its folder a line does not
    configure."""
    text = (ROOT / "actors" / "meson.build").read_text(encoding="utf-8")
    listed = re.search(r"^systems = \[\n(.*?)^\]", text, re.M | re.S).group(1)
    folders = {path.name for path in (ROOT / "actors").iterdir() if path.is_dir()}
    assert set(re.findall(r"'(\w+)'", listed)) == folders >= set(FIVE)
