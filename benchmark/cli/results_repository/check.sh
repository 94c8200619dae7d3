#!/usr/bin/env bash
# Check what a change adds to the results: the workflow calls this, and so can you.
#   ci/check.sh [BASE]    BASE: the commit that the change is held against; by default origin/main
# Environment: SAMPLE rows are made again (1), SEED chooses them (by default nobody knows it), COMMENT takes the comparison
# (comparison.md), RECORD is who writes down what was verified and reproduced (by default nobody).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git rev-parse --quiet --verify HEAD >/dev/null 2>&1 || {
    echo "there is no git repository with a commit here yet: git init && git add . && git commit --message Begin" >&2
    exit 2
}
base=${1:-origin/main}
git rev-parse --quiet --verify "$base^{commit}" >/dev/null 2>&1 || {
    echo "there is no commit $base here: name the one before the change, as in ci/check.sh HEAD~1" >&2
    exit 2
}
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" | tar --extract --directory "$before"

lnlbench submit . --check --base "$before" --sample "${SAMPLE:-1}" --comment "${COMMENT:-comparison.md}" \
    ${SEED:+--choose "$SEED"} ${RECORD:+--record "$RECORD"}
