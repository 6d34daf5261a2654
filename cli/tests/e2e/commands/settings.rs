//! `config`: what holds, and where it comes from.

use serde_json::Value;
use tempfile::TempDir;

use super::Place;

/// Value and source of a setting.
fn setting(config: &Value, name: &str) -> (Value, String) {
    let mut settings = config["settings"].as_array().unwrap().iter();
    let found =
        settings.find(|setting| setting["name"] == name).unwrap_or_else(|| panic!("{name}: {config}"));
    (found["value"].clone(), found["from"].as_str().unwrap().to_owned())
}

#[test]
fn each_setting_is_shown_with_its_source_and_no_secret() {
    let variables = [
        ("LOCAL_STORAGE_DIR", "/data/x"),
        ("AWS_REGION", "eu-west-1"),
        ("API_TOKEN", "s3cret"),
        ("MAX_DOCUMENT_BYTES", "64MiB"),
    ];
    let place = Place(&variables);
    let config = &place.run(&["config", "--json"]).json()[0];
    assert_eq!(config["store"], "/data/x");
    for (name, value, from) in [
        ("STORAGE_TYPE", "local".into(), "default"),
        ("LOCAL_STORAGE_DIR", "/data/x".into(), "LOCAL_STORAGE_DIR"),
        ("S3_BUCKET_NAME", Value::Null, "default"),
        ("S3_REGION", "eu-west-1".into(), "AWS_REGION"),
        ("MAX_DOCUMENT_BYTES", "64MiB".into(), "MAX_DOCUMENT_BYTES"),
        ("API_TOKEN", "***".into(), "API_TOKEN"),
    ] {
        assert_eq!(setting(config, name), (value, from.to_owned()), "{name}");
    }
    let table = place.run(&["config"]).text();
    assert!(table.starts_with("The store is /data/x\n\nSETTING"), "{table}");
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace();
    assert_eq!(row("API_TOKEN").collect::<Vec<_>>(), ["API_TOKEN", "***", "API_TOKEN"]);
    assert!(!table.contains("s3cret"));
}

#[test]
fn what_the_option_says_is_shown_as_its() {
    let place = Place(&[("S3_BUCKET_NAME", "other"), ("S3_PREFIX", "other")]);
    let config = &place.run(&["config", "--json", "--store", "s3://designs/team-a"]).json()[0];
    assert_eq!(config["store"], "s3://designs/team-a");
    for (name, value) in [("STORAGE_TYPE", "s3"), ("S3_BUCKET_NAME", "designs"), ("S3_PREFIX", "team-a")] {
        assert_eq!(setting(config, name), (value.into(), "--store".to_owned()), "{name}");
    }
    let config = &place.run(&["config", "--json", "--store", "s3://designs"]).json()[0];
    assert_eq!(setting(config, "S3_PREFIX"), ("design-analysis".into(), "--store".to_owned()));
    assert_eq!(config["store"], "s3://designs/design-analysis");
}

#[test]
fn a_wrong_setting_is_shown_above_its_error() {
    let directory = TempDir::new().unwrap();
    let store = directory.path().to_str().unwrap();
    let run = Place(&[("LOCAL_STORAGE_DIR", store), ("API_PORT", "high")]).run(&["config"]);
    run.assert_ends(2, "error: API_PORT=\"high\" is not a port");
    assert!(String::from_utf8(run.out).unwrap().contains("high"));
}
