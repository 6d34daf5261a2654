"""Lifecycle rules, from the words of CloudFormation to those of S3."""


def as_the_api_spells_it(rule):
    """A lifecycle rule of CloudFormation as S3's own API has it."""
    own = {"ID": rule["Id"], "Status": rule["Status"]}
    size = rule.get("ObjectSizeGreaterThan")
    own["Filter"] = {"Prefix": rule["Prefix"]}
    if size:
        own["Filter"] = {"And": {"Prefix": rule["Prefix"], "ObjectSizeGreaterThan": int(size)}}
    if days := rule.get("ExpirationInDays"):
        own["Expiration"] = {"Days": int(days)}
    if rule.get("ExpiredObjectDeleteMarker"):
        own["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    if moves := rule.get("Transitions"):
        own["Transitions"] = [
            {"Days": int(move["TransitionInDays"]), "StorageClass": move["StorageClass"]} for move in moves
        ]
    if old := rule.get("NoncurrentVersionExpiration"):
        own["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(old["NoncurrentDays"])}
    if unfinished := rule.get("AbortIncompleteMultipartUpload"):
        own["AbortIncompleteMultipartUpload"] = unfinished
    return own
