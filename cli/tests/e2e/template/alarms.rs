//! Alarms and dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{checked, defaults, resources, stack, text};
use crate::harness::program;
use crate::privileges::{FUNCTIONS, Function};

#[test]
fn each_function_and_the_api_have_alarms() {
    let alarms = resources(defaults(), "AWS::CloudWatch::Alarm");
    let mut expected = BTreeSet::from([
        ("AWS/ApiGateway", "Latency", "p99", "Api".to_owned()),
        ("AWS/S3", "5xxErrors", "Sum", String::new()),
        ("design-analysis", "ForbiddenRequests", "Sum", String::new()),
        ("design-analysis", "ThrottledRequests", "Sum", String::new()),
        ("design-analysis", "Repairs", "Sum", String::new()),
        ("design-analysis", "RepairFindings", "Maximum", String::new()),
        ("design-analysis", "UnfinishedRepairs", "Sum", String::new()),
    ]);
    for Function { resource, name, .. } in FUNCTIONS {
        expected.insert(("AWS/Lambda", "Errors", "Sum", format!("{resource}Function")));
        // A repair that is throttled is tried again.
        if name != "repair" {
            expected.insert(("AWS/Lambda", "Throttles", "Sum", format!("{resource}Function")));
        }
    }
    let of_one_metric = alarms.iter().filter(|(name, _)| **name != "ServerErrorAlarm");
    let found = of_one_metric.map(|(_, alarm)| {
        let statistic = alarm["Statistic"].as_str().or(alarm["ExtendedStatistic"].as_str()).unwrap();
        let of = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap_or_default().to_owned();
        (text(&alarm["Namespace"]), text(&alarm["MetricName"]), statistic, of)
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn they_are_raised_by_what_needs_somebody_and_not_by_silence() {
    for (name, alarm) in resources(defaults(), "AWS::CloudWatch::Alarm") {
        assert!(alarm["AlarmActions"].is_null() && alarm["OKActions"].is_null(), "{name}");
        if name == "MissingRepairAlarm" {
            continue;
        }
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{name}");
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
        let threshold = match name {
            "LatencyAlarm" => json!("3000"),
            "ServerErrorAlarm" => json!("1"),
            "ForbiddenAlarm" | "ThrottledAlarm" => json!("100"),
            "StorageErrorsAlarm" => json!(10),
            _ => json!(0),
        };
        assert_eq!(alarm["Threshold"], threshold, "{name}");
    }
}

/// Of the requests of five minutes, in percent, from five on: what one caller repeats is no outage.
#[test]
fn a_single_503_or_501_raises_no_alarm() {
    let alarm = resources(defaults(), "AWS::CloudWatch::Alarm")["ServerErrorAlarm"];
    let metrics = alarm["Metrics"].as_array().unwrap();
    assert_eq!(metrics[0]["Expression"], "IF(errors >= 5, 100 * errors / requests, 0)");
    for (metric, (id, name)) in metrics[1..].iter().zip([("errors", "5xx"), ("requests", "Count")]) {
        let expected = json!({ "Namespace": "AWS/ApiGateway", "MetricName": name,
            "Dimensions": [{ "Name": "ApiId", "Value": { "Ref": "Api" } }] });
        assert_eq!((&metric["Id"], &metric["ReturnData"]), (&id.into(), &false.into()));
        assert_eq!(metric["MetricStat"], json!({ "Metric": expected, "Period": 300, "Stat": "Sum" }));
    }
}

#[test]
fn a_repair_that_was_not_done_for_26_hours_raises_one() {
    let alarm = resources(defaults(), "AWS::CloudWatch::Alarm")["MissingRepairAlarm"];
    assert_eq!((&alarm["Period"], &alarm["EvaluationPeriods"]), (&3600.into(), &"26".into()));
    assert_eq!((&alarm["ComparisonOperator"], &alarm["Threshold"]), (&"LessThanThreshold".into(), &1.into()));
    assert_eq!(alarm["TreatMissingData"], "breaching");
}

/// Alarms look for lines of the logs, in the words of what writes them: `functions/repair/tests/repair.rs` and
/// `template/api.rs`.
#[test]
fn lines_of_the_logs_are_counted() {
    let filters = resources(defaults(), "AWS::Logs::MetricFilter");
    for (name, logs, pattern, value) in [
        ("UnfinishedRepairs", "RepairLogs", "{ $.late IS TRUE }", "1"),
        ("Repairs", "RepairLogs", "{ $.done IS TRUE }", "1"),
        ("RepairFindings", "RepairLogs", "{ $.left > 0 }", "$.left"),
        ("ForbiddenRequests", "AccessLogs", r#"{ $.status = "403" }"#, "1"),
        ("ThrottledRequests", "AccessLogs", r#"{ $.status = "429" }"#, "1"),
    ] {
        let filter = filters[name];
        assert_eq!(
            (&filter["LogGroupName"], &filter["FilterPattern"]),
            (&json!({ "Ref": logs }), &pattern.into())
        );
        let metric = &filter["MetricTransformations"][0];
        assert_eq!((&metric["MetricName"], &metric["MetricValue"]), (&name.into(), &value.into()));
    }
    assert_eq!(filters.len(), 5);
}

#[test]
fn the_line_of_each_repair_is_logged_at_any_level() {
    for (level, own) in [("ERROR", "INFO"), ("WARN", "INFO"), ("INFO", "INFO"), ("TRACE", "TRACE")] {
        let stack = stack(&[&format!("LogLevel={level}")]);
        let functions = resources(&stack, "AWS::Lambda::Function");
        let levels = |name: &str| {
            let function = &functions[name];
            let variables = &function["Environment"]["Variables"];
            // Which goes before the other.
            let filter = variables["RUST_LOG"].as_str().unwrap_or(text(&variables["AWS_LOG_LEVEL"]));
            let dropped_below = text(&function["LoggingConfig"]["ApplicationLogLevel"]);
            [filter.to_ascii_uppercase(), dropped_below.to_owned()]
        };
        assert_eq!(levels("RepairFunction"), [own, own], "{level}");
        assert_eq!(levels("SaveFunction"), [level, level]);
    }
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
fn a_budget_is_watched_if_there_is_one() {
    assert!(resources(defaults(), "AWS::Budgets::Budget").is_empty());
    let parameters = ["AlarmEmail=ops@example.com", "MonthlyBudget=20"];
    let whole = stack(&parameters);
    let budget = resources(&whole, "AWS::Budgets::Budget")["Budget"];
    assert_eq!(budget["Budget"]["BudgetLimit"], json!({ "Amount": "20", "Unit": "USD" }));
    assert_eq!(budget["Budget"]["CostFilters"], Value::Null);
    let notifications = budget["NotificationsWithSubscribers"].as_array().unwrap();
    for (notification, kind) in notifications.iter().zip(["ACTUAL", "FORECASTED"]) {
        assert_eq!(notification["Notification"]["NotificationType"], kind);
        assert_eq!(notification["Notification"]["Threshold"], 100);
        let to = json!([{ "SubscriptionType": "EMAIL", "Address": "ops@example.com" }]);
        assert_eq!(notification["Subscribers"], to);
    }
    let tagged = stack(&[&parameters[..], &["BudgetTag=user:service$design-analysis"]].concat());
    let filters = resources(&tagged, "AWS::Budgets::Budget")["Budget"]["Budget"]["CostFilters"].clone();
    assert_eq!(filters, json!({ "TagKeyValue": ["user:service$design-analysis"] }));
}

/// What `design-analysis cost` counts, unless told otherwise.
#[test]
fn a_month_is_estimated_with_the_alarms_and_metrics_of_a_stack() {
    let mut cost = program(&[]);
    let report = checked(cost.args(["cost", "--analyses", "1", "--json"]));
    let upkeep = &report["assumptions"]["upkeep"];
    let alarms = resources(defaults(), "AWS::CloudWatch::Alarm");
    let watched = alarms.values().map(|alarm| {
        let metrics = alarm["Metrics"].as_array().into_iter().flatten();
        metrics.filter(|metric| metric["MetricStat"].is_object()).count().max(1)
    });
    assert_eq!(upkeep["alarms"], watched.sum::<usize>());
    // Amazon CloudWatch's metrics of the requests of one bucket with one filter: 16.
    assert_eq!(upkeep["metrics"], resources(defaults(), "AWS::Logs::MetricFilter").len() + 16);
    assert_eq!(upkeep["dashboards"], resources(defaults(), "AWS::CloudWatch::Dashboard").len());
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
