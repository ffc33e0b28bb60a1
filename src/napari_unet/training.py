"""Train: densely labelled images and a fresh (or given) network give a model.

Reads like a method section: draw patches where there is something to learn, warp image and instance ids, carve
the ridge, weigh, step; now and then segment the validation images, and keep the weights that did best.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_unet.arguments import as_pairs
from napari_unet.arrays.channels import Choice
from napari_unet.arrays.patches import PatchCentres
from napari_unet.errors import UnetError
from napari_unet.files.checkpoint_names import best_of
from napari_unet.models.fresh import fresh_model
from napari_unet.models.model import Model, load_model_file, restore_weights, stored_weights
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage, training_images_of
from napari_unet.models.training_targets import dense_targets
from napari_unet.models.validation import evenly, score_images
from napari_unet.nets.architectures import build_net
from napari_unet.nets.augmentation import as_tensor, draw_warp, warp_image, warp_labels
from napari_unet.nets.copy_paste import crowd
from napari_unet.nets.crop import centre_crop, patch_sides, require_teachable, view_sizes
from napari_unet.nets.device import choose_device
from napari_unet.nets.intensity_augmentation import change_intensity, leave_out_optional
from napari_unet.nets.loss import weighted_cross_entropy
from napari_unet.nets.optimization import Optimization
from napari_unet.nets.seeding import seeded
from napari_unet.nets.unet import UNet
from napari_unet.progress import Progress, Report, Steps, finish
from napari_unet.settings.training import PATCH, TrainingSettings

CHECKPOINT_FORMAT = 2
"""Of the notes in a checkpoint; the first had none."""


def train(
    pairs: Sequence[tuple[Any, Any]],
    model: Model | None = None,
    *,
    axes: str | None = None,
    channels: Choice | None = None,
    validation: Sequence[tuple[Any, Any]] = (),
    settings: TrainingSettings | None = None,
    progress: Report | None = None,
) -> Model:
    """Return a model that was trained on densely labelled images.

    Parameters
    ----------
    pairs
        (image, labels) each; labels are instance ids over the image's axes less channels, 0 is background.
    model
        Where to start, `load_model` gives one; None: a new padded network for one channel.
    axes
        One letter per axis of the images; needed unless they are (Y, X).
    channels
        Numbers from 0 of the channels to learn, in the order of the model's inputs, where images have others too.
    validation
        Pairs on which the weights are scored now and then; the best weights are kept.
    settings
        Iterations, batch, patch, loss, augmentation.
    progress
        Called with a `Progress` after every iteration.

    Returns
    -------
    Model
        Its `save` writes it to a file.

    Raises
    ------
    UnetError
        If there are no pairs, or images and labels do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet import TrainingSettings, train
    >>> image = np.zeros((64, 64)); image[20:40, 20:40] = 1
    >>> model = train([(image, image.astype(int))], settings=TrainingSettings(iterations=1, batch=1, patch=32))
    >>> model.spec.training["iterations"]
    1
    """
    pairs, validation = (as_pairs(given, "train", "labels") for given in (pairs, validation))
    start = model or fresh_model()
    learnt, scored = (
        [
            plane
            for number, (image, labels) in enumerate(given, start=1)
            for plane in training_images_of(
                f"image {number}", image, labels, start.spec, axes=axes, channels=channels
            )
        ]
        for given in (pairs, validation)
    )
    training = Training(start.spec, learnt, scored, TrainingSettings.chosen(settings), net=start.net)
    return finish(training.steps(), progress)


@dataclass(slots=True, kw_only=True)
class Best:
    """The best weights so far and their score on the validation images."""

    score: float = -1.0
    iteration: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


class Training:
    """A training under way; `steps` goes on from wherever it stands, `model` is the best so far."""

    def __init__(
        self,
        spec: ModelSpec,
        images: Sequence[TrainingImage],
        validation: Sequence[TrainingImage],
        settings: TrainingSettings,
        *,
        net: UNet | None = None,
        checkpoint: Path | None = None,
        chances: Sequence[float] | None = None,
    ) -> None:
        if not images:
            raise UnetError("there are no training images: give a folder with images/ and labels/")
        with seeded(settings.seed):
            fresh = copy.deepcopy(net) if net is not None else build_net(spec.architecture, spec.arguments)
        patch = patch_sides(fresh, settings.patch, PATCH, spec.spacing)
        settings = settings.resolved(sum(image.labels.size for image in images), patch)
        self.spec = spec
        self.settings = settings
        self.best = Best()
        self.history: list[dict[str, float]] = []
        """Of each validation: iteration, mean loss since the one before, score."""
        self._losses: list[float] = []
        self._images = images
        self._validation = evenly(validation, settings.validation_images)
        self._centres = [PatchCentres(image.labels) for image in images]
        self._tensors = [(as_tensor(i.image, torch.device("cpu")), torch.from_numpy(i.labels)) for i in images]
        areas = np.sqrt([image.labels.size for image in images])
        self._chances = areas / areas.sum() if chances is None else np.asarray(chances)
        self._checkpoint = checkpoint
        self._of = self._digest(fresh) if checkpoint is not None else ""
        self._sides = view_sizes(fresh, patch, settings.weights.sigma, spec.spacing)
        require_teachable(fresh, settings.batch, self._sides[1])
        self.optimization = Optimization(
            fresh, settings.optimization, iterations=settings.iterations, device=choose_device(settings.device)
        )
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)

    def steps(self) -> Steps[Model]:
        """Train to the end, one yield an iteration, and return the best model."""
        total = self.settings.iterations
        while True:
            if self._is_validation_due():
                yield from self._validate(float(np.mean(self._losses)))
                self._losses.clear()
                self.save_checkpoint()
            if self.optimization.iteration >= total:
                return self.model()
            self._losses.append(self._step(self.optimization.iteration))
            figures = {"loss": self._losses[-1], "score": self.best.score}
            yield Progress(done=self.optimization.iteration, total=total, doing="Training", figures=figures)

    def _is_validation_due(self) -> bool:
        """Whether the present weights are to be scored and were not, in an interrupted training neither."""
        done, settings = self.optimization.iteration, self.settings
        return bool(self._losses) and (done % settings.validate_every == 0 or done >= settings.iterations)

    def _digest(self, net: UNet) -> str:
        """Return what tells this training from another: its start, meaning, settings, images and labels."""
        digest = hashlib.sha256(repr((self.spec.to_json(), self.settings)).encode())
        for weights in net.state_dict().values():
            digest.update(weights.cpu().numpy().tobytes())
        for image in (*self._images, *self._validation):
            for part in image.parts:
                digest.update(part)
        return digest.hexdigest()

    def model(self) -> Model:
        """Return the best model so far; the present weights where nothing was validated yet."""
        net = copy.deepcopy(self.optimization.averaged).cpu()
        if self.best.weights:
            restore_weights(net, self.best.weights)
        trained: Mapping[str, Any] = {
            **self.spec.training,
            "iterations": self.best.iteration or self.optimization.iteration,
            "images": len({image.name for image in self._images}),
            "loss": self._mean_loss(),
            "validation_score": round(self.best.score, 4) if self.best.score >= 0 else None,
            "seed": self.settings.seed,
        }
        return Model(net=net.eval(), spec=replace(self.spec, training=trained))

    def _mean_loss(self) -> float | None:
        """Return the mean loss before the best weights were validated; of all steps where nothing was."""
        losses = [one["loss"] for one in self.history if one["iteration"] == self.best.iteration] or self._losses
        return round(float(np.mean(losses)), 4) if losses else None

    def _step(self, iteration: int) -> float:
        """Take a step on a batch that is the same for the same seed, wherever training was interrupted."""
        rng = np.random.default_rng((self.settings.seed, iteration))
        with seeded(int(rng.integers(2**31))):  # for dropout
            return self.optimization.step(*self._task(rng))

    def _task(self, rng: np.random.Generator) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return a batch of images and what turns their logits into the loss."""
        images, targets, weights = self._batch(rng)
        return images, partial(weighted_cross_entropy, target=targets, weights=weights)

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw a batch."""
        parts = zip(*(self._view(rng) for _ in range(self.settings.batch)), strict=True)
        images, targets, weights = (torch.stack(part).to(self.optimization.device) for part in parts)
        return images, targets, weights

    def _view(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return one warped view: image (C, *in), classes (*out), weights (*out)."""
        number = int(rng.choice(len(self._images), p=self._chances))
        image, labels = self._tensors[number]
        change, spec = self.settings.augmentation, self.spec
        warp = draw_warp(rng, self._centres[number].draw(rng), change, spec.spacing)
        view, inside, outside = self._sides
        seen = warp_image(image, warp, view)
        instances = warp_labels(labels, warp, view)
        if not spec.is_semantic and rng.random() < change.crowding:
            seen, instances = crowd(seen, instances, rng, spec.normalization.compression)
        truth, counts = dense_targets(instances, spec, self.settings.weights)
        classes, weights = (centre_crop(torch.from_numpy(part), outside) for part in (truth, counts))
        seen = change_intensity(centre_crop(seen, inside), rng, change, spec.normalization, spec.spacing)
        return leave_out_optional(seen, rng, spec.inputs), classes, weights

    def _validate(self, loss: float) -> Steps[None]:
        """Score the averaged weights, rounded as a file would hold them; of equal ones the last are kept."""
        net = copy.deepcopy(self.optimization.averaged).cpu()
        stored = stored_weights(net)
        restore_weights(net, stored)
        # which weights are best shows without rotations, too
        model = Model(net=net, spec=replace(self.spec, rotations=False))
        scores = yield from score_images(model, self._validation, self.settings.device)
        score = float(np.mean(scores)) if scores else -loss
        self.history.append({"iteration": self.optimization.iteration, "loss": loss, "score": score})
        if score >= self.best.score or not self.best.weights:
            self.best = Best(score=score, iteration=self.optimization.iteration, weights=stored)

    def forget_checkpoint(self) -> None:
        """Remove the checkpoint of a training that came to its end."""
        if self._checkpoint is not None:
            self._checkpoint.unlink(missing_ok=True)
            self._best_file.unlink(missing_ok=True)

    def save_checkpoint(self) -> None:
        """Write what is needed to go on later, where a checkpoint was asked for."""
        if self._checkpoint is None:
            return
        notes = {
            "format": CHECKPOINT_FORMAT,
            "of": self._of,
            "history": self.history,
            "losses": self._losses,
            "best_score": self.best.score,
            "best_iteration": self.best.iteration,
        }
        if self.best.iteration == self.optimization.iteration:
            self.model().save(self._best_file)
        self.optimization.save(self._checkpoint, notes)

    def _restore(self, checkpoint: Path) -> None:
        notes = self.optimization.restore(checkpoint)
        # of one without a format only the network is compared, above: its settings had other names
        if "format" in notes and notes["of"] != self._of:
            raise UnetError(
                f"{checkpoint} is of another training (images, network or settings): delete it, or give the new "
                "model another name"
            )
        self.history, self._losses = notes["history"], notes.get("losses", [])
        if notes["best_iteration"]:
            self.best = Best(
                score=notes["best_score"],
                iteration=notes["best_iteration"],
                weights=stored_weights(load_model_file(self._best_file).net),
            )

    @property
    def _best_file(self) -> Path:
        assert self._checkpoint is not None
        return best_of(self._checkpoint)
