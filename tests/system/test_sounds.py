"""Sounds through the commands: fitted, resumed, at other rates, swept, in sets, from derivatives, reported."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from siren_pl import Siren, Tiles, audio_fit, fit, poisson_grad, sound_file, sound_signal
from siren_pl.report.__main__ import main
from tests.conftest import Command, _invoke
from tests.sounds import RATE, chirp, read, tone, write

pytestmark = pytest.mark.usefixtures("one_thread")

# A run of a second: `train` shrinks other sounds, not those that a test writes.
SHORT = ("task=audio_fit", "dataset.seconds=null", "model.tiles=4")


def metrics(run: str) -> dict[str, float]:
    return json.loads(Path(run, "metrics.json").read_text())


def state(run: str) -> dict[str, torch.Tensor]:
    return torch.load(Path(run, "checkpoints/last.ckpt"), weights_only=True)["state_dict"]


def frequency(samples: np.ndarray, rate: int) -> float:
    """The frequency of a sine by the phase between the two halves of the samples, far finer than a bin."""
    half = len(samples) // 2
    guess = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * rate / len(samples)
    wave = np.exp(-2j * np.pi * guess * np.arange(len(samples)) / rate) * samples
    window = np.hanning(half)
    turn = np.angle((wave[half : 2 * half] * window).sum() / (wave[:half] * window).sum())
    return guess + turn / (2 * np.pi * half / rate)


def test_a_tone_has_its_exact_frequency_at_every_rate(train: Command, evaluate: Command) -> None:
    """1,000.3 Hz fitted at 8 kHz; written at 8, at 44.1 and at 96 kHz it is still within 0.02 Hz."""
    write("tone.wav", tone(1000.3))
    given = ("dataset.path=tone.wav", "trainer.max_steps=500", "model.hidden_layers=2", "figures=true")
    ended = train(*SHORT, *given, "hydra.run.dir=run")
    assert ended.code == 0 and "SNR (dB)" in ended.err, ended.err
    written = read("run/predictions/tone.wav")
    assert written.shape == (2000,) and written.dtype == np.float32
    error = np.mean((written - tone(1000.3)) ** 2)
    assert metrics("run")["mse"] == pytest.approx(error, rel=1e-3)
    assert metrics("run")["snr"] == pytest.approx(10 * np.log10(0.125 / error), abs=0.01)
    assert metrics("run")["snr"] > 25
    assert next(iter(json.loads(Path("run/measures.json").read_text()))) == "snr"
    assert {path.name for path in Path("run/figures").iterdir()} == {"curve.png", "waveform.png", "spectrograms.png"}
    assert frequency(written, RATE) == pytest.approx(1000.3, abs=0.02)
    for rate in (44100, 96000):
        assert evaluate("run=run", f"sample_rate={rate}").code == 0
        finer = read(f"run/evaluate/{rate}_hz/tone.wav")
        assert len(finer) == 2000 * rate // RATE and frequency(finer, rate) == pytest.approx(1000.3, abs=0.02)
        # Between the samples too the field is the sine, more closely than a line between them, whose error is known.
        truth = tone(1000.3, len(finer), rate)
        places = (np.arange(len(finer)) + 0.5) * RATE / rate - 0.5
        line = np.interp(places, np.arange(2000), written)
        assert np.mean((finer - truth) ** 2) < 0.2 * np.mean((line - truth) ** 2)
    assert evaluate("run=run").code == 0
    assert np.array_equal(read(f"run/evaluate/{RATE}_hz/tone.wav"), written)
    again = json.loads(Path(f"run/evaluate/{RATE}_hz/metrics.json").read_text())
    assert again["snr"] == metrics("run")["snr"]
    for bad in ("0", "-1", "44.1k", "1e4"):
        assert f"sample_rate={bad}" in evaluate("run=run", f"sample_rate={bad}").paragraph
    assert "sample_rate" in evaluate("run=run", "scale=2").paragraph


def test_a_run_that_was_cut_off_ends_with_the_same_bits(train: Command) -> None:
    write("both.wav", np.stack([chirp(50, 400), tone(300)], 1))
    given = (*SHORT, "dataset.path=both.wav", "dataset.heldout=0.2", "optimizer.schedule=constant")
    assert train(*given, "trainer.max_steps=8", "hydra.run.dir=whole").code == 0
    assert train(*given, "trainer.max_steps=3", "hydra.run.dir=cut").code == 0
    assert train("resume=cut", "trainer.max_steps=8").code == 0
    whole, cut = state("whole"), state("cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert Path("whole/predictions/both.wav").read_bytes() == Path("cut/predictions/both.wav").read_bytes()
    found = metrics("cut")
    assert {"train_snr", "heldout_snr", "heldout_mse", "baseline/spline/heldout_snr"} <= found.keys()
    # A spline through four fifths of samples at ten times the tones' rates is nearly exact; eight steps are not.
    assert found["baseline/spline/heldout_snr"] > 20 > found["heldout_snr"]


def test_a_silent_field_counts_as_diverged(train: Command) -> None:
    """After 100 steps at a thousand times the usual rate a network says nothing, and its loss is finite."""
    write("tone.wav", tone(440))
    ended = train(
        *SHORT, "dataset.path=tone.wav", "optimizer.factor=1000", "trainer.max_steps=100", "hydra.run.dir=run"
    )
    assert ended.code == 1, ended.err
    assert "collapsed to silence" in ended.err and "optimizer.factor" in ended.err
    assert Path("run/status").read_text() == "diverged\n" and metrics("run")["diverged"] == 1
    assert metrics("run")["mse"] == pytest.approx(0.125, rel=0.05)


def test_sets_sweeps_and_the_report_know_sounds(
    train: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write("clips/a.wav", tone(440))
    write("clips/b.wav", chirp(100, 900))
    given = ("task=audio_fit", "dataset=audio_folder", "dataset.path=clips", "dataset.seconds=null")
    ended = train(*given, "model=siren", "hydra.run.dir=set", "figures=true")
    assert ended.code == 0, ended.err
    assert metrics("set")["signals"] == 2 and "snr_min" in metrics("set")
    assert {path.name for path in Path("set/signals").iterdir()} == {"a", "b"}
    assert read("set/signals/b/predictions/b.wav").shape == (2000,)
    assert train(*given, "dataset.index=[1]", "model.tiles=2", "hydra.run.dir=chunks").code == 0
    ended = train(*SHORT, "-m", "dataset.path=clips/a.wav", "seed=0,1", "figures=true", "hydra.sweep.dir=sweep")
    assert ended.code == 0, ended.err
    with Path("sweep/summary.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["finished"] * 2
    assert Path("sweep/figures/snr_over_seed.png").is_file()
    told = _invoke(main, ["sweep", "output=report"], "report", monkeypatch, capfd)
    assert told.code == 0, told.err
    page = Path("report/report.html").read_text()
    assert "audio_fit" in page and ">SNR (dB)<" in page.replace("\n", "")
    assert "spectrograms of its first replicate" in page and "Pictures of" not in page


def test_wandb_keeps_the_sound_itself(train: Command) -> None:
    write("tone.wav", tone(440))
    ended = train(*SHORT, "dataset.path=tone.wav", "hydra.run.dir=run", logger="wandb")
    assert ended.code == 0, ended.err
    kept = list(Path("outputs/wandb").rglob("media/audio/**/*.wav"))
    assert len(kept) == 1 and kept[0].read_bytes() == Path("run/predictions/tone.wav").read_bytes()


def test_a_sound_is_recovered_from_its_derivative(train: Command, evaluate: Command) -> None:
    """poisson_grad knows nothing of sounds: the slope determines the chirp but for a constant."""
    write("chirp.wav", chirp(20, 200, 500))
    given = ("task=poisson_grad", "dataset=audio", "dataset.path=chirp.wav", "dataset.seconds=null", "model=siren")
    # A network this narrow does not bear the long steps of Muon, the task's own optimiser.
    sizes = ("optimizer=adam", "trainer.max_steps=200", "model.hidden_features=32", "model.omega_0=15")
    ended = train(*given, *sizes, "hydra.run.dir=run", "figures=true")
    assert ended.code == 0, ended.err
    found = read("run/predictions/chirp.wav").astype(float)
    truth = chirp(20, 200, 500)
    error = found - found.mean() - (truth - truth.mean())
    assert 10 * np.log10(truth.var() / np.mean(error**2)) > 25
    assert Path("run/figures/spectrograms.png").is_file()
    assert evaluate("run=run", "sample_rate=16000").code == 0
    assert read("run/evaluate/16000_hz/chirp.wav").shape == (1000,)


def test_fit_takes_sounds_by_name() -> None:
    signal = sound_signal(sound_file(write("chirp.wav", chirp(100, 1500))))
    network = Tiles(1, 1, 16, 2, omega_0=0.2 * 1000, tiles=2)
    found = fit(network, audio_fit(signal), steps=300, lr=2e-3, progress=False)
    assert found.metrics["snr"] > 20 and found.metrics.keys() >= {"mse", "si_sdr", "log_spectral_distance"}
    values = network(signal.coords()).detach().double().numpy()[:, 0]
    assert found.metrics["mse"] == pytest.approx(np.mean((values - chirp(100, 1500)) ** 2), rel=1e-3)
    slope = poisson_grad(signal)
    assert slope.order == 1 and Siren(1, 1)(signal.coords()[:3]).shape == (3, 1)


def test_bad_requests_are_told_in_a_paragraph(train: Command) -> None:
    write("zero.wav", np.zeros(100))
    Path("cut.wav").write_bytes(Path(write("tone.wav", tone(440))).read_bytes()[:900])
    for option, said in (
        ("dataset.path=zero.wav", "silent"), ("dataset.path=cut.wav", "cut off"),
        ("dataset.path=tone.wav dataset.seconds=[0,9]", "lasts 0.250 seconds"),
        ("dataset.path=tone.wav dataset.seconds=[0]", "[from,to]"),
        ("dataset.path=none.wav", "does not exist"), ("dataset.path=tone.wav dataset.stride=0", "from 1"),
        ("dataset=audio_folder", "dataset.path=FOLDER"),
    ):  # fmt: skip
        ended = train(*SHORT, *option.split())
        assert ended.code == 1 and said in ended.paragraph, ended.err
