"""A whole cloud on this machine: the stack of template.yaml, deployed by SAM to an emulator that enforces IAM.

`make cloud` runs this. It prints the address of the API and the keys of a caller who may use it, and ends with Ctrl-C.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
import lifecycle
import stages
import template

ROOT = Path(__file__).resolve().parents[2]
EMULATORS = ROOT / ".venv/bin"
SAM = Path(sys.executable).with_name("sam")
REGION = template.PSEUDO["AWS::Region"]
# The emulator's own account: it does not check this one's permissions.
ROOT_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# For the emulator to start, and to end.
PATIENCE_SECONDS = 60


def main():
    options = arguments()
    check_tools()
    directory = Path(tempfile.mkdtemp(prefix="design-analysis-cloud-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    emulator = None
    try:
        lay_out({} if options.no_build else build(options.profile, options.features), directory)
        certificate = make_certificate(directory)
        emulator = Emulator(directory, certificate, options.port)
        emulator.wait()
        given = dict(pair.split("=", 1) for pair in options.parameters)
        deploy(emulator, directory, options.stage, given)
        stage = stages.read(options.stage)
        complete(emulator, stage["stack_name"], stage["parameter_overrides"] | given)
        announce(emulator, stage["stack_name"])
        if options.end_with_stdin:
            sys.stdin.read()
        else:
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        if emulator:
            emulator.stop()
        shutil.rmtree(directory, ignore_errors=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="parameters, over those of the stage")
    parser.add_argument("--stage", default="dev", help="section of samconfig.toml")
    parser.add_argument("--port", type=int, default=4566, help="of the emulator; 0 takes a free one")
    parser.add_argument("--profile", default="dev", help="Cargo profile to build the functions with")
    parser.add_argument("--features", default="", help="Cargo features to build the functions with")
    parser.add_argument("--no-build", action="store_true", help="deploy what `make build` has left in target/lambda")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input does")
    options = parser.parse_args()
    if wrong := [pair for pair in options.parameters if "=" not in pair]:
        parser.error(f"{wrong[0]!r} is not NAME=VALUE")
    return options


def check_tools():
    if platform.system() != "Linux":
        sys.exit("the emulator runs the functions' Linux binaries as they are: use Linux, or a virtual machine with it")
    needed = [EMULATORS / "ministack", SAM]
    if missing := [str(tool) for tool in needed if not tool.exists()]:
        sys.exit(f"missing: {', '.join(missing)}; run `make setup`")
    for tool, package in [("openssl", "openssl"), ("strip", "binutils")]:
        if not shutil.which(tool):
            sys.exit(f"missing: {tool}; install it (Debian: apt-get install {package})")


def build(profile, features):
    """For this machine, which runs them: the functions' paths by their names."""
    # Of the whole workspace, so that dependencies have the features that they have in every other build.
    command = ["cargo", "build", "--locked", "--workspace"]
    command += [f"--bin={function.name}" for function in sorted((ROOT / "functions").iterdir())]
    command += ["--profile", profile, "--features", features, "--message-format", "json-render-diagnostics"]
    messages = map(json.loads, run(command, stdout=subprocess.PIPE).stdout.splitlines())
    return {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}


def lay_out(functions, directory):
    """Puts the template, and the functions where it looks for them, into the directory: those of `make build` without
    others.
    """
    (directory / "template.yaml").write_text(template.for_the_emulator())
    if not functions:
        (directory / "target").symlink_to(ROOT / "target")
    for name, executable in functions.items():
        bootstrap = directory / "target/lambda" / name / "bootstrap"
        bootstrap.parent.mkdir(parents=True)
        # Symbols would be most of what is zipped, sent and unpacked.
        run(["strip", "-o", str(bootstrap), executable])


def make_certificate(directory):
    """TLS as in the cloud, because the bucket takes nothing else."""
    names = "DNS:localhost,DNS:*.execute-api.localhost,IP:127.0.0.1"
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"]
    extensions = [f"subjectAltName={names}", "basicConstraints=critical,CA:FALSE"]
    for extension in extensions:
        command += ["-addext", extension]
    run(command + ["-keyout", str(key), "-out", str(certificate)], stderr=subprocess.DEVNULL)
    return certificate


class Emulator:
    """MiniStack, for as long as this process lives."""

    def __init__(self, directory, certificate, port):
        self.certificate = certificate
        self.port = port or free_port()
        self.url = f"https://localhost:{self.port}"
        self.log = directory / "emulator.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(certificate),
            "MINISTACK_SSL_KEY": str(certificate.with_name("key.pem")),
            "TMPDIR": str(directory),
            "LOG_LEVEL": "INFO",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
            # Functions inherit these: where S3 is, and whom to trust for it.
            "AWS_ENDPOINT_URL": self.url,
            "SSL_CERT_FILE": str(certificate),
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [EMULATORS / "python", ROOT / "deploy/cloud/emulator.py", EMULATORS / "ministack"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C is for this process, which then ends the emulator.
                start_new_session=True,
            )

    def wait(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"the emulator does not start:\n{self.log.read_text()[-4000:]}")
                time.sleep(0.1)

    def environment(self):
        """For programs that work on it with all permissions."""
        return ROOT_KEYS | {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.certificate),
            "SAM_CLI_TELEMETRY": "0",
        }

    def client(self, service):
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            verify=str(self.certificate),
            aws_access_key_id=ROOT_KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ROOT_KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE_SECONDS)


def deploy(emulator, source, stage, given):
    """As `make deploy` does, without the question that a stage may ask."""
    command = [SAM, "deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", stage]
    command += ["--template-file", str(source / "template.yaml"), "--no-confirm-changeset"]
    if given:
        # The command line replaces all of the stage's.
        command += ["--parameter-overrides", *stages.quoted(stages.read(stage)["parameter_overrides"] | given)]
    run(command, env=os.environ | emulator.environment())


def complete(emulator, stack_name, parameters):
    """What the emulator leaves out when it creates the stack."""
    bucket = template.resolved(parameters, stack_name)["Resources"].get("Bucket")
    if bucket:
        rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        emulator.client("s3").put_bucket_lifecycle_configuration(
            Bucket=bucket["Properties"]["BucketName"],
            LifecycleConfiguration={"Rules": [lifecycle.as_the_api_spells_it(rule) for rule in rules]},
        )


def announce(emulator, stack_name):
    """Prints what a caller needs, in the words of a shell."""
    stack = emulator.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    keys = caller(emulator.client("iam"), outputs["InvokeArn"])
    api = outputs["InvokeArn"].split(":")[-1].split("/")[0]
    variables = {
        "API_URL": f"https://{api}.execute-api.localhost:{emulator.port}",
        "BUCKET": outputs["BucketName"],
        "STACK": stack_name,
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CA_BUNDLE": emulator.certificate,
        "CURL_CA_BUNDLE": emulator.certificate,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
    }
    print("\nThe API is deployed. In a second terminal:\n")
    for name, value in variables.items():
        print(f"export {name}={value}")
    print(
        '\ncurl "$API_URL/stats" --aws-sigv4 "aws:amz:$AWS_DEFAULT_REGION:execute-api" '
        '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"\n'
        f"\nThe emulator's log: {emulator.log}\nCtrl-C ends it, and nothing of it stays.",
        flush=True,
    )


def caller(iam, resource):
    """A user who may call the API, and nothing else."""
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_user(UserName="caller")
    iam.put_user_policy(UserName="caller", PolicyName="invoke", PolicyDocument=policy)
    return iam.create_access_key(UserName="caller")["AccessKey"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run(command, **options):
    result = subprocess.run(command, cwd=ROOT, check=False, **options)
    if result.returncode:
        sys.exit(f"`{' '.join(map(str, command))}` has failed ({result.returncode})")
    return result


if __name__ == "__main__":
    main()
