"""What SAM's own code makes of a command line: `sam.py deploy ...`, as JSON, without calling AWS.

`options` are what `sam deploy` would work with; `parameters` what it would tell CloudFormation of a stack that exists.
"""

import inspect
import json
import sys

import samcli.commands.deploy.command as deploy
from samcli.cli.main import cli
from samcli.commands.deploy.deploy_context import DeployContext
from samcli.yamlhelper import yaml_parse


def main():
    signature = inspect.signature(deploy.do_cli)
    deploy.do_cli = lambda *values: answer(signature.bind(*values).arguments)
    cli(sys.argv[1:])


def answer(options):
    with open(options["template_file"], encoding="utf-8") as file:
        template = yaml_parse(file.read())
    parameters = DeployContext.merge_parameters(template, options["parameter_overrides"])
    json.dump({"options": options, "parameters": parameters}, sys.stdout)


if __name__ == "__main__":
    main()
