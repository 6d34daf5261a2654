//! Every file is valid by its own schema, and passes its linter and the security scan.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::helm::{self, values};
use super::manifests::{output, rendered, tool};
use crate::harness::root;

/// Runs checkov, which fails on a finding that is not excused with a reason.
fn scan(framework: &str, file: &str) {
    let printed = output(Command::new(tool(".venv-scan", "checkov")).current_dir(root()).args([
        "--config-file",
        "deploy/.checkov.yaml",
        "--framework",
        framework,
        "--file",
        file,
    ]));
    assert!(printed.contains("Failed checks: 0"), "{file}: {printed}");
}

#[test]
fn the_dockerfile_is_sound() {
    output(
        Command::new(tool(".venv", "hadolint"))
            .args(["--failure-threshold", "info", "deploy/docker/Dockerfile"])
            .current_dir(root()),
    );
    scan("dockerfile", "deploy/docker/Dockerfile");
}

#[test]
fn the_compose_file_fits_its_schema() {
    output(
        Command::new(tool(".venv", "check-jsonschema"))
            .args(["--builtin-schema", "vendor.compose-spec", "deploy/docker/compose.yaml"])
            .current_dir(root()),
    );
}

/// These objects are valid ones of Kubernetes.
fn check_objects(rendered: &str) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rendered.yaml");
    fs::write(&file, rendered).unwrap();
    output(Command::new(tool(".venv", "kubernetes-validate")).arg("--strict").arg(&file));
    scan("kubernetes", file.to_str().unwrap());
}

#[test]
fn the_kubernetes_objects_fit_their_schemas() {
    check_objects(&rendered());
}

#[test]
fn the_chart_is_sound_with_few_values_and_with_many() {
    let directory = TempDir::new().unwrap();
    let many = directory.path().join("values.yaml");
    fs::write(&many, values::MUCH).unwrap();
    let many = ["--values", many.to_str().unwrap()];
    let rendered = [&[][..], &many].map(|options| {
        let mut lint = Command::new(tool(".venv-helm", "helm"));
        let said = output(lint.args(["lint", "--strict", "deploy/helm"]).args(options).current_dir(root()));
        assert!(said.contains("1 chart(s) linted, 0 chart(s) failed"), "{said}");
        helm::rendered(options)
    });
    check_objects(&rendered.concat());
}

#[test]
fn the_ecs_template_is_sound() {
    output(Command::new(tool(".venv-sam", "cfn-lint")).arg(root().join("deploy/ecs/template.yaml")));
    scan("cloudformation", "deploy/ecs/template.yaml");
}
