"""Lifecycle rules, from the words of CloudFormation to those of S3."""


def as_the_api_spells_it(rule):
    """A lifecycle rule of CloudFormation as S3's own API has it."""
    rest = dict(rule)
    own = {"ID": rest.pop("Id"), "Status": rest.pop("Status"), "Filter": {"Prefix": rest.pop("Prefix")}}
    if size := rest.pop("ObjectSizeGreaterThan", None):
        own["Filter"] = {"And": own["Filter"] | {"ObjectSizeGreaterThan": int(size)}}
    if days := rest.pop("ExpirationInDays", None):
        own["Expiration"] = {"Days": int(days)}
    if rest.pop("ExpiredObjectDeleteMarker", None):
        own["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    if moves := rest.pop("Transitions", None):
        own["Transitions"] = [
            {"Days": int(move["TransitionInDays"]), "StorageClass": move["StorageClass"]} for move in moves
        ]
    if old := rest.pop("NoncurrentVersionExpiration", None):
        own["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(old["NoncurrentDays"])}
    if unfinished := rest.pop("AbortIncompleteMultipartUpload", None):
        own["AbortIncompleteMultipartUpload"] = unfinished
    if rest:
        raise SystemExit(f"lifecycle rule {own['ID']} has what this script does not know: {', '.join(rest)}")
    return own
