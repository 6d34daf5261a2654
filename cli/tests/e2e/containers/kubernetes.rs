//! What the Kubernetes objects say to each other.

use serde_json::{Value, json};

use super::manifests::{kubernetes, of_kind};

#[test]
fn everything_selects_the_pods_of_the_deployment_and_only_them() {
    let objects = kubernetes();
    let spec = |kind: &str| of_kind(&objects, kind)["spec"].clone();
    let pods = json!({ "app.kubernetes.io/name": "design-analysis" });
    let deployment = spec("Deployment");
    assert_eq!(deployment["template"]["metadata"]["labels"], pods);
    assert_eq!(deployment["selector"]["matchLabels"], pods);
    assert_eq!(spec("Service")["selector"], pods);
    assert_eq!(spec("PodDisruptionBudget")["selector"]["matchLabels"], pods);
    assert_eq!(spec("NetworkPolicy")["podSelector"]["matchLabels"], pods);
    let spread = deployment["template"]["spec"]["topologySpreadConstraints"].clone();
    let spread = spread.as_array().unwrap();
    assert_eq!(spread.len(), 2);
    for constraint in spread {
        assert_eq!(constraint["labelSelector"]["matchLabels"], pods, "{constraint}");
    }
    let target = &spec("HorizontalPodAutoscaler")["scaleTargetRef"];
    assert_eq!((&target["kind"], &target["name"]), (&"Deployment".into(), &"design-analysis".into()));
}

#[test]
fn three_replicas_remain_whatever_scales_or_drains() {
    let objects = kubernetes();
    let spec = |kind: &str| of_kind(&objects, kind)["spec"].clone();
    assert_eq!(spec("Deployment")["replicas"], Value::Null, "they are the autoscaler's to set");
    assert_eq!(spec("HorizontalPodAutoscaler")["minReplicas"], 3);
    assert_eq!(spec("PodDisruptionBudget")["maxUnavailable"], 1);
    let update = spec("Deployment")["strategy"]["rollingUpdate"].clone();
    assert_eq!(update, json!({ "maxSurge": 1, "maxUnavailable": 0 }));
}

#[test]
fn the_network_policy_lets_through_callers_dns_and_aws_only() {
    let policy = of_kind(&kubernetes(), "NetworkPolicy")["spec"].clone();
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    let callers = json!({
        "namespaceSelector": {}, "podSelector": { "matchLabels": { "design-analysis/client": "true" } },
    });
    assert_eq!(policy["ingress"], json!([{ "from": [callers], "ports": [{ "port": "http" }] }]));
    let dns = json!({
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
        "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
    });
    let outside = json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"] } });
    let ports = json!([{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }]);
    let egress = json!([{ "to": [dns], "ports": ports }, { "to": [outside], "ports": [{ "port": 443 }] }]);
    assert_eq!(policy["egress"], egress);
}

#[test]
fn pods_run_with_no_more_rights_than_they_need() {
    let objects = kubernetes();
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "readOnlyRootFilesystem": true,
    });
    assert_eq!(pod["containers"][0]["securityContext"], container);
    assert_eq!(pod["volumes"], Value::Null, "nothing is writable");
    assert_eq!(
        (&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]),
        (&false.into(), &false.into())
    );
    assert_eq!(
        of_kind(&objects, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
}
