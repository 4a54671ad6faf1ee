"""The cases: every task and model, and most options that affect a number, in runs of a second."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.ruler.pictures import PICTURES

TRAIN, EVALUATE, REPORT = "train.py", "evaluate.py", "siren_pl.report"


@dataclass(frozen=True)
class Step:
    """One command: a script or a module, its arguments, and the expected exit code."""

    door: str
    arguments: tuple[str, ...]
    code: int = 0


@dataclass(frozen=True)
class Case:
    """Commands that run one after another in one directory.

    Attributes:
        name: The name in the table.
        steps: The commands for the head.
        base: The commands for the base, if `renames.py` is not enough; None for the same commands.
    """

    name: str
    steps: tuple[Step, ...]
    base: tuple[Step, ...] | None = None


_EVERY = "compile=false trainer.progress=false logger=csv"
_QUICK = f"{_EVERY} figures=false trainer.max_steps=30 trainer.evaluations=3"
# Every model has hidden_features; for tensor_product it is the rank.
SMALL = f"{_QUICK} dataset.size=32 model.hidden_features=32"
# A colour picture, wider than high; files are used at their own size.
PHOTO = f"{_QUICK} model.hidden_features=32 dataset=image dataset.path={PICTURES}/photo.png"
_MOMENT = "dataset.seconds=[0,0.02] model.hidden_features=16"
SET = f"{_QUICK} model.hidden_features=32 dataset=folder dataset.path={PICTURES}/set"
LARGE = f"{_QUICK} trainer.max_steps=4 model.hidden_features=16 model.hidden_layers=1 dataset=image"


def _train(options: str, place: str = "hydra.run.dir=run", code: int = 0) -> Step:
    return Step(TRAIN, (*options.split(), place), code)


def _evaluate(options: str = "", run: str = "run") -> Step:
    return Step(EVALUATE, (f"run={run}", *options.split()))


def _case(name: str, options: str, *evaluations: str, code: int = 0) -> Case:
    """A training run, followed by evaluations."""
    return Case(name, (_train(options, code=code), *map(_evaluate, evaluations)))


_FITS = (
    _case("fit", f"{SMALL} figures=true layer_statistics=true", "", "scale=2.5", "window=4,6.5,8,10 scale=3"),
    _case("fit_photo", f"{PHOTO} figures=true dataset.heldout=0.2", "size=30,50", "window=4,6,20,10 size=33"),
    _case(
        "fit_16_bits",
        f"{_QUICK} model=relu init=kaiming_uniform dataset=image dataset.path={PICTURES}/deep.png",
        "size=64",
    ),
    # This size is large enough for every score, and for a batch of several pieces.
    _case("fit_in_pieces", f"{SMALL} dataset.size=180 dataset.batch_size=full model.hidden_layers=1"),
    _case("fit_heldout_relu_pe", f"{SMALL} model=relu_pe dataset.heldout=0.3 dataset=coffee seed=3"),
    _case(
        "fit_stride_fourier", f"{SMALL} model=fourier_features dataset.stride=2 dataset.grayscale=true dataset=rocket"
    ),
    _case("fit_siren_pe_bf16", f"{SMALL} model=siren_pe trainer.precision=bf16-mixed dataset.batch_size=200"),
    _case("fit_tanh_64", f"{SMALL} model=tanh trainer.precision=64-true dataset.size=48 init=xavier_normal"),
    _case(
        "fit_finer_corners",
        f"{PHOTO} model=finer init=siren dataset.grid=corners",
        "scale=2",
        "window=4,6,20,10 scale=2",
    ),
    _case("fit_hash_grid", f"{SMALL} model=hash_grid dataset.size=[24,40] dataset.resize=bicubic"),
    _case("fit_tensor_product", f"{SMALL} model=tensor_product model.parameters=3000 dataset.crop=[60,80,64,96]"),
    _case("fit_sinc_product", f"{SMALL} model=sinc_product dataset.size=[24,40]", "scale=2"),
    _case("fit_lanczos_product", f"{SMALL} model=lanczos_product model.nodes=[9] optimizer=soap"),
    _case("fit_tiles", f"{SMALL} model=tiles model.tiles=2 model.members=2 dataset=astronaut", "scale=2"),
    _case("fit_siren_scaled", f"{SMALL} init=siren_scaled optimizer.schedule=constant optimizer.clip=0.1"),
    _case(
        "fit_init_uniform",
        f"{SMALL} init.first=uniform init.hidden=framework init.divide_by_omega=true model.hidden_omega_0=20",
    ),
    _case("fit_init_normal", f"{SMALL} init=normal model.first_omega_0=12 optimizer.factor=0.3 optimizer.warmup=0.2"),
    _case(
        "fit_priors", f"{SMALL} task.total_variation=1e-3 task.curvature=1e-6 task.spectral=1e-3 dataset.heldout=0.5"
    ),
    _case("fit_sobolev", f"{SMALL} model=gaussian task.gradient_weight=0.1 task.gradient_stencil=scharr"),
    _case("fit_sobolev_bf16", f"{PHOTO} task.gradient_weight=0.1 trainer.precision=bf16-mixed derivatives=forward"),
    _case("fit_compiled", f"{SMALL} compile=true model.hidden_layers=1 task.gradient_weight=0.1"),
    _case("fit_diverges", f"{SMALL} model=relu optimizer.lr=1e30", code=1),
)
_POISSON = (
    _case("gradients", f"{SMALL} task=poisson_grad figures=true layer_statistics=true", "", "scale=2"),
    _case("gradients_paper", f"{SMALL} experiment=paper/poisson_grad dataset=camera trainer.max_steps=30"),
    _case(
        "gradients_heldout",
        f"{SMALL} task=poisson_grad model=mfn_gabor task.integrated=false task.stencil=sobel dataset.heldout=0.2",
    ),
    _case("gradients_hash_grid", f"{PHOTO} task=poisson_grad model=hash_grid task.stencil=sobel"),
    _case("gradients_reverse", f"{PHOTO} task=poisson_grad model=wire derivatives=reverse task.stencil=central"),
    _case("gradients_autograd", f"{SMALL} task=poisson_grad model=softplus derivatives=autograd init=kaiming_normal"),
    _case("gradients_corners", f"{PHOTO} task=poisson_grad dataset.grid=corners task.stencil=prewitt", "scale=1.5"),
    _case("gradients_bf16", f"{SMALL} task=poisson_grad init=xavier_uniform trainer.precision=bf16-mixed"),
    _case("laplacian", f"{SMALL} task=poisson_laplacian figures=true", "", "scale=2"),
    _case("laplacian_paper", f"{SMALL} experiment=paper/poisson_laplacian dataset=camera trainer.max_steps=30"),
    _case("laplacian_boundary", f"{PHOTO} task=poisson_laplacian model=mfn_fourier task.boundary=true"),
    _case(
        "laplacian_spectral", f"{SMALL} task=poisson_laplacian model=bacon task.stencil=spectral derivatives=forward"
    ),
    _case("laplacian_autograd", f"{SMALL} task=poisson_laplacian model=tensor_product derivatives=autograd"),
    _case("laplacian_64", f"{SMALL} task=poisson_laplacian model=wire_complex trainer.precision=64-true"),
    _case("laplacian_heldout", f"{SMALL} task=poisson_laplacian task.integrated=false dataset.heldout=0.2"),
)
_SOUNDS = (
    _case("sound", f"{_QUICK} task=audio_fit {_MOMENT} figures=true", "", "sample_rate=8000"),
    _case("sound_chunks", f"{_QUICK} task=audio_fit {_MOMENT} model=chunks model.tiles=3 optimizer=muon"),
    _case("sound_paper", f"{_QUICK} experiment=paper/audio_bach {_MOMENT} model.hidden_features=16"),
    _case("sound_gradients", f"{_QUICK} task=poisson_grad dataset=audio {_MOMENT} model=siren"),
)
_SCENE = "dataset=video dataset.frames=[0,6] dataset.size=24 model.hidden_features=16"
_VIDEOS = (
    _case("video", f"{_QUICK} task=video_fit {_SCENE} figures=true", "", "slow=2", "time=0.1 size=12"),
    _case("video_siren", f"{_QUICK} task=video_fit {_SCENE} model=siren dataset.stride=[2,1,1]"),
    _case(
        "frames_between",
        f"{_QUICK} task=video_interpolation dataset.size=32 model.hidden_features=16 figures=true",
        "",
        "slow=2",
        "time=0.25 size=40",
    ),
    _case("video_gradients", f"{_QUICK} task=poisson_grad {_SCENE} model=siren"),
)
_SHAPES = (
    _case(
        "shape",
        f"{_QUICK} task=shape_fit dataset.points=500 model.hidden_features=16 task.resolution=16 "
        "baselines={} figures=true",
        "resolution=24",
    ),
    _case(
        "shape_sphere",
        f"{_QUICK} task=shape_fit dataset.points=500 dataset.noise=0.02 model=relu init=sphere "
        "model.hidden_features=16 task.eikonal_around=0.1 task.resolution=16",
    ),
    _case(
        "shape_paper", f"{_QUICK} experiment=paper/shape dataset.points=500 model.hidden_features=16 task.resolution=16"
    ),
)
_LITTLE = "dataset.batch_size=64 model.hidden_features=16"
_EQUATIONS = (
    _case(
        "equation",
        f"{_QUICK} task=equation task.lattice=16 task.balance=gradient_norm task.adaptive.interior=0.5 task.refresh=3 "
        "model.hidden_features=16 dataset.batch_size=64",
        "points=21",
    ),
    _case(
        "equation_integrated",
        f"{_QUICK} task=equation task.equation=helmholtz task.lattice=16 model.hidden_features=16",
    ),
    _case(
        "equation_inverse",
        f"{_QUICK} task=equation task.equation=coefficient model.hidden_features=16 dataset.batch_size=64",
    ),
    _case(
        "equation_eliminated",
        f"{_QUICK} task=equation task.equation=full_waveform task.lattice=24 model.hidden_features=16",
    ),
    _case("helmholtz_paper", f"{_QUICK} experiment=paper/helmholtz {_LITTLE}"),
    _case("inverse_helmholtz_paper", f"{_QUICK} experiment=paper/inverse_helmholtz {_LITTLE}"),
    _case("wave_paper", f"{_QUICK} experiment=paper/wave {_LITTLE}"),
)
_RESTORATIONS = (
    _case("enlarge", f"{SMALL} task=super_resolution task.scale=2 dataset=astronaut figures=true", "", "scale=3"),
    _case("enlarge_area", f"{SMALL} task=super_resolution model=siren task.scale=2.5 task.kernel=area task.sigma=0.02"),
    _case(
        "enlarge_file",
        f"{_QUICK} task=super_resolution task.scale=2 dataset=image dataset.path={PICTURES}/small.png "
        f"dataset.reference={PICTURES}/photo.png task.kernel=gaussian task.blur=0.7",
    ),
    _case("enlarge_no_truth", f"{PHOTO} task=super_resolution task.scale=2 figures=true", "scale=1"),
    _case("inpaint", f"{SMALL} task=inpainting task.keep=0.3 figures=true", "scale=2"),
    _case("inpaint_scratches", f"{PHOTO} task=inpainting task.damage=scratches model=siren"),
    _case("inpaint_mask", f"{PHOTO} task=inpainting task.mask={PICTURES}/mask.png model.members=1 model.tiles=2"),
    _case("denoise", f"{SMALL} task=denoising figures=true", "scale=2"),
    _case("denoise_poisson", f"{PHOTO} task=denoising task.noise=poisson task.sigma=0.05 model=finer"),
    _case("denoise_salt", f"{SMALL} task=denoising task.noise=salt_and_pepper task.sigma=0.1 task.curvature=1e-6"),
    _case("denoise_no_truth", f"{PHOTO} task=denoising dataset.degrade=false"),
)
_EDITS = (
    _case("clone", f"{SMALL} task=poisson_edit figures=true", "", "scale=2"),
    _case(
        "clone_mixed",
        f"{PHOTO} task=poisson_edit dataset.size=64 task.mixed=true task.mask={PICTURES}/mask.png task.offset=[2,-3]",
    ),
    _case("fuse", f"{SMALL} task=poisson_edit task.mode=fuse task.sources=[coffee,camera] task.stencil=sobel"),
    _case("fuse_mixed", f"{SMALL} task=poisson_edit task.mode=mixed task.integrated=false"),
)
_SETS = (
    Case("set", (_train(f"{SET} figures=true"), _evaluate("scale=2", "run/signals/b"))),
    _case("set_gradients", f"{SET} task=poisson_grad model=tanh dataset.grid=corners"),
    _case(
        "set_laplacian",
        f"{SET} task=poisson_laplacian dataset.index=[0,1] dataset.heldout=0.1 task.integrated=false",
    ),
    _case("set_inpaint", f"{SET} task=inpainting task.keep=0.5"),
    _case("set_enlarge", f"{SET} task=super_resolution model=siren task.scale=2 task.degrade=true"),
    _case("set_denoise", f"{SET} task=denoising model=siren dataset.batch_size=300"),
)
_LARGE = (
    _case("compact", f"{LARGE} dataset.path={PICTURES}/compact.npy"),
    _case(
        "slabs",
        f"{LARGE} dataset.path={PICTURES}/slabs.npy dataset.heldout=0.1 figures=true",
        "window=800,900,20,30 scale=2",
    ),
    _case(
        "slabs_enlarge",
        f"{LARGE} task=super_resolution model=siren task.scale=2 dataset.path={PICTURES}/slabs_small.npy "
        f"dataset.reference={PICTURES}/slabs.npy trainer.max_steps=1",
    ),
)
_SWEPT = f"{SMALL} dataset.heldout=0.1 layer_statistics=true sweep.tune=optimizer.factor optimizer.factor=1,3"
_TRAINED = _train(SMALL)
_COURSES = (
    Case("resume", (_TRAINED, _train("", "resume=run"), Step(TRAIN, ("resume=run", "trainer.max_steps=50")))),
    Case(
        "resume_set",
        (_train(f"{SET} task=poisson_grad"), Step(TRAIN, ("resume=run", "trainer.max_steps=40"))),
    ),
    Case(
        "sweep_and_report",
        (
            Step(TRAIN, ("-m", *_SWEPT.split(), "model=siren,relu", "hydra.sweep.dir=sweep")),
            Step(TRAIN, ("sweep.resume=sweep",)),
            _train(f"{SMALL} task=poisson_grad"),
            _train(f"{SET} task=denoising model=siren", "hydra.run.dir=set"),
            Step(REPORT, ("sweep", "run", "set", "output=report")),
        ),
    ),
)
CASES = (
    *_FITS,
    *_POISSON,
    *_SOUNDS,
    *_VIDEOS,
    *_SHAPES,
    *_EQUATIONS,
    *_RESTORATIONS,
    *_EDITS,
    *_SETS,
    *_LARGE,
    *_COURSES,
)
# These steps make a worker import what its cases need before it forks.
WARM_UP = (_train(f"{SMALL} task=inpainting trainer.max_steps=1 figures=true"), _evaluate("scale=2"))
