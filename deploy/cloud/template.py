"""The template as CloudFormation carries it out: transformed by SAM, its parameters and conditions resolved.

    .venv-sam/bin/python deploy/cloud/template.py [FILE] [NAME=VALUE ...]

prints it as JSON, for a stack with these parameters. What only the cloud can know is left as CloudFormation spells it.
Another template than template.yaml is named by its path from the root. With --serve, each line of standard input is such
a list of arguments in JSON, and is answered by a line.
"""

import copy
import functools
import json
import os
import re
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse
from samtranslator.translator.transform import transform

ROOT = Path(__file__).resolve().parents[2]
PSEUDO = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:000000000000:stack/design-analysis/00000000-0000-0000-0000-000000000000",
    "AWS::StackName": "design-analysis",
    "AWS::URLSuffix": "amazonaws.com",
}
NOTHING = {"Ref": "AWS::NoValue"}
UNKNOWN_TO_THE_EMULATOR = {"AWS::Backup::BackupSelection", "AWS::Budgets::Budget"}


class Policies:
    """SAM asks for AWS's managed policies; the template names none."""

    def load(self):
        return {}


class Resolver:
    """Replaces intrinsic functions by what they stand for, where that is known without the cloud."""

    def __init__(self, template, parameters, pseudo):
        self.template = template
        self.values = dict(pseudo)
        for name, parameter in template["Parameters"].items():
            value = parameters.get(name, parameter.get("Default"))
            if value is None:
                raise SystemExit(f"parameter {name} has no default and no value")
            is_list = parameter["Type"] == "CommaDelimitedList"
            self.values[name] = str(value).split(",") if is_list else str(value)

    def condition(self, name):
        return self.resolve(self.template["Conditions"][name])

    def resolve(self, node):
        if isinstance(node, list):
            return [item for item in map(self.resolve, node) if item != NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name in self.INTRINSICS:
                return self.INTRINSICS[name](self, argument)
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value != NOTHING}

    def ref(self, name):
        return self.values.get(name, {"Ref": name})

    def fn_if(self, argument):
        condition, yes, no = argument
        return self.resolve(yes if self.condition(condition) else no)

    def fn_equals(self, argument):
        one, other = self.resolve(argument)
        return str(one) == str(other)

    def fn_not(self, argument):
        return not self.resolve(argument)[0]

    def fn_and(self, argument):
        return all(self.resolve(argument))

    def fn_or(self, argument):
        return any(self.resolve(argument))

    def fn_contains(self, argument):
        values, value = self.resolve(argument)
        return value in values

    def fn_join(self, argument):
        separator, parts = argument
        return separator.join(self.resolve(parts))

    def fn_select(self, argument):
        at, values = argument
        return self.resolve(values)[int(at)]

    def fn_split(self, argument):
        separator, text = argument
        return self.resolve(text).split(separator)

    def fn_getatt(self, argument):
        resource, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self.attribute(resource, attribute) or {"Fn::GetAtt": [resource, attribute]}

    def attribute(self, resource, attribute):
        properties = self.template["Resources"][resource].get("Properties", {})
        if attribute == "Value":
            return self.resolve(properties["Value"])
        if (resource, attribute) == ("Bucket", "Arn"):
            return "arn:aws:s3:::" + self.resolve(properties["BucketName"])
        return None

    def fn_sub(self, argument):
        text, given = argument if isinstance(argument, list) else (argument, {})
        given = self.resolve(given)

        def value(match):
            name = match.group(1)
            if name in given:
                known = given[name]
                return f"${{{known['Ref']}}}" if isinstance(known, dict) else known
            known = self.attribute(*name.split(".", 1)) if "." in name else self.values.get(name)
            return known if isinstance(known, str) else match.group(0)

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", value, text)

    INTRINSICS = {
        "Condition": condition,
        "Fn::And": fn_and,
        "Fn::Contains": fn_contains,
        "Fn::Equals": fn_equals,
        "Fn::GetAtt": fn_getatt,
        "Fn::If": fn_if,
        "Fn::Join": fn_join,
        "Fn::Not": fn_not,
        "Fn::Or": fn_or,
        "Fn::Select": fn_select,
        "Fn::Split": fn_split,
        "Fn::Sub": fn_sub,
        "Ref": ref,
    }


@functools.cache
def parsed(file):
    return yaml_parse((ROOT / file).read_text())


def transformed(file="template.yaml", parameters=None):
    """The template after SAM's transform, which looks at some parameters; all else as it stands."""
    source = copy.deepcopy(parsed(file))
    if "Transform" not in source:
        return json.loads(json.dumps(source))
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # Where `sam deploy` uploads the code to; the transform takes no paths.
            resource["Properties"]["CodeUri"] = "s3://artifacts/" + resource["Properties"]["CodeUri"]
    os.environ.setdefault("AWS_DEFAULT_REGION", PSEUDO["AWS::Region"])
    return json.loads(json.dumps(transform(source, parameters or {}, Policies())))


def for_the_emulator():
    """The template without what the emulator refuses: some types of resources, CodeDeploy, and alarms over several
    metrics; and without the condition on the key of an upload, because it does not know that header in policies and would
    take it for missing.
    """
    source = copy.deepcopy(parsed("template.yaml"))
    source["Resources"] = {
        name: one
        for name, one in source["Resources"].items()
        if one["Type"] not in UNKNOWN_TO_THE_EMULATOR and "Metrics" not in one.get("Properties", {})
    }
    for one in source["Resources"].values():
        one.get("Properties", {}).pop("DeploymentPreference", None)
    policy = source["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]
    policy["Statement"] = [one for one in policy["Statement"] if "NoOtherKey" not in str(one)]
    return yaml_dump(source)


def resolved(parameters, stack_name=PSEUDO["AWS::StackName"], file="template.yaml"):
    """A stack with these parameters: what it consists of, its outputs, and the rules for its parameters."""
    template = transformed(file, parameters)
    unknown = set(parameters) - set(template["Parameters"])
    if unknown:
        raise SystemExit(f"the template has no parameter {', '.join(sorted(unknown))}")
    resolver = Resolver(template, parameters, PSEUDO | {"AWS::StackName": stack_name})
    present = {
        name: resource
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.condition(resource["Condition"])
    }
    return {
        "Parameters": template["Parameters"],
        "Rules": resolver.resolve(template["Rules"]),
        "Resources": resolver.resolve(present),
        "Outputs": resolver.resolve(
            {
                name: output
                for name, output in template["Outputs"].items()
                if "Condition" not in output or resolver.condition(output["Condition"])
            }
        ),
    }


def answer(arguments):
    files = [argument for argument in arguments if "=" not in argument]
    pairs = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    return resolved(pairs, **({"file": files[0]} if files else {}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)
    else:
        json.dump(answer(sys.argv[1:]), sys.stdout, indent=2)
