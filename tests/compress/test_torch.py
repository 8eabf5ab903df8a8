"""Networks from PyTorch, by its current exporter: read, quantised, and equal to ONNX Runtime.

They need PyTorch (`pip install -e '.[torch]'`), which the default set-up leaves out, and run by
`pytest -m torch`.
"""

import numpy as np
import pytest

import hwgen
from hwgen.golden.network.network import run

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
nn = torch.nn
writer = pytest.importorskip("tests.onnx_writer")
differences = pytest.importorskip("tests.compress.test_quantize").differences

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


class Residual(nn.Module):
    """Convolutions of both kinds, a sum, two kinds of means, a concatenation."""

    def __init__(self, activation):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8),
                                   activation)
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8),
                                    nn.ReLU6(), nn.Conv2d(8, 8, 1))
        self.pool, self.third = nn.MaxPool2d(2), nn.Conv2d(8, 4, 1)
        self.last = nn.Linear(12, 5)

    def forward(self, x):
        x = self.first(x)
        x = self.pool(torch.relu(x + self.second(x)))
        x = torch.cat([x, self.third(x)], 1)
        return self.last(nn.functional.avg_pool2d(x, 2).mean((2, 3)))


def perceptron(activation, *last):
    """Return a multi-layer perceptron."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 40), nn.BatchNorm1d(40), activation,
                         nn.Dropout(), nn.Linear(40, 20), activation, nn.Linear(20, 7), *last)


NETWORKS = {
    "convolutional": (lambda: Residual(nn.ReLU()), (3, 12, 12)),
    "convolutional, SiLU": (lambda: Residual(nn.SiLU()), (3, 12, 12)),
    "convolutional, Hardswish": (lambda: Residual(nn.Hardswish()), (3, 12, 12)),
    "perceptron": (lambda: perceptron(nn.ReLU()), (8, 8)),
    "perceptron, GELU": (lambda: perceptron(nn.GELU(), nn.Softmax(-1)), (8, 8)),
    "perceptron, tanh": (lambda: perceptron(nn.Tanh(), nn.Sigmoid()), (8, 8)),
    "perceptron, PReLU": (lambda: perceptron(nn.PReLU()), (8, 8)),
}


def exported(network, shape, path):
    """Export a network with statistics of batches that training might have left; return it."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    torch.onnx.export(network.eval(), (torch.zeros(1, *shape),), path, dynamo=True, verbose=False)
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_runtime(name, tmp_path):
    """Each layer is within a step of ONNX Runtime's on the same inputs.

    A step early in a network may become another in what follows: so outputs are near, and nearly
    all within a step. What PyTorch computes is as far off as eight bits are.
    """
    make, shape = NETWORKS[name]
    torch.manual_seed(len(name))
    network = exported(make(), shape, tmp_path / "net.onnx")
    x = np.random.default_rng(0).normal(0, 1, (24, *shape)).astype("f4")
    found = hwgen.quantize(tmp_path / "net.onnx", x)
    print(found)  # the loss of signal, layer by layer: pytest -s
    assert min(error.sqnr for error in found.errors) > 25
    layers = list(differences(found.model, found.network, x[:8]))
    assert len(layers) >= 3
    assert all(np.abs(difference).max() <= 1 for _, difference in layers)
    outputs = found.network.fetch(run(found.network, found.network.feed(x)), real=True)
    [ours] = outputs.values()
    runtime = np.concatenate([next(iter(writer.runtime(found.model, {port: one[None]}).values()))
                              for port in found.network.input_shapes for one in x])
    steps = np.abs(ours - runtime) / found.errors[-1].scale
    assert steps.max() < 4 and np.mean(steps > 1.01) < 0.05
    with torch.no_grad():
        exact = network(torch.from_numpy(x)).numpy()
    assert np.mean((ours - exact) ** 2) < np.mean(exact**2) / 10**2.5


def test_weights_in_another_file(tmp_path):
    """What the exporter writes by default is two files, and both are read."""
    torch.manual_seed(0)
    exported(perceptron(nn.ReLU()), (8, 8), tmp_path / "net.onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"net.onnx", "net.onnx.data"}
    x = np.random.default_rng(0).normal(0, 1, (4, 8, 8)).astype("f4")
    assert len(hwgen.quantize(tmp_path / "net.onnx", x).network.layers) == 4


def test_transformer_is_refused(tmp_path):
    """The sentence names the operator that stands in the way."""
    block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True, norm_first=True)
    exported(block, (6, 16), tmp_path / "net.onnx")
    x = np.random.default_rng(0).normal(0, 1, (4, 6, 16)).astype("f4")
    with pytest.raises(hwgen.UserError, match="LayerNormalization"):
        hwgen.quantize(tmp_path / "net.onnx", x)
