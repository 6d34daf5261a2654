//! What `template.yaml` declares, transformed and resolved as CloudFormation would.

mod alarms;
mod api;
mod bucket;
mod functions;
mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::OnceLock;

use serde_json::Value;

use crate::common::root;
use crate::stack::python;

const BUCKET: &str = "arn:aws:s3:::design-analysis-000000000000-us-east-1";
const PREFIX: &str = "design-analysis";

/// A stack with these parameters.
fn stack(parameters: &[&str]) -> Value {
    let output = python().arg(root().join("deploy/cloud/template.py")).args(parameters).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A stack with no parameter set.
fn defaults() -> &'static Value {
    static DEFAULTS: OnceLock<Value> = OnceLock::new();
    DEFAULTS.get_or_init(|| stack(&[]))
}

/// The properties of each resource of a type, by name.
fn resources<'a>(stack: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let all = stack["Resources"].as_object().unwrap();
    let of_kind = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.as_str(), &resource["Properties"])).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// One or several, as policies have it.
fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().map_or_else(|| [text(value)].into(), |all| all.iter().map(text).collect())
}

#[test]
fn a_gateway_endpoint_to_s3_is_made_where_asked_for() {
    assert!(resources(defaults(), "AWS::EC2::VPCEndpoint").is_empty());
    let stack = stack(&["VpcId=vpc-1", "RouteTableIds=rtb-1,rtb-2"]);
    let endpoint = resources(&stack, "AWS::EC2::VPCEndpoint")["S3Endpoint"];
    assert_eq!(
        (&endpoint["VpcEndpointType"], &endpoint["ServiceName"]),
        (&"Gateway".into(), &"com.amazonaws.us-east-1.s3".into())
    );
    assert_eq!(
        (&endpoint["VpcId"], texts(&endpoint["RouteTableIds"])),
        (&"vpc-1".into(), ["rtb-1", "rtb-2"].into())
    );
}

#[test]
fn the_environments_of_samconfig_set_parameters_that_exist() {
    let config = fs::read_to_string(root().join("samconfig.toml")).unwrap();
    for environment in ["[dev.deploy.parameters]", "[prod.deploy.parameters]"] {
        assert!(config.contains(environment));
    }
    let parameters = defaults()["Parameters"].as_object().unwrap();
    let set: Vec<&str> = config
        .split("parameter_overrides = [")
        .skip(1)
        .flat_map(|rest| rest.split_once(']').unwrap().0.split('"').skip(1).step_by(2))
        .collect();
    assert!(set.len() > 4, "{set:?}");
    for pair in set {
        let (name, _) = pair.split_once('=').unwrap();
        assert!(parameters.contains_key(name), "{name}");
    }
}
