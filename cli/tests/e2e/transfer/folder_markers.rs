//! Folder markers: the empty objects, named `.../`, by which consoles and some tools show folders.

use tempfile::TempDir;

use super::run;
use crate::harness::{Cloud, program};

const ONE: &str = r#"{"implementation":"hybrid","n":1}"#;

/// Makes every folder below the prefix visible, as a console does.
fn mark(cloud: &Cloud, prefix: &str) {
    for folder in [
        "",
        "analysis/",
        "analysis/2019/",
        "analysis/2019/05/",
        "analysis/2026/",
        "analysis/2026/01/",
        "analysis/empty/",
        "metadata/",
        "metadata/dirty/",
        "metadata/ids/",
        "metadata/index/",
        "metadata/index/82959/",
    ] {
        cloud.put_as_another_program(&format!("{prefix}/{folder}"), "", vec![]);
    }
}

#[test]
fn every_command_passes_folder_markers_over() {
    let (cloud, copy) = (Cloud::start(), TempDir::new().unwrap());
    let (variables, copy) = (cloud.variables(), copy.path().to_str().unwrap());
    mark(&cloud, "design-analysis");
    mark(&cloud, "old");
    for n in 1..=3 {
        let key = format!("old/analysis/2019/05/study-{n}.json");
        cloud.put_as_another_program(&key, ONE, vec![]);
    }
    let old = format!("s3://{}/old", cloud.bucket());
    run(&variables, &["import", "--from", &old]).assert_well(&[("created", 3)]);
    run(&variables, &["backup", "--to", copy]).assert_well(&[("copied", 3)]);
    run(&variables, &["verify", "--against", copy]).assert_well(&[("equal", 3)]);
    for arguments in [&["check", "--grace", "0", "--read-data"][..], &["repair"], &["stats"], &["list"]] {
        let output = program(&variables).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && !text.contains("/\n"), "{arguments:?}: {text}");
        assert!(!text.contains("repaired") && !text.contains("Misplaced"), "{arguments:?}: {text}");
    }
}
