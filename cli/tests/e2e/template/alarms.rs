//! Alarms and dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{defaults, resources, stack, text};
use crate::privileges::{FUNCTIONS, Function};

#[test]
fn each_function_and_the_api_have_alarms() {
    let alarms = resources(defaults(), "AWS::CloudWatch::Alarm");
    let metrics: BTreeSet<_> = alarms
        .values()
        .map(|alarm| {
            (text(&alarm["MetricName"]), alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap_or_default())
        })
        .collect();
    for Function { resource, name, .. } in FUNCTIONS {
        let function = format!("{resource}Function");
        assert!(metrics.contains(&("Errors", function.as_str())), "{name}");
        assert!(name == "repair" || metrics.contains(&("Throttles", function.as_str())), "{name}");
    }
    for metric in [("5xx", "Api"), ("Latency", "Api"), ("UnfinishedRepairs", "")] {
        assert!(metrics.contains(&metric), "{metric:?}");
    }
    assert_eq!(alarms["LatencyAlarm"]["ExtendedStatistic"], "p99");
    assert!(alarms.values().all(|alarm| alarm["AlarmActions"].is_null()));
}

#[test]
fn they_are_sent_to_an_address_if_there_is_one() {
    let stack = stack(&["AlarmEmail=ops@example.com"]);
    let topic = resources(&stack, "AWS::SNS::Topic")["AlarmTopic"];
    assert_eq!(topic["Subscription"], json!([{ "Protocol": "email", "Endpoint": "ops@example.com" }]));
    for (name, alarm) in resources(&stack, "AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "AlarmTopic" }]), "{name}");
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
