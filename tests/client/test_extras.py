"""Optional libraries that are not there, or do not work."""

import pytest

from augmint import MissingExtra, extras


def test_what_is_not_installed_is_named_with_what_installs_it():
    with pytest.raises(MissingExtra, match=r"^this needs not_there: pip install 'augmint\[audio\]'$"):
        extras.load("not_there.deeper", "audio")


@pytest.mark.parametrize(
    "fault", ["OSError('libavutil.so.59: cannot open')", "RuntimeError('libavutil.so.59: cannot open')"]
)
def test_what_is_installed_and_cannot_be_loaded_is_told_in_one_line(tmp_path, monkeypatch, fault):
    """As torchcodec without FFmpeg."""
    (tmp_path / "broken.py").write_text(f"raise {fault.replace('open', 'open, and' + chr(92) + 'n more')}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtra) as error:
        extras.load("broken", "audio")
    assert str(error.value) == "broken is installed and cannot be imported: libavutil.so.59: cannot open, and"
