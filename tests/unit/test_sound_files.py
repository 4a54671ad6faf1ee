"""Sound files, against SciPy and arithmetic; damaged ones are told in a paragraph that names the cure."""

import re
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from siren_pl.errors import UserError
from siren_pl.problems.sound.files import read_sound, write_wav
from siren_pl.problems.sound.signals import sound_signal
from siren_pl.problems.sound.sources import folder, folder_members, melody, sound_file
from tests.sounds import RATE, tone, write


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("channels", [1, 2])
def test_wav_is_read_as_scipy_reads_it(kind, channels: int) -> None:
    rng = np.random.default_rng(0)
    if kind == np.float32:
        samples = scaled = rng.uniform(-1, 1, (3000, channels)).astype(kind)
    else:
        limits = np.iinfo(kind)
        samples = rng.integers(limits.min, limits.max, (3000, channels), dtype=kind, endpoint=True)
        scaled = (samples.astype(float) - (128 if kind == np.uint8 else 0)) / (2.0 ** (limits.bits - 1))
    found = read_sound(Path(write("a.wav", samples)))
    assert found.rate == RATE and np.array_equal(found.samples, scaled.astype(np.float32))


@pytest.mark.parametrize("channels", [1, 2, 3, 64, 100])
def test_what_is_written_is_what_ffmpeg_reads(channels: int) -> None:
    """Floats come back to the last bit, beyond full scale too, of more channels than FFmpeg has names for as well."""
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, (1000, channels)).astype(np.float32)
    write_wav(samples, 44100, Path("a.wav"))
    assert np.array_equal(read_sound(Path("a.wav")).samples, samples)


def encode(path: str, codec: str, samples: np.ndarray, rate: int, kind: str) -> None:
    """Write samples (N, 2), of a type that FFmpeg calls `kind`, by a codec that takes it."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        planar = kind.endswith("p")
        data = samples.T.copy() if planar else samples.reshape(1, -1).copy()
        frame = av.AudioFrame.from_ndarray(data, format=kind, layout="stereo")
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=kind, layout="stereo", rate=rate, frame_size=stream.frame_size or 4096)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(part))


@pytest.mark.parametrize(
    ("name", "codec", "kind", "bits"), [("a.flac", "flac", "s16", 16), ("a.wav", "pcm_s24le", "s32", 24)]
)
def test_integers_are_read_exactly(name: str, codec: str, kind: str, bits: int) -> None:
    whole = np.random.default_rng(0).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (5000, 2))
    held = int(kind[1:])
    encode(name, codec, (whole << held - bits).astype(f"i{held // 8}"), RATE, kind)
    assert np.array_equal(read_sound(Path(name)).samples, whole / 2.0 ** (bits - 1))


@pytest.mark.parametrize(("name", "codec", "kind"), [("a.mp3", "libmp3lame", "fltp"), ("a.ogg", "libopus", "flt")])
def test_compressed_sounds_are_read(name: str, codec: str, kind: str) -> None:
    """Lossy coders pad and shift, but keep two sines to a twentieth, each in its own channel."""
    samples = np.stack([tone(440, 48000, 48000), tone(880, 48000, 48000)], 1).astype(np.float32)
    encode(name, codec, samples, 48000, kind)
    found = read_sound(Path(name))
    assert found.rate == 48000 and found.samples.shape[1] == 2
    inner = found.samples[4000:44000].astype(float)
    for hertz, expected in ((440, (0.5, 0.0)), (880, (0.0, 0.5))):
        wave = np.exp(-2j * np.pi * hertz * np.arange(len(inner)) / 48000)
        np.testing.assert_allclose(2 * np.abs((inner * wave[:, None]).mean(0)), expected, atol=0.05 * 0.5 + 0.005)


def spoilt(how: str) -> Path:
    path = Path(write("whole.wav", tone(440)))
    data = path.read_bytes()
    made = {"cut": data[:3000], "header": data[:30], "empty": b"", "text": b"no sound " * 99, "bare": data[:58]}[how]
    Path(f"{how}.wav").write_bytes(made)
    return Path(f"{how}.wav")


@pytest.mark.parametrize(
    ("how", "said"),
    [("cut", r"cut off.*of the [\d,]+ bytes"), ("header", "damaged"), ("empty", "0 bytes"),
     ("text", "no sound file"), ("bare", "no samples|cut off")],
)  # fmt: skip
def test_a_spoilt_file_is_told_in_a_paragraph(how: str, said: str) -> None:
    path = spoilt(how)
    with pytest.raises(UserError, match=said) as caught:
        read_sound(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)


def test_a_cut_file_of_integers_is_refused(tmp_path: Path) -> None:
    """FFmpeg takes its length from the size of the file, so the header must be asked."""
    whole, cut = tmp_path / "whole.wav", tmp_path / "cut.wav"
    with wave.open(str(whole), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.arange(4000, dtype="<i2").tobytes())
    assert len(read_sound(whole).samples) == 4000
    cut.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(UserError, match=r"cut\.wav is cut off: it has 2,956 of the 8,000 bytes"):
        read_sound(cut)


def test_what_holds_no_sound_is_told() -> None:
    from PIL import Image

    Image.new("RGB", (16, 16)).save("a.png")
    with pytest.raises(UserError, match=r"a\.png holds no sound, only video"):
        read_sound(Path("a.png"))
    with pytest.raises(UserError, match="does not exist"):
        read_sound(Path("nothing.wav"))
    loud = write("loud.wav", 40 * tone(440))
    with pytest.raises(UserError, match="peak of 20"):
        read_sound(Path(loud))
    bad = tone(440)
    bad[3] = np.nan
    with pytest.raises(UserError, match="1 samples that are NaN"):
        read_sound(Path(write("nan.wav", bad)))


def test_silence_is_refused_unless_a_part_is_heard() -> None:
    samples = np.concatenate([np.zeros(4000), tone(440)])
    source = sound_file(write("late.wav", samples))
    assert sound_signal(source).shape == (6000,)
    with pytest.raises(UserError, match=r"late is silent.*dataset\.seconds"):
        sound_signal(source, seconds=[None, 0.5])
    found = sound_signal(source, seconds=[0.5, None])
    assert found.shape == (2000,) and found.container.start == 0.5
    np.testing.assert_allclose(found.values[:, 0], tone(440), atol=1e-7)
    for beyond in ([0.5, 9.0], [0.6, 0.5], [0.5, 0.5]):
        with pytest.raises(UserError, match=r"lasts 0\.750 seconds"):
            sound_signal(source, seconds=beyond)


def test_channels_are_kept_or_averaged() -> None:
    both = np.stack([tone(440), tone(600)], 1)
    source = sound_file(write("both.wav", both))
    assert sound_signal(source).out_features == 2
    np.testing.assert_allclose(sound_signal(source, mono=True).values[:, 0], both.mean(1), atol=1e-7)


def test_the_melody_has_the_notes_it_says() -> None:
    """The first note sounds alone for a quarter of a second: A3, and nothing lies above 6.7 kHz."""
    name, (samples, rate), _ = melody()()
    power = np.abs(np.fft.rfft(samples[: rate // 4, 0])) ** 2
    assert name == "melody" and np.argmax(power) * 4 == pytest.approx(220, abs=2)
    whole = np.abs(np.fft.rfft(samples[:, 0])) ** 2
    assert whole[round(6800 * len(samples) / rate) :].sum() < 1e-4 * whole.sum()
    assert np.abs(samples).max() == pytest.approx(0.9)


def test_a_folder_is_read_by_number_and_by_place() -> None:
    for place, hertz in (("b.wav", 300), ("a/deep.wav", 500), (".hidden.wav", 700)):
        write(f"clips/{place}", tone(hertz))
    Path("clips/notes.txt").write_text("no sound")
    assert folder_members("clips") == [0, 1]
    first, by_place = folder("clips", 0)(), folder("clips", "b.wav")()
    assert first.name == "deep" and first.origin.place == "a/deep.wav" and by_place.name == "b"
    for index, said in ((2, "holds 2 sounds"), ("gone.wav", r"no longer holds gone\.wav")):
        with pytest.raises(UserError, match=said):
            folder("clips", index)()
    for path, said in ((None, "dataset.path=FOLDER"), ("b.wav", "not a folder")):
        with pytest.raises(UserError, match=re.escape(said)):
            folder(path)()
    Path("none").mkdir()
    with pytest.raises(UserError, match="no sound file"):
        folder_members("none")
