"""Prints pip constraints that pin the package's direct dependencies to their lower bounds.

llama-cpp-python is left out: it is built from source, and each release takes minutes.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_BUILT_FROM_SOURCE = {"llama-cpp-python"}
_LOWER = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)\s*>=\s*(?P<version>[^,;\s]+)")


def lower_bounds(project: Path) -> list[str]:
    """`name==version` for each direct dependency.

    Raises:
        SystemExit: One has no lower bound.
    """
    pins = []
    for requirement in tomllib.loads(project.read_text())["project"]["dependencies"]:
        found = _LOWER.match(requirement)
        if found is None:
            sys.exit(f"{requirement} has no lower bound in {project}")
        if found["name"] not in _BUILT_FROM_SOURCE:
            pins.append(f"{found['name']}=={found['version']}")
    return pins


if __name__ == "__main__":
    sys.stdout.write("\n".join(lower_bounds(Path(sys.argv[1]))) + "\n")
