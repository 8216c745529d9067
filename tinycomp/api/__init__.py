"""The Python interface: what `import tinycomp` offers. The command line calls it too."""

from tinycomp.api.built import Build
from tinycomp.api.checks import bench, inspect, verify
from tinycomp.api.models import build, quantize
from tinycomp.api.training import compress, search

__all__ = ["Build", "bench", "build", "compress", "inspect", "quantize", "search", "verify"]
