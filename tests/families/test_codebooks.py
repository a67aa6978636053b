"""Vector quantisation: it agrees with a peer, and its codes stay alive."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.families.small import CONV, trained
from torch import Tensor
from vector_quantize_pytorch import LFQ, ResidualVQ, VectorQuantize

from isthmus.models.bottlenecks._codebook import Codebook, passed
from isthmus.models.bottlenecks.lfq import Lfq
from isthmus.models.bottlenecks.residual_vq import ResidualVq
from isthmus.models.bottlenecks.vq import Vq
from isthmus.models.collect_latents import collect
from isthmus.models.latent_usage import code_usage


def outputs(count: int = 500, dim: int = 4) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(0))


def book_of(vectors: Tensor, *, decay: float = 0.8, revive: float = 0.0) -> Codebook:
    """A codebook that has begun, with these vectors, each used as often as the next."""
    book = Codebook(*vectors.shape, decay=decay, revive=revive)
    book.vectors.copy_(vectors)
    book.sums.copy_(vectors)
    book.begun.fill_(True)
    return book


def peer_of(vectors: Tensor, **options: object) -> VectorQuantize:
    peer = VectorQuantize(vectors.shape[1], vectors.shape[0], decay=0.8, threshold_ema_dead_code=0, **options)
    with torch.no_grad():
        inner = peer._codebook
        inner.embed.copy_(vectors[None])
        inner.embed_avg.copy_(vectors[None])
        inner.cluster_size.copy_(torch.ones(1, len(vectors)))
    return peer


def test_codes_are_those_of_a_peer() -> None:
    vectors = outputs(16)
    found, codes, _ = peer_of(vectors).eval()(outputs()[None])
    book = book_of(vectors).eval()
    assert torch.equal(book(outputs()), codes[0])
    torch.testing.assert_close(book.vectors[book(outputs())], found[0])


def test_the_codebook_moves_as_a_peers() -> None:
    """Moving averages of what is assigned to each code; the peer smooths the counts, by 1e-5 of each."""
    book, peer = book_of(outputs(16)).train(), peer_of(outputs(16)).train()
    for _ in range(5):
        book(outputs())
        peer(outputs()[None])
    torch.testing.assert_close(book.vectors, peer._codebook.embed[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("gradient", ["straight-through", "rotation"])
def test_gradients_are_those_of_a_peer(gradient: str) -> None:
    vectors = outputs(16)
    one, other = (outputs().clone().requires_grad_() for _ in range(2))
    chosen = vectors[book_of(vectors).eval()(one.detach())]
    weights = torch.linspace(-1, 1, one.numel()).view_as(one)
    made = passed(one, chosen, gradient)  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(made.detach(), chosen)
    (made * weights).sum().backward()
    peer = peer_of(vectors, rotation_trick=gradient == "rotation", learnable_codebook=False).train()
    found, _, _ = peer(other[None], freeze_codebook=True)
    (found[0] * weights).sum().backward()
    torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_residual_codes_are_those_of_a_peer() -> None:
    part = ResidualVq((4, 1, 1), codes=8, depth=3, dim=4).eval()
    torch.nn.init.dirac_(part.to_latent.weight)
    torch.nn.init.zeros_(part.to_latent.bias)
    peer = ResidualVQ(dim=4, num_quantizers=3, codebook_size=8).eval()
    for level, (book, inner) in enumerate(zip(part.books, peer.layers, strict=True)):
        book.vectors.copy_(outputs(8) / 2**level)
        book.begun.fill_(True)
        inner._codebook.embed.data.copy_(book.vectors[None])
        inner._codebook.initted.fill_(True)
    latent = part(outputs()[:, :, None, None])
    found, codes, _ = peer(outputs()[None])
    assert latent.codes is not None
    assert torch.equal(latent.codes[:, :, 0, 0], codes[0])
    torch.testing.assert_close(latent.z.view(-1, 3, 4).sum(1), found[0])


def test_each_residual_code_leaves_less() -> None:
    made = trained({"bottleneck.kind": "residual_vq", "bottleneck.codes": 16, "objective.weights.commitment": 0.25})
    part = made.model.bottleneck
    with torch.no_grad():
        outputs = part.to_latent(made.model.architecture.encoder(made.test()))
        one, both = (latents.unflatten(1, (2, -1)) for latents in (made.model(made.test()).latent.z,) * 2)
    first, second = ((outputs - z).square().mean().item() for z in (one[:, 0], both.sum(1)))
    assert second < 0.8 * first


def test_signs_and_codes_are_those_of_a_peer() -> None:
    """The peer counts its first bit as the highest."""
    h = torch.randn(20, 6, 2, 2, generator=torch.Generator().manual_seed(0))
    part = Lfq((6, 2, 2), bits=6).eval()
    torch.nn.init.dirac_(part.to_latent.weight)
    torch.nn.init.zeros_(part.to_latent.bias)
    latent = part(h)
    z, codes, _ = LFQ(dim=6, codebook_size=64).eval()(h)
    torch.testing.assert_close(latent.z, z)
    bits = torch.stack([codes >> place & 1 for place in range(6)], 1).flip(1)
    assert latent.codes is not None
    assert torch.equal(torch.stack([latent.codes >> place & 1 for place in range(6)], 1), bits)


def test_the_entropy_penalty_is_least_for_sure_and_even_signs() -> None:
    part = Lfq((4, 1, 1), bits=4).eval()
    torch.nn.init.dirac_(part.to_latent.weight)
    torch.nn.init.zeros_(part.to_latent.bias)
    every = 2.0 * torch.stack([torch.arange(16) >> place & 1 for place in range(4)], 1)[:, :, None, None] - 1
    even, unsure, one_code = (part(h).penalties["entropy"].mean() for h in (9 * every, 0 * every, 9 + 0 * every))
    torch.testing.assert_close(even, torch.tensor(-4 * torch.log(torch.tensor(2.0)).item()), rtol=1e-4, atol=1e-4)
    assert even < unsure
    assert even < one_code


CODES = 64
VQ = {"bottleneck.kind": "vq", "bottleneck.codes": CODES, "objective.weights.commitment": 0.25}


def perplexity(part: Vq, features: Tensor) -> float:
    latent = part.eval()(features)
    assert latent.codes is not None
    return code_usage(latent.codes.flatten(1).numpy(), part.codes).perplexity


def test_revival_keeps_codes_in_use_where_they_die_without() -> None:
    """A codebook that begins in one corner of what the encoder says: the collapse that revival is for."""
    found: dict[float, float] = {}
    features = torch.randn(400, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    for revive in (0.0, 0.1):
        torch.manual_seed(0)
        part = Vq((8, 4, 4), codes=CODES, dim=8, revive=revive, decay=0.9).train()
        torch.nn.init.dirac_(part.to_latent.weight)
        torch.nn.init.zeros_(part.to_latent.bias)
        part(0.01 * features[:50] + 5)  # the first batch, where every code is put
        for step in range(60):
            part(features[step * 5 % 350 :][:50], generator=torch.Generator().manual_seed(step))
        found[revive] = perplexity(part, features)
    assert found[0.0] < CODES / 8
    assert found[0.1] > CODES / 2


def test_a_trained_codebook_is_in_use() -> None:
    made = trained(VQ)
    with torch.no_grad():
        codes = made.model(made.test()).latent.codes
    assert codes is not None
    assert code_usage(codes.flatten(1).numpy(), CODES).perplexity > CODES / 2


def test_fsq_uses_nearly_all_of_its_codes_on_images() -> None:
    made = trained({"bottleneck.kind": "fsq", "bottleneck.levels": [4, 4, 4], **CONV, "train.epochs": 20})
    codes = collect(made.model, made.splits.train.images).codes
    assert codes is not None
    assert len(np.unique(codes)) > 0.95 * 64
