//! `cost`: what a month on AWS costs.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Cloud, program, root};

/// How `cost` ends, what it prints and what it says.
fn cost(variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program(variables).arg("cost").args(arguments).output().unwrap();
    let [out, messages] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, messages)
}

fn json(variables: &[(&str, &str)], arguments: &[&str]) -> Value {
    let (code, out, messages) = cost(variables, &[&["--json"], arguments].concat());
    assert_eq!(code, Some(0), "{messages}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn the_documented_tables_are_what_the_command_prints() {
    let document = fs::read_to_string(root().join("docs/cost.md")).unwrap();
    let command = document
        .lines()
        .find_map(|line| line.strip_prefix("cargo run --locked --quiet -p design-analysis -- cost "));
    let arguments: Vec<&str> = command.unwrap().split(' ').collect();
    let (code, out, messages) = cost(&[], &arguments);
    assert_eq!(code, Some(0), "{messages}");
    assert!(
        out.contains("| Total |") && document.contains(&out),
        "docs/cost.md is not the output of its command: {out}"
    );
}

/// In units of 10^-10 dollars.
fn units(usd: &Value) -> u64 {
    let (whole, fraction) = usd.as_str().unwrap().split_once('.').unwrap_or((usd.as_str().unwrap(), "0"));
    format!("{whole}{fraction:0<10}").parse().unwrap()
}

#[test]
fn parts_of_the_json_sum_to_the_total() {
    let report = json(
        &[],
        &["--analyses", "7,123456", "--average-size", "1.5MB", "--ids", "named", "--deletes", "12"],
    );
    let estimates = report["estimates"].as_array().unwrap();
    assert_eq!(estimates.len(), 2);
    for estimate in estimates {
        let parts = estimate["parts"].as_array().unwrap();
        assert_eq!(parts.iter().map(|part| units(&part["usd"])).sum::<u64>(), units(&estimate["total_usd"]));
        assert_eq!(estimate["average_size"], 1_572_864);
    }
    assert_eq!((&report["region"], &report["currency"]), (&"us-east-1".into(), &"USD".into()));
}

#[test]
fn what_is_stored_is_estimated() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    let nothing = &json(&variables, &[])["estimates"][0];
    assert_eq!(nothing["analyses"], 0);
    let of_documents =
        nothing["parts"].as_array().unwrap().iter().filter(|part| part["service"] == "S3 storage");
    assert!(of_documents.clone().count() == 4 && of_documents.into_iter().all(|part| part["usd"] == "0"));
    for (n, document) in ["{}", "{ \"n\": 12 }"].iter().enumerate() {
        let file = directory.path().join(format!("{n}.json"));
        fs::write(&file, document).unwrap();
        assert!(program(&variables).arg("save").arg(&file).output().unwrap().status.success());
    }
    let estimate = &json(&variables, &["--loads", "5"])["estimates"][0];
    for (field, expected) in
        [("analyses", 2), ("average_size", 7), ("spread_days", 30), ("saves", 3), ("loads", 5)]
    {
        assert_eq!(estimate[field], expected, "{field}: {estimate}");
    }
}

#[test]
fn the_region_is_that_of_the_bucket_unless_one_is_named() {
    let cloud = Cloud::start();
    assert_eq!(json(&cloud.variables(), &[])["region"], "us-east-1");
    let named = json(&cloud.variables(), &["--region", "eu-west-1", "--analyses", "1"]);
    assert_eq!((&named["region"], &named["estimates"][0]["analyses"]), (&"eu-west-1".into(), &1.into()));
}

#[test]
fn other_prices_can_be_given() {
    let directory = TempDir::new().unwrap();
    let built_in = fs::read_to_string(root().join("cli/src/cost/prices.json")).unwrap();
    let own = directory.path().join("own.json");
    let own_name = own.to_str().unwrap();
    fs::write(&own, built_in.replace("eu-west-1", "mars-1").replace("\"0.0125\"", "\"0.5\"")).unwrap();
    let report = json(&[], &["--analyses", "1", "--region", "mars-1", "--prices", own_name]);
    assert_eq!((&report["region"], &report["moving_pays_from_size"]), (&"mars-1".into(), &Value::Null));

    for (broken, message) in [
        ("{".to_owned(), "own.json is not a price table: EOF"),
        (built_in.replace("thousand_puts", "puts"), "own.json is not a price table: unknown field `puts`"),
        (built_in.replace("0.0125", "-1"), "own.json is not a price table: -1 is not a price"),
        (built_in.replace("0.0125", "free"), "own.json is not a price table: "),
    ] {
        fs::write(&own, broken).unwrap();
        let (code, _, messages) = cost(&[], &["--analyses", "1", "--prices", own_name]);
        assert!(code == Some(2) && messages.contains(message), "{message}: {messages}");
    }
    fs::remove_file(&own).unwrap();
    let (code, _, messages) = cost(&[], &["--analyses", "1", "--prices", own_name]);
    assert!(code == Some(2) && messages.contains("caused by: No such file"), "{messages}");
}

#[test]
fn what_cannot_be_estimated_is_refused() {
    for (arguments, message) in [
        (
            &["--analyses", "1", "--region", "mars-1"][..],
            "no prices of region \"mars-1\", only of eu-west-1, us-east-1",
        ),
        (&["--analyses", "many"], "invalid value 'many'"),
        (&["--analyses", "1000000000001"], "invalid value"),
        (&["--analyses", "1", "--average-size", "big"], "\"big\" is not a size such as 2048, 50KB"),
        (&["--average-size", "50KB"], "--analyses"),
        (
            &["--analyses", "1", "--glacier-after", "60", "--ia-after", "40"],
            "error: --glacier-after must be 30 days",
        ),
        (&["--analyses", "1", "--expire-after", "150"], "error: --expire-after must be 90 days"),
        (&["--analyses", "1", "--json", "--markdown"], "cannot be used with"),
    ] {
        let (code, out, messages) = cost(&[], arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(messages.contains(message), "{message}: {messages}");
    }
}
