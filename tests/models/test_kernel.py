"""The kernel's score of a text is its own: in any company and any place, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.models.encoder.kernel import ROWS, KernelModel

RNG = np.random.default_rng(3)


def kernel(landmarks: int, width: int, policies: int = 3) -> KernelModel:
    points = RNG.normal(size=(landmarks, width))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    ones = np.ones(policies)
    return KernelModel(np.ones(width), np.zeros(width), points, RNG.normal(size=(landmarks, policies)), ones, ones)


@pytest.mark.parametrize(("landmarks", "width"), [(30, 64), (300, 768), (1043, 768)])
def test_a_text_is_scored_alike_in_any_company_and_place(landmarks: int, width: int) -> None:
    model = kernel(landmarks, width)
    text, others = RNG.normal(size=(1, width)).astype(np.float32), RNG.normal(size=(ROWS + 40, width)).astype(np.float32)
    alone = model.logits(text)
    for number in (1, 2, 5, 12, 13, 25, 64, ROWS, ROWS + 1, ROWS + 40):
        for place in {0, number // 2, number - 1}:
            together = others[:number].copy()
            together[place] = text
            np.testing.assert_array_equal(model.logits(together)[place], alone[0])


def test_it_is_kernel_regression() -> None:
    model = kernel(20, 8)
    embedding = RNG.normal(size=(7, 8)).astype(np.float32)
    unit = embedding / np.linalg.norm(embedding.astype(np.float64), axis=1, keepdims=True)
    distance = ((unit[:, None, :] - model.landmarks[None, :, :]) ** 2).sum(-1)
    np.testing.assert_allclose(model.regression(embedding), np.exp(-2 * distance) @ model.coefficients, rtol=1e-6)
