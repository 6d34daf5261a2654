//! The stack of `template.yaml`, deployed by `make cloud`'s own script to an AWS on this machine that enforces IAM.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::signer::{Keys, Signer};
use crate::harness::{Client, TEST_FEATURES, root, without_cargo};

/// The Python of the tools that deploy the template.
pub(crate) fn python() -> Command {
    let python = root().join(".venv-sam/bin/python");
    assert!(python.exists(), "{} is missing; run `make setup`", python.display());
    Command::new(python)
}

/// One deployed stack, and the emulator it lives in; both end with this process.
pub(crate) struct Stack {
    /// Ends when its standard input does.
    _script: Child,
    variables: BTreeMap<String, String>,
    certificate: Vec<u8>,
}

impl Stack {
    /// The one that the tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Stack> = OnceLock::new();
        SHARED.get_or_init(Self::deploy)
    }

    fn deploy() -> Self {
        let mut script = without_cargo(&mut python())
            .arg("-u")
            .arg(root().join("deploy/cloud/cloud.py"))
            .args(["--port", "0", "--end-with-stdin", "--features", TEST_FEATURES])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Somebody must read both, or the script would block on a full pipe.
        let mut errors = script.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            text
        });
        let mut output = BufReader::new(script.stdout.take().unwrap());
        let mut text = String::new();
        while !text.contains("Ctrl-C ends it") && output.read_line(&mut text).unwrap() > 0 {}
        let is_deployed = text.contains("Ctrl-C ends it");
        assert!(is_deployed, "the stack is not deployed:\n{text}\n{}", errors.join().unwrap());
        let exports = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let variables: BTreeMap<_, _> =
            exports.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let certificate = fs::read(&variables["CURL_CA_BUNDLE"]).unwrap();
        Self { _script: script, variables, certificate }
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.variables["BUCKET"]
    }

    /// The name that the API answers to.
    pub(crate) fn api_host(&self) -> &str {
        self.variables["API_URL"].strip_prefix("https://").unwrap()
    }

    /// A client that signs nothing.
    pub(crate) fn stranger(&self) -> Client {
        Client::trusting(&self.variables["AWS_ENDPOINT_URL"], &self.certificate)
    }

    /// A client of the API as the user that may call it.
    pub(crate) fn caller(&self) -> Client {
        let of = |name: &str| self.variables[name].clone();
        let keys =
            Keys { access_key_id: of("AWS_ACCESS_KEY_ID"), secret_access_key: of("AWS_SECRET_ACCESS_KEY") };
        self.caller_with(&keys)
    }

    /// A client of the API with these keys.
    pub(crate) fn caller_with(&self, keys: &Keys) -> Client {
        self.signed(keys, "execute-api", self.api_host())
    }

    /// A client of a service of AWS.
    pub(crate) fn aws(&self, service: &'static str, keys: &Keys) -> Client {
        self.signed(keys, service, self.variables["AWS_ENDPOINT_URL"].strip_prefix("https://").unwrap())
    }

    fn signed(&self, keys: &Keys, service: &'static str, host: &str) -> Client {
        self.stranger().signed_by(Signer::new(keys, &self.variables["AWS_DEFAULT_REGION"], service, host))
    }

    /// A new IAM user who has this policy and no other.
    pub(crate) fn user(&self, policy: &str) -> Keys {
        static USERS: AtomicU32 = AtomicU32::new(0);
        let name = format!("user-{}", USERS.fetch_add(1, Ordering::Relaxed));
        self.query("iam", &[("Action", "CreateUser"), ("UserName", &name)]);
        let put = [("Action", "PutUserPolicy"), ("UserName", &name), ("PolicyName", "only")];
        self.query("iam", &[&put[..], &[("PolicyDocument", policy)]].concat());
        let created = self.query("iam", &[("Action", "CreateAccessKey"), ("UserName", &name)]);
        Keys {
            access_key_id: element(&created, "AccessKeyId").to_owned(),
            secret_access_key: element(&created, "SecretAccessKey").to_owned(),
        }
    }

    /// The policy of a role of the stack, as IAM has it.
    pub(crate) fn role_policy(&self, role: &str, policy: &str) -> String {
        let name = self.resource(role);
        let query = [("Action", "GetRolePolicy"), ("RoleName", name.as_str()), ("PolicyName", policy)];
        percent_decoded(element(&self.query("iam", &query), "PolicyDocument"))
    }

    /// The physical name of a resource of the template.
    pub(crate) fn resource(&self, logical: &str) -> String {
        let query = [
            ("Action", "DescribeStackResource"),
            ("StackName", &self.variables["STACK"]),
            ("LogicalResourceId", logical),
        ];
        element(&self.query("cloudformation", &query), "PhysicalResourceId").to_owned()
    }

    /// Calls an AWS service that speaks the query protocol, as root.
    fn query(&self, service: &'static str, parameters: &[(&str, &str)]) -> String {
        let version = if service == "iam" { "2010-05-08" } else { "2010-05-15" };
        let version = [("Version", version)];
        let pairs = parameters.iter().chain(&version);
        let body: Vec<String> =
            pairs.map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.aws(service, &root_keys()).send("POST", "/", &form, body.join("&").as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        String::from_utf8(answer.body).unwrap()
    }
}

/// Of the emulator's own account, whose permissions it does not check.
pub(crate) fn root_keys() -> Keys {
    Keys { access_key_id: "test".into(), secret_access_key: "test".into() }
}

fn percent_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// The text of the first such element.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let rest = xml.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split_once('<')).map_or_else(|| panic!("no {name} in {xml}"), |(text, _)| text)
}
