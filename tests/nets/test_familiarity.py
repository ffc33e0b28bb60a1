"""How surprised a network is."""

import numpy as np
import pytest
import torch

from napari_unet.nets.architectures import build_net
from napari_unet.nets.familiarity import Familiarity, divergence


def test_divergence_is_zero_for_what_is_known_and_grows_with_the_distance():
    known = torch.tensor([1.0]), torch.tensor([4.0])
    assert divergence(*known, *known).item() == pytest.approx(0, abs=1e-6)
    steps = [divergence(known[0] + shift, known[1], *known).item() for shift in (1.0, 2.0, 4.0)]
    assert steps == sorted(steps)
    assert steps[1] == pytest.approx(0.5, rel=1e-3)  # 2^2 / (2 * 4)
    assert divergence(known[0], known[1] * 4, *known).item() > 0
    assert divergence(known[0], known[1] / 4, *known).item() > 0


def test_a_network_is_least_surprised_by_the_images_of_which_its_norms_are():
    torch.manual_seed(0)
    net = build_net("padded", {"in_channels": 1, "base_channels": 4, "levels": 2})
    rng = np.random.default_rng(0)
    smooth = rng.normal(size=(8, 1, 16, 16)).repeat(4, -1).repeat(4, -2).astype(np.float32)
    net.train()
    with torch.no_grad():
        for _ in range(60):
            net(torch.from_numpy(smooth))
    look = Familiarity(net)
    maps, own = look(smooth[0])
    rough = look(rng.normal(size=(1, 64, 64)).astype(np.float32))[1]
    assert maps.shape == (2, 64, 64)
    np.testing.assert_allclose(maps.sum(0), 1, rtol=1e-5)
    assert own < rough / 2
    assert look(smooth[0])[1] == own, "asking changes nothing"
