#!/usr/bin/env bash
# Saves an example analysis, loads the same bytes back, finds it in the list and the totals, and deletes it.
# Usage: examples/walkthrough.sh [URL]     (API_TOKEN is sent as a bearer token if set)
set -euo pipefail

url=${1:-http://127.0.0.1:8000}
file=$(dirname "$0")/openai-error-rate-limit.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  [ ! -s "$work/body" ] || { cat "$work/body" >&2; echo >&2; }
  exit 1
}

# call STATUS METHOD PATH [CURL OPTION...]: the answer's body is in $work/body, its headers in $work/headers
call() {
  local expected=$1 method=$2 path=$3 status
  shift 3
  echo "$method $path"
  status=$(curl --silent --show-error --max-time 60 --request "$method" --output "$work/body" \
    --dump-header "$work/headers" --write-out '%{http_code}' \
    ${API_TOKEN:+--header "Authorization: Bearer $API_TOKEN"} "$@" "$url$path") || fail "no answer from $url"
  [ "$status" = "$expected" ] || fail "$method $path answered $status instead of $expected"
}

total() {
  call 200 GET /stats
  sed 's/.*"total_analyses":\([0-9]*\).*/\1/' "$work/body"
}

total >"$work/total"
before=$(tail -n 1 "$work/total")

call 201 POST /analyses --header 'Content-Type: application/json' --data-binary "@$file"
location=$(tr -d '\r' <"$work/headers" | sed -n 's/^[Ll]ocation: *//p')
id=${location##*/}
[ -n "$id" ] || fail "the answer has no Location"
echo "  saved as $id"

call 200 GET "/analyses/$id"
cmp "$file" "$work/body" || fail "the loaded bytes differ from the saved ones"
echo "  loaded the same $(wc -c <"$file") bytes"

call 200 GET '/analyses?limit=1000&implementation=openai&status=error'
grep -q "\"$id\"" "$work/body" || fail "the list does not show $id"
echo "  listed"

total >"$work/total"
after=$(tail -n 1 "$work/total")
[ "$after" -eq $((before + 1)) ] || fail "the total is $after after $before"
echo "  counted: $after"

call 204 DELETE "/analyses/$id"
call 404 GET "/analyses/$id"
total >"$work/total"
[ "$(tail -n 1 "$work/total")" -eq "$before" ] || fail "the deleted analysis is still counted"
echo "  deleted"
echo "OK: saved, loaded, listed, counted and deleted an analysis at $url"
