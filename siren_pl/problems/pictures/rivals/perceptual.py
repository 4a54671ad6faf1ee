"""A perceptual distance: the distance of two pictures in the features of VGG19 (Johnson et al. 2016).

The network is that of Simonyan and Zisserman 2015 (configuration E) without its classifier; Ledig et al. 2017 train
SRGAN with this distance. The weights come from a local file, or are downloaded once.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from siren_pl.errors import UserError
from siren_pl.field.weights import fill, read_tensors
from siren_pl.problems.pictures.catalogue import PublicFile, locate

OPTION = "task.perceptual_weights=FILE"
# torchvision puts the first digits of the checksum into the name; no source states the others.
VGG19 = PublicFile(
    "vgg19-dcbb9e9d.pth",
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256_prefix="dcbb9e9d",
    option=OPTION,
)
BLOCKS = (2, 2, 4, 4, 4)  # convolutions before each halving
# The usual names of the layers in order: conv1_1, relu1_1, conv1_2, relu1_2, pool1, conv2_1, …
LAYERS = [
    name
    for block, count in enumerate(BLOCKS, 1)
    for name in [*(f"{kind}{block}_{i}" for i in range(1, count + 1) for kind in ("conv", "relu")), f"pool{block}"]
]
COLOURS = 3
# Mean and standard deviation of ImageNet's red, green and blue in [0, 1], for which torchvision's networks are trained.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def vgg19_features(path: Path, layer: str) -> nn.Sequential:
    """Load the layers of VGG19 up to a named one, with the weights and widths in a file.

    Args:
        path: A state dict in torchvision's layout (features.0.weight …); other names (the classifier) are ignored.
        layer: conv1_1 … conv5_4 (before the ReLU), relu1_1 … relu5_4 (after it) or pool1 … pool5.

    Raises:
        UserError: There is no such layer, or the file is missing, damaged or has another layout.
    """
    if layer not in LAYERS:
        raise UserError(f"VGG19 has no layer {layer}: choose one of relu1_1 … relu5_4, conv1_1 … conv5_4.")
    cure = f"name torchvision's {VGG19.file_name} by {OPTION}; it is at {VGG19.url}"
    tensors = read_tensors(path, cure)
    layers, wanted, inputs = [], {}, COLOURS
    for index, name in enumerate(LAYERS[: LAYERS.index(layer) + 1]):
        if name.startswith("conv"):
            for part in ("weight", "bias"):
                if f"features.{index}.{part}" not in tensors:
                    raise UserError(f"{path} has no tensor features.{index}.{part}, so it is no VGG19: {cure}.")
                wanted[f"{index}.{part}"] = tensors[f"features.{index}.{part}"]
            outputs = len(wanted[f"{index}.weight"])
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, device="meta"))
            inputs = outputs
        else:
            layers.append(nn.ReLU() if name.startswith("relu") else nn.MaxPool2d(2))
    network = nn.Sequential(*layers)
    try:
        fill(network, wanted)
    except ValueError as error:
        raise UserError(f"{path} has convolutions of other shapes than VGG19 ({error}): {cure}.") from error
    return network


class PerceptualDistance(nn.Module):
    """The mean squared difference of two pictures' features, differentiable in the first picture.

    The module has no trainable parameters, and moves to the device and type of its argument.

    Args:
        weights_path: VGG19's weights in torchvision's layout; None downloads them once (575 MB).
        layer: The layer of the features: late ones (relu5_4, as in SRGAN) represent content, early ones (relu2_2)
            texture and edges.

    Raises:
        UserError: There is no such layer, or no usable file of weights.
    """

    def __init__(self, weights_path: str | Path | None = None, layer: str = "relu5_4") -> None:
        super().__init__()
        path = locate(VGG19, None) if weights_path is None else Path(weights_path)
        self.features = vgg19_features(path, layer)
        self.layer = layer
        self.mean = nn.Buffer(torch.tensor(IMAGENET_MEAN))
        self.deviation = nn.Buffer(torch.tensor(IMAGENET_DEVIATION))

    def forward(self, result: Tensor, target: Tensor) -> Tensor:
        """Compute the distance, a scalar.

        Args:
            result: (N, H, W, C) or (H, W, C) in [-1, 1]; grey is repeated over three channels, alpha is left out.
            target: The same shape; no gradient flows to it.

        Raises:
            UserError: The pictures are too small for the layer.
        """
        self._require_room(result)
        if (self.mean.device, self.mean.dtype) != (result.device, result.dtype):
            self.to(result)
        with torch.no_grad():
            wanted = self.features(self._normalised(target))
        return (self.features(self._normalised(result)) - wanted).square().mean()

    def _normalised(self, pictures: Tensor) -> Tensor:
        """Normalise pictures as for the network's training, to (N, 3, H, W) or (3, H, W)."""
        colours = pictures[..., :COLOURS] if pictures.shape[-1] >= COLOURS else pictures[..., :1]
        return ((colours / 2 + 0.5 - self.mean) / self.deviation).movedim(-1, -3)

    def _require_room(self, pictures: Tensor) -> None:
        halvings = sum(isinstance(layer, nn.MaxPool2d) for layer in self.features)
        height, width = pictures.shape[-3:-1]
        if min(height, width) >= 2**halvings:
            return
        deepest = min(height, width).bit_length()
        raise UserError(
            f"a picture of {height} × {width} pixels has no {self.layer}: VGG19 halves it {halvings} times before, so "
            f"that it needs {2**halvings}. Use larger patches, or a layer up to relu{deepest}_{BLOCKS[deepest - 1]}."
        )
