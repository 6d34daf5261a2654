"""What AWS publishes of each type of resource in template.yaml, from cfn-lint's copy, as JSON.

`permissions` are what CloudFormation needs for the type; `references` the attributes of other resources in properties
whose change replaces the resource.
"""

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "deploy/cloud"))

import template
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER


def schema(kind):
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema


def permissions(kind):
    handlers = schema(kind)["handlers"]
    needed = (handlers.get(name, {}).get("permissions") or [] for name in ("create", "read", "update", "delete"))
    return sorted({action for actions in needed for action in actions})


def attributes(node):
    """Those that a value takes from other resources, whose value is known only when these are there."""
    if isinstance(node, list):
        return [found for item in node for found in attributes(item)]
    if not isinstance(node, dict):
        return []
    found = [node["Fn::GetAtt"]] if "Fn::GetAtt" in node else []
    text = node.get("Fn::Sub")
    text = text[0] if isinstance(text, list) else text
    found += re.findall(r"\$\{([A-Za-z0-9]+\.[A-Za-z0-9.]+)\}", text or "")
    return found + [inner for value in node.values() for inner in attributes(value)]


def replacing(resource):
    for pointer in schema(resource["Type"]).get("createOnlyProperties", []):
        value = resource.get("Properties", {})
        for name in pointer.split("/")[2:]:
            value = value.get(name, {}) if isinstance(value, dict) else {}
        for found in attributes(value):
            yield pointer, found


if __name__ == "__main__":
    # With what there is only where requests move slowly.
    resources = template.transformed(parameters={"Rollout": "Canary10Percent5Minutes"})["Resources"]
    kinds = sorted({resource["Type"] for resource in resources.values()})
    references = [
        [name, pointer, found] for name, resource in resources.items() for pointer, found in replacing(resource)
    ]
    json.dump({"permissions": {kind: permissions(kind) for kind in kinds}, "references": references}, sys.stdout)
