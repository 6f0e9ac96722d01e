"""Build hook of hatchling: a wheel with the compiled module where a C compiler is, else one of pure Python."""

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "collab_server/_speedups"


class SpeedupsHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        # By its path: what the package imports need not be installed where it is built.
        build = runpy.run_path(str(Path(self.root) / FOLDER / "build.py"))
        try:
            compiled = build["build"]()
        except build["NotCompiled"] as reason:
            self.app.display_warning(f"The wheel is of pure Python: {reason}")
            return
        build_data["artifacts"].append(f"{FOLDER}/{compiled.name}")
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"cp311-abi3-{platform}"
