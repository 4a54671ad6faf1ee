"""Public sets: from a local folder, or downloaded once and checked; every failure names dataset.root or the file."""

import hashlib
import io
import json
import socket
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.pictures import catalogue
from siren_pl.problems.pictures.catalogue import PublicFile, cifar10, div2k, kodak, locate, starfish

CONTENT = b"what the server holds"
RECORDS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """The address of a local server and the folder it serves."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.bin").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def test_beneath_a_local_root(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    path = tmp_path / "deep" / "er" / "a.bin"
    path.write_bytes(CONTENT)
    assert locate(PublicFile("a.bin", "http://nowhere.invalid/a.bin"), str(tmp_path)) == path


def test_missing_beneath_the_root(tmp_path):
    with pytest.raises(UserError, match=r"dataset\.root=.* holds no a\.bin") as caught:
        locate(PublicFile("a.bin", "http://nowhere.invalid/a.bin"), str(tmp_path))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_download_with_the_right_checksum(algorithm, served, tmp_path):
    url, folder = served
    public = PublicFile("a.bin", f"{url}/a.bin", f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}")
    path = locate(public, None, tmp_path / "cache")
    assert path.parent == tmp_path / "cache"
    assert path.read_bytes() == CONTENT
    (folder / "a.bin").unlink()  # the second time it comes from the cache
    assert locate(public, None, tmp_path / "cache").read_bytes() == CONTENT


def test_download_with_another_checksum(served, tmp_path):
    url, _ = served
    with pytest.raises(UserError, match=r"a\.bin does not match its checksum.*dataset\.root") as caught:
        locate(PublicFile("a.bin", f"{url}/a.bin", "sha256:" + "0" * 64), None, tmp_path / "cache")
    assert str(tmp_path / "cache") in str(caught.value)
    assert not list((tmp_path / "cache").glob("*a.bin"))  # nothing wrong is left to be used later


def test_first_download_is_pinned(served, tmp_path):
    url, folder = served
    public, cache = PublicFile("a.bin", f"{url}/a.bin"), tmp_path / "cache"
    path = locate(public, None, cache)
    assert hashlib.sha256(CONTENT).hexdigest() in (cache / "checksums.json").read_text()
    assert locate(public, None, cache) == path
    (folder / "a.bin").write_bytes(b"something else")
    path.unlink()
    with pytest.raises(UserError, match=r"a\.bin does not match its checksum"):
        locate(public, None, cache)


def test_pins_are_replaced_whole(served, tmp_path):
    """A reader that has the file of pins open while another is added still reads the earlier ones."""
    url, folder = served
    (folder / "b.bin").write_bytes(CONTENT)
    locate(PublicFile("a.bin", f"{url}/a.bin"), None, tmp_path)
    with (tmp_path / "checksums.json").open() as reader:
        locate(PublicFile("b.bin", f"{url}/b.bin"), None, tmp_path)
        assert list(json.load(reader)) == [f"{url}/a.bin"]
    assert list(json.loads((tmp_path / "checksums.json").read_text())) == [f"{url}/a.bin", f"{url}/b.bin"]


def test_first_download_is_held_against_the_digits_that_are_known(served, tmp_path):
    url, _ = served
    digits, cache = hashlib.sha256(CONTENT).hexdigest(), tmp_path / "cache"
    wrong = PublicFile("a.bin", f"{url}/a.bin", sha256_prefix="0" * 8, option="mine=FILE")
    with pytest.raises(UserError, match=r"a\.bin does not match its checksum sha256:00000000….*mine=FILE") as caught:
        locate(wrong, None, cache)
    assert "dataset.root" not in str(caught.value)
    assert not list(cache.iterdir())  # neither the file nor a pin
    assert locate(PublicFile("a.bin", f"{url}/a.bin", sha256_prefix=digits[:8]), None, cache).read_bytes() == CONTENT
    assert digits in (cache / "checksums.json").read_text()


def test_a_damaged_cache_is_fetched_again(served, tmp_path):
    url, _ = served
    public, cache = PublicFile("a.bin", f"{url}/a.bin"), tmp_path / "cache"
    locate(public, None, cache).write_bytes(CONTENT[:5])
    assert locate(public, None, cache).read_bytes() == CONTENT


def test_unreachable_host(served, tmp_path):
    url, _ = served
    with pytest.raises(UserError, match=r"a\.bin could not be downloaded from .*dataset\.root"):
        locate(PublicFile("a.bin", f"{url}/missing/a.bin"), None, tmp_path / "cache")  # 404
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        closed = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(UserError, match=r"a\.bin could not be downloaded from .*dataset\.root"):
            locate(PublicFile("a.bin", f"{closed}/a.bin"), None, tmp_path / "cache")


def test_cache_directory_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SIREN_PL_DATA", str(tmp_path / "x"))
    assert catalogue.cache_directory() == tmp_path / "x"
    monkeypatch.delenv("SIREN_PL_DATA")
    assert catalogue.cache_directory() == Path.home() / ".cache" / "siren_pl"


@pytest.mark.parametrize(
    ("source", "file_name", "name"),
    [
        (starfish, "12003.jpg", "starfish"),
        (partial(kodak, 7), "kodim07.png", "kodim07"),
        (partial(div2k, 803), "0803.png", "div2k_0803"),
    ],
)
def test_named_images_beneath_a_root(source, file_name, name, tmp_path):
    Image.fromarray(np.full((4, 6, 3), 51, np.uint8)).save(tmp_path / file_name, quality=100)
    found, pixels, _ = source(root=str(tmp_path))()
    assert found == name
    np.testing.assert_allclose(pixels.astype(float), np.full((4, 6, 3), 51.0), atol=1)  # JPEG may err by a level


@pytest.mark.parametrize("index", [0, 25])
def test_kodak_has_24_images(index):
    with pytest.raises(UserError, match=r"dataset\.index=.*1 to 24"):
        kodak(index)


@pytest.fixture
def cifar_root(tmp_path: Path) -> Path:
    """A folder with a small archive of the published layout: label, then the red, green and blue planes."""
    data = b"".join(bytes([5]) + record.transpose(2, 0, 1).tobytes() for record in RECORDS)
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name, content in [("batches.meta.txt", b"airplane"), ("data_batch_2.bin", b""), ("data_batch_1.bin", data)]:
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return tmp_path


@pytest.mark.parametrize("index", [0, 2])
def test_cifar_archive(index, cifar_root):
    name, pixels = cifar10(index, str(cifar_root))()
    assert name == f"cifar10_{index}"
    np.testing.assert_array_equal(pixels, RECORDS[index])  # the file's bytes, as they are


def test_cifar_index_out_of_range(cifar_root):
    with pytest.raises(UserError, match=r"dataset\.index=3 .*0 and 2"):
        cifar10(3, str(cifar_root))()


def test_damaged_cifar_archive(cifar_root):
    archive = cifar_root / "cifar-10-binary.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-300])
    with pytest.raises(UserError, match=r"cifar-10-binary\.tar\.gz"):
        cifar10(0, str(cifar_root))()


def test_cifar_from_image_files(tmp_path):
    for index in range(2):
        Image.fromarray(RECORDS[index]).save(tmp_path / f"{index}.png")
    np.testing.assert_array_equal(cifar10(1, str(tmp_path))()[1], RECORDS[1])
    with pytest.raises(UserError, match=r"dataset\.index=2.*holds only 2 images"):
        cifar10(2, str(tmp_path))()
