//! The program runs with exactly what each manifest gives it, and the server's policy is enough.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use analysis_storage::testing::ministack::Ministack;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use tempfile::TempDir;

use super::dockerfile::Image;
use super::manifests::{self, Container, TOKEN, of_kind, output, strings, tool, variables};
use super::policy::{document, of_task};
use super::sandbox::{Root, alone, own};
use super::setting::{DOCUMENT, Setting, signal};
use crate::harness::until;
use crate::suite::{Deployment, Front};

const ON_S3: Deployment =
    Deployment { versions: true, storage_type: "s3", front: Front::None, max_document_bytes: 32 << 20 };

#[test]
fn the_image_alone_serves_files_in_a_volume() {
    alone("containers::runs::the_image_alone_serves_files_in_a_volume", || {
        let image = Image::read();
        let (root, volume) = (Root::new(&image), TempDir::new().unwrap());
        own(volume.path(), &image.user);
        let container = Container::of_docker(&image);
        let volumes = [(volume.path(), "/data")];
        let setting =
            Setting { root: &root, image: &image, container: &container, platform: &[], volumes: &volumes };
        setting.check(Deployment { versions: false, storage_type: "local", ..ON_S3 });
    });
}

/// The store of the Compose file, with its volume in this directory.
struct Store {
    process: Child,
}

impl Store {
    fn start(compose: &Value, volume: &Path) -> Self {
        let service = &compose["services"]["s3"];
        assert_eq!(service["volumes"], serde_json::json!(["s3:/data"]));
        let inside = |value: String| match value.strip_prefix("/data") {
            Some(rest) => format!("{}{rest}", volume.display()),
            None => value,
        };
        let environment =
            variables(&service["environment"]).into_iter().map(|(name, value)| (name, inside(value)));
        let process = Command::new(tool(".venv", "ministack")).env_clear().envs(environment).spawn().unwrap();
        let check = strings(&service["healthcheck"]["test"]);
        assert_eq!(check[..2], ["CMD", "python"]);
        let healthy =
            || Command::new(tool(".venv", "python")).args(&check[2..]).output().unwrap().status.success();
        until(healthy);
        Self { process }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        signal("TERM", self.process.id());
        self.process.wait().unwrap();
    }
}

/// Runs what makes the bucket, as the Compose file has it.
fn make_bucket(compose: &Value) {
    let service = &compose["services"]["bucket"];
    let words = [strings(&service["entrypoint"]), strings(&service["command"])].concat();
    let path = format!("{}:/usr/bin:/bin", tool(".venv", "aws").parent().unwrap().display());
    output(
        Command::new(&words[0])
            .args(&words[1..])
            .env_clear()
            .envs(variables(&service["environment"]))
            .env("PATH", path),
    );
}

#[test]
fn the_compose_file_serves_from_its_store_and_keeps_what_was_saved() {
    alone("containers::runs::the_compose_file_serves_from_its_store_and_keeps_what_was_saved", || {
        let (image, compose) = (Image::read(), manifests::compose());
        let (root, volume) = (Root::new(&image), TempDir::new().unwrap());
        // The name of the store, for the commands outside of the container.
        output(Command::new("mount").arg("--bind").arg(root.path().join("etc/hosts")).arg("/etc/hosts"));
        let store = Store::start(&compose, volume.path());
        make_bucket(&compose);
        make_bucket(&compose);
        let container = Container::of_compose(&image);
        let setting =
            Setting { root: &root, image: &image, container: &container, platform: &[], volumes: &[] };
        setting.check(ON_S3);

        drop(store);
        let _store = Store::start(&compose, volume.path());
        make_bucket(&compose);
        let _running = setting.start();
        assert_eq!(setting.client().with_token(TOKEN).get("/analyses/in-flight").body, DOCUMENT.as_bytes());
    });
}

/// A versioned bucket in an emulator that asks IAM.
fn bucket(ministack: &Ministack, name: &str, region: &str) {
    let aws = |arguments: &[&str]| {
        let environment = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_DEFAULT_REGION", region),
            ("AWS_ENDPOINT_URL", &ministack.endpoint()),
        ];
        output(Command::new(tool(".venv", "aws")).args(arguments).envs(environment));
    };
    aws(&["s3", "mb", &format!("s3://{name}")]);
    let versioning =
        ["s3api", "put-bucket-versioning", "--versioning-configuration", "Status=Enabled", "--bucket"];
    aws(&[&versioning[..], &[name]].concat());
}

/// What EKS mounts and sets for a pod whose service account names a role.
#[test]
fn kubernetes_serves_with_the_role_of_its_service_account() {
    alone("containers::runs::kubernetes_serves_with_the_role_of_its_service_account", || {
        const PROVIDER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
        let (image, objects) = (Image::read(), manifests::kubernetes());
        let container = Container::of_kubernetes(&image, &objects);
        let ministack = Ministack::start_with(true);
        let config = variables(&of_kind(&objects, "ConfigMap")["data"]);
        bucket(&ministack, &config["S3_BUCKET_NAME"], &config["S3_REGION"]);
        let words = [("BUCKET", config["S3_BUCKET_NAME"].as_str()), ("PREFIX", &config["S3_PREFIX"])];
        let trust =
            document("kubernetes/trust-policy.json", &[("ACCOUNT", "000000000000"), ("OIDC", PROVIDER)]);
        let role = ministack.role("design-analysis", &trust, &document("iam-policy.json", &words));

        let (root, secrets) = (Root::new(&image), TempDir::new().unwrap());
        own(secrets.path(), &image.user);
        let claims = format!(
            r#"{{"iss":"https://{PROVIDER}","aud":"sts.amazonaws.com","sub":"system:serviceaccount:design-analysis:design-analysis"}}"#
        );
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let token = [part(r#"{"alg":"RS256"}"#), part(&claims), part("signature")].join(".");
        fs::write(secrets.path().join("token"), token).unwrap();
        let platform = [
            ("AWS_ROLE_ARN", role.as_str()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/token/token"),
            ("AWS_REGION", &config["S3_REGION"]),
            ("AWS_ENDPOINT_URL", &ministack.endpoint()),
        ];
        let volumes = [(secrets.path(), "/var/run/secrets/token")];
        let setting = Setting {
            root: &root,
            image: &image,
            container: &container,
            platform: &platform,
            volumes: &volumes,
        };
        setting.check(ON_S3);
    });
}

#[test]
fn ecs_serves_with_the_policy_of_its_task_role() {
    alone("containers::runs::ecs_serves_with_the_policy_of_its_task_role", || {
        let (image, ministack) = (Image::read(), Ministack::start_with(true));
        let (name, prefix) = ("my-analyses", "team/a");
        bucket(&ministack, name, "us-east-1");
        let (id, secret) = ministack.user("task", &of_task(name, prefix).to_string());
        let parameters = [
            ("ImageUri", "image"),
            ("BucketName", name),
            ("S3Prefix", prefix),
            ("RetentionDays", "0"),
            ("AWS::Region", "us-east-1"),
            ("Logs", "logs"),
            ("Token", "token"),
        ];
        let container = Container::of_ecs(&image, &parameters);
        let platform = [
            ("AWS_ACCESS_KEY_ID", id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", &secret),
            ("AWS_ENDPOINT_URL", &ministack.endpoint()),
        ];
        let root = Root::new(&image);
        let setting =
            Setting { root: &root, image: &image, container: &container, platform: &platform, volumes: &[] };
        setting.check(ON_S3);
    });
}
