"""For comparison: loading an analysis as a Python function does it, with boto3.

The loop around it asks for less than AWS's own runtime interface client does, in Python's favour.
"""

import json
import os
from http.client import HTTPConnection

import boto3

BUCKET = os.environ["S3_BUCKET_NAME"]
PREFIX = "/2018-06-01/runtime/invocation"


def handle(event: dict) -> dict:
    key = f"design-analysis/analysis/2024/01/{event['rawPath'].split('/')[-1]}.json"
    answer = S3.get_object(Bucket=BUCKET, Key=key)
    headers = {"etag": answer["ETag"], "content-type": answer["ContentType"]}
    return {"statusCode": 200, "headers": headers, "body": answer["Body"].read().decode()}


S3 = boto3.client("s3")
# The connection is made during init, as the Rust functions do.
S3.list_objects_v2(Bucket=BUCKET, Prefix="design-analysis/metadata/index/", MaxKeys=1)
runtime = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    runtime.request("GET", f"{PREFIX}/next")
    reply = runtime.getresponse()
    request_id, payload = reply.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(reply.read())
    runtime.request("POST", f"{PREFIX}/{request_id}/response", json.dumps(handle(payload)))
    runtime.getresponse().read()
