"""What `predict` can be asked about, and what of it cannot be read."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from search_spaces.refusals import DataRefusal
from trainables.finished import sources
from trainables.finished.sources import content, photo_files
from trainables.photos.decoding import Undecodable


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """b/2.png, b/1.JPG, b/c/3.png, b/notes.md and a.png, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b/c").mkdir(parents=True)
    for name in ("b/2.png", "b/1.JPG", "b/c/3.png", "b/notes.md", "a.png", "[x].png"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def names(*given: str, typed: Iterable[str] = ()) -> list[str]:
    return [str(one) for one in photo_files(given, typed=typed)]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    "given", ["none.jpg", "none/*.jpg", "**none.jpg", "a" * 5000, f"{'a' * 300}/*.jpg"]
)
def test_what_is_not_there_is_refused_before_anything_is_read(given: str) -> None:
    with pytest.raises(DataRefusal, match="no such photo"):
        photo_files(["a.png", given])


def test_lists_without_a_photo_are_refused(tree: Path) -> None:
    (tree / "list.txt").write_text("\n\n")
    for given in ("list.txt", "-"):
        with pytest.raises(DataRefusal, match="there are no photos"):
            photo_files([given], typed=["\n"])


@pytest.mark.parametrize("line", ["a" * 5000, f"{'a' * 300}/*.jpg", "none\0/*.png"])
def test_a_line_that_names_no_file_is_skipped_when_it_is_read(tree: Path, line: str) -> None:
    (tree / "list.txt").write_text(f"{line}\na.png\n")
    unreadable, photo = photo_files(["list.txt"])
    with pytest.raises(Undecodable):
        content(unreadable)
    assert content(photo) == b"a.png"


def test_a_list_that_is_gone_when_its_turn_comes_is_refused(tree: Path) -> None:
    (tree / "list.txt").write_text("b/2.png")
    files = photo_files(["a.png", "list.txt"])
    (tree / "list.txt").unlink()
    with pytest.raises(DataRefusal, match="this list cannot be read"):
        list(files)


@pytest.mark.usefixtures("tree")
def test_folders_and_patterns_are_sorted_and_the_rest_stays_in_order() -> None:
    assert names("b", "a.png") == ["b/1.JPG", "b/2.png", "b/c/3.png", "a.png"]
    assert names("b/*.png", "**/3.png") == ["b/2.png", "b/c/3.png"]
    assert names("[x].png") == ["[x].png"], "a file of that name, not a pattern"


def test_a_list_and_standard_input_name_files_folders_patterns_and_addresses(tree: Path) -> None:
    lines = "b/c\r\n\nhttps://host/x.png\ngone.png\n*.png\n"
    expected = ["b/c/3.png", "https://host/x.png", "gone.png", "[x].png", "a.png"]
    (tree / "List.TXT").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    assert names("List.TXT") == expected
    assert names("-", typed=iter(lines.splitlines(keepends=True))) == expected


@pytest.mark.usefixtures("tree")
def test_lines_are_read_only_as_they_are_needed() -> None:
    read = []

    def typed() -> Iterator[str]:
        for name in ("a.png\n", "b/2.png\n", "b/1.JPG\n"):
            read.append(name)
            yield name

    files = photo_files(["-"], typed=typed())
    assert len(read) == 1
    next(files), next(files)
    assert len(read) == 2


@pytest.mark.parametrize(
    ("name", "reason"), [("gone.png", "no such file"), ("b", "no such file"), ("pipe", "no such")]
)
def test_what_is_no_file_cannot_be_read(tree: Path, name: str, reason: str) -> None:
    os.mkfifo(tree / "pipe")
    with pytest.raises(Undecodable, match=reason):
        content(Path(name))


def test_a_file_of_too_many_bytes_is_not_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 4)
    with pytest.raises(Undecodable, match="more than 4 bytes"):
        content(tree / "a.png")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.usefixtures("tree")
def test_an_address_is_downloaded_and_a_wrong_one_says_why() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{http.server_port}"
        try:
            [photo] = photo_files([f"{address}/b/2.png"])
            assert content(photo) == b"b/2.png"
            with pytest.raises(Undecodable, match="answered 404"):
                content(f"{address}/none.png")
        finally:
            http.shutdown()
            thread.join()
