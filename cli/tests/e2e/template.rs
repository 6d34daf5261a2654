//! What `template.yaml` declares, transformed and resolved as CloudFormation would.

mod alarms;
mod api;
mod bucket;
mod deploying;
mod edge;
mod functions;
mod pipeline;
mod protection;
mod roles;
mod rollouts;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use crate::harness::root;
use crate::stack::python;

const BUCKET: &str = "arn:aws:s3:::design-analysis-000000000000-us-east-1";
const PREFIX: &str = "design-analysis";

/// Parameters that switch on all that is off by default.
const EVERYTHING: &[&str] = &[
    "AlarmEmail=ops@example.com",
    "MonthlyBudget=20",
    "Authorizer=JWT",
    "JwtIssuer=https://issuer.example",
    "JwtAudience=one",
    "DomainName=api.example.com",
    "CertificateArn=arn:aws:acm:eu-west-1:000000000000:certificate/1",
    "CloudFrontDomainName=analyses.example.com",
    "CloudFrontCertificateArn=arn:aws:acm:us-east-1:000000000000:certificate/2",
    "HostedZoneId=Z1",
    "Rollout=Canary10Percent5Minutes",
    "ObjectLockDays=30",
    "BackupDays=35",
    "ReplicaBucketArn=arn:aws:s3:::replica",
    "KmsKeyArn=arn:aws:kms:us-east-1:000000000000:key/1",
    "ReplicaKmsKeyArn=arn:aws:kms:eu-west-1:000000000000:key/2",
];

/// A process that resolves templates. It starts once, which takes longer than all of its work.
struct Resolver {
    _process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Resolver {
    fn start() -> Self {
        let mut python = python();
        let script = python.arg(root().join("deploy/cloud/template.py")).arg("--serve");
        let mut process =
            script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { _process: process, input, output: BufReader::new(output) }
    }

    fn ask(&mut self, arguments: &[&str]) -> Value {
        writeln!(self.input, "{}", serde_json::to_string(arguments).unwrap()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no template with {arguments:?}"))
    }
}

/// A template, and parameters, resolved.
fn resolved(arguments: &[&str]) -> Value {
    static RESOLVER: OnceLock<Mutex<Resolver>> = OnceLock::new();
    let resolver = RESOLVER.get_or_init(|| Mutex::new(Resolver::start()));
    resolver.lock().unwrap_or_else(PoisonError::into_inner).ask(arguments)
}

/// A stack with these parameters.
fn stack(parameters: &[&str]) -> Value {
    resolved(parameters)
}

/// The JSON that a command prints.
fn checked(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What AWS publishes of the template's types of resources.
fn schemas() -> &'static Value {
    static SCHEMAS: OnceLock<Value> = OnceLock::new();
    SCHEMAS.get_or_init(|| checked(python().arg(root().join("cli/tests/e2e/template/schemas.py"))))
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

/// The lifecycle rules of the bucket, by their ids.
pub(crate) fn rules(parameters: &[&str]) -> BTreeMap<String, Value> {
    let stack = stack(parameters);
    let rules = resources(&stack, "AWS::S3::Bucket")["Bucket"]["LifecycleConfiguration"]["Rules"].clone();
    rules.as_array().unwrap().iter().map(|rule| (text(&rule["Id"]).to_owned(), rule.clone())).collect()
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

/// Parameters that do not go together, and what is said of them.
const REFUSED: &[(&[&str], &str)] = &[
    (&["Authorizer=JWT", "JwtAudience=a"], "Authorizer=JWT needs JwtIssuer."),
    (&["Authorizer=JWT", "JwtIssuer=https://a.example"], "Authorizer=JWT needs JwtAudience."),
    (&["BucketName=one", "ExistingBucketName=two"], "Set BucketName or ExistingBucketName, not both."),
    (&["VpcId=vpc-1"], "VpcId needs RouteTableIds."),
    (&["MonthlyBudget=20"], "MonthlyBudget needs AlarmEmail."),
    (
        &["KmsKeyArn=arn:aws:kms:us-east-1:1:key/1", "ReplicaBucketArn=arn:aws:s3:::three"],
        "KmsKeyArn with ReplicaBucketArn needs ReplicaKmsKeyArn.",
    ),
    (&["DomainName=api.example.com"], "DomainName needs CertificateArn."),
    (
        &["CloudFrontDomainName=a.example.com", "Authorizer=NONE"],
        "CloudFrontDomainName needs CloudFrontCertificateArn.",
    ),
    (
        &[
            "CloudFrontDomainName=a.example.com",
            "CloudFrontCertificateArn=arn:aws:acm:us-east-1:1:certificate/2",
        ],
        "Requests signed for the API do not pass CloudFront, so CloudFrontDomainName needs Authorizer=JWT, or NONE.",
    ),
    (&["WebAclArn=arn:aws:wafv2:us-east-1:1:global/webacl/a/1"], "WebAclArn needs CloudFrontDomainName."),
    (
        &["ExistingBucketName=two", "ObjectLockDays=1"],
        "ObjectLockDays cannot be set on an ExistingBucketName.",
    ),
    (
        &["ExistingBucketName=two", "ReplicaBucketArn=arn:aws:s3:::three"],
        "ReplicaBucketArn cannot be set on an ExistingBucketName.",
    ),
];

#[test]
fn parameters_that_do_not_go_together_are_refused() {
    let refusals = |parameters: &[&str]| -> Vec<String> {
        let stack = stack(parameters);
        let rules = stack["Rules"].as_object().unwrap().values();
        let applied = rules.filter(|rule| rule["RuleCondition"] == true);
        let broken = applied.flat_map(|rule| rule["Assertions"].as_array().unwrap().clone());
        let broken = broken.filter(|assertion| assertion["Assert"] == false);
        broken.map(|assertion| text(&assertion["AssertDescription"]).to_owned()).collect()
    };
    for (parameters, refusal) in REFUSED {
        assert_eq!(refusals(parameters), [*refusal], "{parameters:?}");
    }
    for parameters in [
        &[][..],
        &["Authorizer=NONE", "BucketName=one"],
        &["Authorizer=JWT", "JwtIssuer=https://a.example", "JwtAudience=a,b", "ExistingBucketName=two"],
        &["VpcId=vpc-1", "RouteTableIds=rtb-1"],
    ] {
        assert_eq!(refusals(parameters), Vec::<String>::new(), "{parameters:?}");
    }
}
