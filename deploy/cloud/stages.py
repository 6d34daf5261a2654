"""The stages of samconfig.toml, read by SAM's own code.

    .venv-sam/bin/python deploy/cloud/stages.py STAGE [NAME=VALUE ...]

prints as JSON what `sam deploy --config-env STAGE` takes from it, and what it makes of these `--parameter-overrides`.
"""

import json
import sys
from pathlib import Path

from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig

ROOT = Path(__file__).resolve().parents[2]


def read(stage):
    """The options of a stage. Its parameters are a dictionary of texts."""
    options = dict(SamConfig(ROOT).get_all(["deploy"], "parameters", env=stage))
    return options | {"parameter_overrides": overrides(options["parameter_overrides"])}


def overrides(values):
    """Parameters as SAM understands them, from a table of samconfig.toml or from words of the command line."""
    return CfnParameterOverridesType().convert(values, None, None)


def quoted(parameters):
    """Words for `--parameter-overrides`: SAM cuts off at a blank what is not quoted for itself, too."""
    return [f'{name}="{escaped(value)}"' for name, value in parameters.items()]


def escaped(value):
    return value.replace('"', '\\"')


if __name__ == "__main__":
    json.dump({"options": read(sys.argv[1]), "given": overrides(tuple(sys.argv[2:]) or "")}, sys.stdout)
