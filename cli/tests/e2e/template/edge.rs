//! Names of the API's own, and the distribution before it.

use serde_json::{Value, json};

use super::{EVERYTHING, defaults, resources, stack};

const JWT: [&str; 3] = ["Authorizer=JWT", "JwtIssuer=https://issuer.example", "JwtAudience=one"];
const DOMAIN: [&str; 2] =
    ["DomainName=api.example.com", "CertificateArn=arn:aws:acm:us-east-1:000000000000:certificate/1"];
const CLOUDFRONT: [&str; 2] = [
    "CloudFrontDomainName=analyses.example.com",
    "CloudFrontCertificateArn=arn:aws:acm:us-east-1:000000000000:certificate/2",
];

#[test]
fn there_are_no_names_and_no_distribution_unless_chosen() {
    for kind in [
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::CloudFront::Distribution",
        "AWS::Route53::RecordSet",
    ] {
        assert!(resources(defaults(), kind).is_empty(), "{kind}");
        assert!(!resources(&stack(EVERYTHING), kind).is_empty(), "{kind}");
    }
    let api = resources(defaults(), "AWS::ApiGatewayV2::Api")["Api"];
    assert_eq!(api["DisableExecuteApiEndpoint"], Value::Null);
}

#[test]
fn with_a_name_of_its_own_the_api_answers_to_no_other() {
    for (parameters, api) in [(&DOMAIN[..], "Api"), (&[&JWT[..], &DOMAIN].concat(), "JwtApi")] {
        let stack = stack(parameters);
        assert_eq!(resources(&stack, "AWS::ApiGatewayV2::Api")[api]["DisableExecuteApiEndpoint"], true);
        let domain = &resources(&stack, "AWS::ApiGatewayV2::DomainName")["Domain"];
        let configuration = &domain["DomainNameConfigurations"][0];
        assert_eq!(
            (&configuration["EndpointType"], &configuration["SecurityPolicy"]),
            (&"REGIONAL".into(), &"TLS_1_2".into())
        );
        // The name stays when the authorizer is switched.
        let mapping = resources(&stack, "AWS::ApiGatewayV2::ApiMapping")["DomainMapping"];
        assert_eq!(
            (&mapping["ApiId"], &mapping["Stage"]),
            (&json!({ "Ref": api }), &json!({ "Ref": "Stage" }))
        );
        assert_eq!(stack["Outputs"]["ApiUrl"]["Value"], "https://api.example.com");
        assert!(resources(&stack, "AWS::Route53::RecordSet").is_empty());
    }
}

#[test]
fn names_are_entered_in_a_zone_if_one_is_given() {
    let stack = stack(&[&JWT[..], &DOMAIN, &CLOUDFRONT, &["HostedZoneId=Z1"]].concat());
    let records = resources(&stack, "AWS::Route53::RecordSet");
    for (record, name, target) in [
        ("DomainRecord", "api.example.com", json!({ "Fn::GetAtt": ["Domain", "RegionalDomainName"] })),
        ("CloudFrontRecord", "analyses.example.com", json!({ "Fn::GetAtt": ["Distribution", "DomainName"] })),
    ] {
        let record = records[record];
        assert_eq!((&record["Name"], &record["HostedZoneId"]), (&name.into(), &"Z1".into()));
        assert_eq!((&record["Type"], &record["AliasTarget"]["DNSName"]), (&"A".into(), &target));
    }
}

/// Amazon `CloudFront` Developer Guide, "Use managed cache policies" and "Use managed origin request policies".
#[test]
fn a_distribution_passes_every_request_on_and_keeps_no_answer() {
    for (domain, origin) in
        [(&[][..], "${JwtApi}.execute-api.us-east-1.amazonaws.com"), (&DOMAIN, "api.example.com")]
    {
        let stack = stack(&[&JWT[..], &CLOUDFRONT, domain].concat());
        let config =
            &resources(&stack, "AWS::CloudFront::Distribution")["Distribution"]["DistributionConfig"];
        let caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
        let all_but_the_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
        let behavior = &config["DefaultCacheBehavior"];
        assert_eq!(
            (&behavior["CachePolicyId"], &behavior["OriginRequestPolicyId"]),
            (&caching_disabled.into(), &all_but_the_host.into())
        );
        assert_eq!(behavior["AllowedMethods"].as_array().unwrap().len(), 7);
        assert_eq!(config["CacheBehaviors"], Value::Null);
        assert_eq!(config["Origins"][0]["DomainName"], origin);
        assert_eq!(config["Origins"][0]["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only");
        assert_eq!(config["ViewerCertificate"]["MinimumProtocolVersion"], "TLSv1.2_2021");
        assert_eq!(behavior["ViewerProtocolPolicy"], "https-only");
        assert_eq!(config["WebACLId"], Value::Null);
        assert_eq!(stack["Outputs"]["ApiUrl"]["Value"], "https://analyses.example.com");
    }
    let acl = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/1";
    let stack = stack(&[&JWT[..], &CLOUDFRONT, &[&format!("WebAclArn={acl}")]].concat());
    let config = &resources(&stack, "AWS::CloudFront::Distribution")["Distribution"]["DistributionConfig"];
    assert_eq!(config["WebACLId"], acl);
}
