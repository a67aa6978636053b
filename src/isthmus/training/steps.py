"""One optimizer step: forward, loss, backward, update; replayed as a CUDA graph where that is possible."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from isthmus.core.share import held, holding
from isthmus.core.streams import stream
from isthmus.core.values import Terms, Trace
from isthmus.kernels.ops import Kernels, using
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import ModelPart, Objective, Regularizer
from isthmus.models.processes import ALONE, Processes
from isthmus.models.recompute import recomputing
from isthmus.recipes.recipe import Train
from isthmus.training import devices
from isthmus.training.batches import BatchSource
from isthmus.training.gradient_sum import GradientSum

_EAGER_STEPS = 3  # before a capture, inside which lazy initialisation is not allowed


class EagerStep:
    """A step that runs eagerly, operation by operation.

    Every random draw of step s is a function of (seed, s): the model's parts draw from the generator that they
    receive; the global generator is also seeded, for parts that cannot.

    recompute: keep less for the backward pass and compute it again; the step is the same to the bit.
    processes: that take the step together, each with its share of the batch.
    """

    def __init__(
        self,
        model: Autoencoder,
        objective: Objective,
        optimizer: torch.optim.Optimizer,
        batches: BatchSource,
        settings: Train,
        *,
        precision: str,
        kernels: Kernels = "torch",
        recompute: bool = False,
        seed: int,
        processes: Processes = ALONE,
    ) -> None:
        self.model, self.objective, self.optimizer, self.batches = model, objective, optimizer, batches
        self.clip_norm = settings.clip_norm
        self.kernels: Kernels = kernels
        self.recompute = recompute
        self.mostly = devices.mostly_convolutions(model, objective)
        self.mixed = torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16")
        self.seed = seed
        self.noise = torch.Generator(model.device)
        # not torch.manual_seed, which visits every kind of device: 1 ms per step, a fortieth of a small network's step
        self.seeders: list[Callable[[int], object]] = [torch.default_generator.manual_seed]
        if model.device.type == "cuda":
            self.seeders.append(torch.cuda.default_generators[model.device.index or 0].manual_seed)
        if model.device.type == "mps":
            self.seeders.append(torch.mps.manual_seed)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.stepped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self.processes = processes
        against = objective.regularizer.adversaries.values()
        apart = dict.fromkeys(weight for adversary in against for weight in adversary.network.parameters())
        together = processes.count > 1
        self.sum = GradientSum([weight for weight in self.stepped if together and weight not in apart])
        self.against_sum = GradientSum([weight for weight in apart if together])
        parts = [*model.modules(), *objective.modules()]
        self.parts = [part for part in parts if isinstance(part, ModelPart)]

    def __call__(self, chosen: Tensor, number: int, images: int | None = None) -> Terms:
        """Step `number` on a batch of `images`, of which `chosen` (b,) are this process's -> terms (b,), detached.

        images: None if `chosen` are all.
        """
        self.begin(number)
        share = self.processes.share(images or len(chosen))
        with using(self.kernels, mostly=self.mostly), recomputing(self.recompute), holding(share):
            return self.take(chosen)

    def begin(self, number: int) -> None:
        """Set what changes from step to step, in memory that a graph reads."""
        self._seed(number)
        for part in self.parts:
            part.begin_step(number)

    def _seed(self, number: int) -> None:
        for seed in self.seeders:
            seed(stream("parts", self.seed, number))
        self.noise.manual_seed(stream("noise", self.seed, number))

    def renew_generators(self) -> None:
        """New states for the device's generators, whose seeds are set at every step anyway."""
        device = self.model.device
        self.noise = torch.Generator(device)
        if device.type == "cuda":
            used = torch.cuda.default_generators[device.index or 0]
            used.graphsafe_set_state(torch.Generator(device).graphsafe_get_state())

    def take(self, chosen: Tensor) -> Terms:
        """The step that was begun."""
        x = self.batches.cut(chosen)
        with self.mixed:
            trace = self.model(x, self.noise)
        terms = self.objective(self.model, trace)
        for parameter in self.stepped:  # faster than zero_grad, which checks for more cases
            parameter.grad = None
        self._backward(terms.loss, self.sum)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)
        found = dict(terms.terms)
        if self.objective.regularizer.adversaries:
            found |= self._adversaries(self.objective.regularizer, trace)
        self.optimizer.step()
        return Terms(terms.loss.detach(), {name: value.detach() for name, value in found.items()})

    def _adversaries(self, regularizer: Regularizer, trace: Trace) -> Mapping[str, Tensor]:
        """Gradients for a regularizer's adversaries from their own loss, which has no gradient to the model."""
        for adversary in regularizer.adversaries.values():
            adversary.network.zero_grad()  # the model's own loss went through it
        terms = regularizer.adversary_terms(trace.detached())
        self._backward(terms.loss, self.against_sum)
        return terms.terms

    def _backward(self, loss: Tensor, gradients: GradientSum) -> None:
        """Gradients of the mean of the whole batch's losses, of which loss (b,) are this process's."""
        share = held()
        if share is None:
            loss.mean().backward()
            return
        gradients.begin()
        (loss.sum() / share.images).backward()
        gradients.end()


class GraphStep:
    """An eager step captured once as a CUDA graph, so that the host launches one graph instead of hundreds of kernels.

    A batch of another size, such as an epoch's last, runs eagerly. What changes from step to step must be in memory
    that the graph reads: the images' indices, the learning rates (see `build_optimizer`), the seeds. The next step
    overwrites the returned terms.
    """

    def __init__(self, eager: EagerStep) -> None:
        self.eager = eager
        self.graph: torch.cuda.CUDAGraph | None = None
        self.possible = not eager.recompute  # recomputing reads the random state, which a capture does not allow
        self.done = 0

    def __call__(self, chosen: Tensor, number: int, images: int | None = None) -> Terms:
        """As `EagerStep`."""
        if not self.possible or len(chosen) != self.eager.batches.batch:
            return self.eager(chosen, number, images)
        if self.graph is None:
            if self.done < _EAGER_STEPS:
                self.done += 1
                return self._beside(chosen, number, images)
            self.graph = self._captured(chosen)
            if self.graph is None:
                return self.eager(chosen, number, images)
        self.eager.begin(number)
        self.chosen.copy_(chosen)
        self.graph.replay()
        return self.terms

    def _beside(self, chosen: Tensor, number: int, images: int | None) -> Terms:
        """An eager step on a side stream, which CUDA requires for the steps before a capture."""
        here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            terms = self.eager(chosen, number, images)
        here.wait_stream(beside)
        return terms

    def _captured(self, chosen: Tensor) -> torch.cuda.CUDAGraph | None:
        """The step as a graph; None, and a warning, where a part waits for the device, which a graph cannot contain."""
        self.chosen = chosen.clone()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.eager.noise)
        self.eager.optimizer.zero_grad()
        here = torch.cuda.current_stream()
        try:
            # other threads go on: one that reads images ahead pins memory, which a global capture forbids
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self.terms = self.eager.take(self.chosen)
        except RuntimeError as error:
            self._give_up(graph, here)
            reason = str(error).partition("\n")[0]
            warnings.warn(
                f"steps are not captured as a CUDA graph, which only makes training slower: {reason}", stacklevel=2
            )
            return None
        return graph

    def _give_up(self, failed: torch.cuda.CUDAGraph, stream: torch.cuda.Stream) -> None:
        """Undo what a failed capture leaves behind in PyTorch 2.9 to 2.13, so that steps can be eager.

        stream: the current one before the capture. It is not restored, and the generators still count draws as the
        graph's, so that the next draw would raise.
        """
        self.possible = False
        self.failed = failed  # never freed: PyTorch's memory allocator still asks it which streams it captures
        torch.cuda.set_stream(stream)
        self.eager.renew_generators()


def captures(device: torch.device, settings: Train, processes: Processes = ALONE) -> bool:
    """Whether steps are captured: on CUDA, by one process, but for Keras's Adam, whose epsilon changes at every step.

    Several processes wait for each other in the middle of a step.
    """
    return device.type == "cuda" and settings.capture and settings.optimizer != "keras-adam" and processes.count == 1
