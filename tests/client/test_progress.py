"""client/augmint/progress.py"""

import io

from augmint.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_line_says_how_far_how_fast_and_how_long():
    progress = Progress("export", 1000, stream=io.StringIO())
    progress.add(200, skipped=True)
    progress.add(300)
    assert progress.line(10.0) == "export [" + "#" * 15 + "-" * 15 + "]  50%  500 samples  30/s  0:16 left"
    progress.add(500)
    assert progress.line(7200.0).endswith("100%  1,000 samples  0/s")


def test_a_terminal_is_left_clean_and_a_file_gets_nothing():
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        with Progress("export", 10, stream=stream) as progress:
            progress.add(10)
    assert "100%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == ""
