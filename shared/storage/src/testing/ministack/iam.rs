//! Users and roles of an emulator that was started with `auth`, each with one policy.

use std::fmt::Write as _;

use super::{ACCESS_KEY_ID, Ministack, REGION, exchange};
use crate::bucket::s3::S3Bucket;

impl Ministack {
    /// A bucket as a new IAM user sees it who has this policy and no other.
    ///
    /// # Panics
    /// If the user cannot be created.
    #[must_use]
    pub fn bucket_as(&self, bucket: &str, user: &str, policy: &str) -> S3Bucket {
        let (id, secret) = self.user(user, policy);
        S3Bucket::with_credentials(&self.settings(bucket), &id, &secret)
    }

    /// The access key, id and secret, of a new IAM user who has this policy and no other.
    ///
    /// # Panics
    /// If the user cannot be created.
    #[must_use]
    pub fn user(&self, user: &str, policy: &str) -> (String, String) {
        self.iam(&[("Action", "CreateUser"), ("UserName", user)]);
        let policy = [("PolicyName", "only"), ("PolicyDocument", policy)];
        self.iam(&[&[("Action", "PutUserPolicy"), ("UserName", user)], &policy[..]].concat());
        let key = self.iam(&[("Action", "CreateAccessKey"), ("UserName", user)]);
        (element(&key, "AccessKeyId").to_owned(), element(&key, "SecretAccessKey").to_owned())
    }

    /// The ARN of a new IAM role that whom `trust` names may assume, and that has this policy and no other.
    ///
    /// # Panics
    /// If the role cannot be created.
    #[must_use]
    pub fn role(&self, role: &str, trust: &str, policy: &str) -> String {
        let trust = [("RoleName", role), ("AssumeRolePolicyDocument", trust)];
        let created = self.iam(&[&[("Action", "CreateRole")], &trust[..]].concat());
        let policy = [("RoleName", role), ("PolicyName", "only"), ("PolicyDocument", policy)];
        self.iam(&[&[("Action", "PutRolePolicy")], &policy[..]].concat());
        element(&created, "Arn").to_owned()
    }

    /// Calls IAM as root, whose signature the emulator does not check.
    fn iam(&self, parameters: &[(&str, &str)]) -> String {
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", percent_encoded(value));
        let parameters: Vec<String> =
            parameters.iter().chain(&[("Version", "2010-05-08")]).map(pair).collect();
        let body = parameters.join("&");
        let head = format!(
            "POST / HTTP/1.1\r\nHost: iam.amazonaws.com\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20260101/{REGION}/iam/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n",
            body.len()
        );
        let answer = exchange(self.port, &(head + &body)).expect("IAM answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        write!(encoded, "%{byte:02X}").expect("a string takes text");
        encoded
    })
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let rest = xml.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split_once('<')).map(|(text, _)| text).expect("IAM gives what it created")
}
