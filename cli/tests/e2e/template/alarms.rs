//! Alarms and dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{defaults, resources, stack, text};
use crate::privileges::{FUNCTIONS, Function};

#[test]
fn each_function_and_the_api_have_alarms() {
    let alarms = resources(defaults(), "AWS::CloudWatch::Alarm");
    let mut expected = BTreeSet::from([
        ("AWS/ApiGateway", "5xx", "Sum", "Api".to_owned()),
        ("AWS/ApiGateway", "Latency", "p99", "Api".to_owned()),
        ("design-analysis", "UnfinishedRepairs", "Sum", String::new()),
    ]);
    for Function { resource, name, .. } in FUNCTIONS {
        expected.insert(("AWS/Lambda", "Errors", "Sum", format!("{resource}Function")));
        // A repair that is throttled is tried again.
        if name != "repair" {
            expected.insert(("AWS/Lambda", "Throttles", "Sum", format!("{resource}Function")));
        }
    }
    let found = alarms.values().map(|alarm| {
        let statistic = alarm["Statistic"].as_str().or(alarm["ExtendedStatistic"].as_str()).unwrap();
        let of = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap_or_default().to_owned();
        (text(&alarm["Namespace"]), text(&alarm["MetricName"]), statistic, of)
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn they_are_raised_by_the_first_failure_and_not_by_silence() {
    for (name, alarm) in resources(defaults(), "AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{name}");
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
        let threshold = if name == "LatencyAlarm" { json!("3000") } else { json!(0) };
        assert_eq!(alarm["Threshold"], threshold, "{name}");
        assert!(alarm["AlarmActions"].is_null() && alarm["OKActions"].is_null(), "{name}");
    }
    let filter = resources(defaults(), "AWS::Logs::MetricFilter")["UnfinishedRepairs"];
    assert_eq!(filter["FilterPattern"], "{ $.late IS TRUE }");
    assert_eq!(filter["LogGroupName"], json!({ "Ref": "RepairLogs" }));
}

#[test]
fn they_are_sent_to_an_address_if_there_is_one() {
    let stack = stack(&["AlarmEmail=ops@example.com"]);
    let topic = resources(&stack, "AWS::SNS::Topic")["AlarmTopic"];
    assert_eq!(topic["Subscription"], json!([{ "Protocol": "email", "Endpoint": "ops@example.com" }]));
    for (name, alarm) in resources(&stack, "AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "AlarmTopic" }]), "{name}");
        assert_eq!(alarm["OKActions"], alarm["AlarmActions"], "{name}");
    }
}

#[test]
fn the_dashboard_is_one_that_cloudwatch_can_draw() {
    let dashboard = resources(defaults(), "AWS::CloudWatch::Dashboard")["Dashboard"];
    let body: Value = serde_json::from_str(text(&dashboard["DashboardBody"])).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    assert_eq!(widgets.len(), 9);
    for widget in widgets {
        let metrics = widget["properties"]["metrics"].as_array().unwrap();
        assert!(
            !metrics.is_empty() && metrics.iter().all(|metric| metric.as_array().unwrap().len() >= 4),
            "{widget}"
        );
    }
}
