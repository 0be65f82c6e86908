#!/usr/bin/env bash
# The steps of action.yml: install, scan, report. Everything comes in by environment, as text that nobody vouches for.
# Works with the bash 3.2 of macOS.
# shellcheck disable=SC2153
set -euo pipefail

die() { # one annotation, one line
    local text=${1//\%/%25}
    text=${text//$'\r'/%0D}
    text=${text//$'\n'/%0A}
    echo "::error title=slowpath::$text"
    exit "${2:-2}"
}

put() { echo "$1=$2" >>"$GITHUB_OUTPUT"; }

# What is printed of the checkout must not be taken for commands to the runner.
mute() {
    stopped=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    echo "::stop-commands::$stopped"
}
unmute() { echo "::$stopped::"; }

# `-I` keeps the checkout, which is the working directory, off Python's path.
install() {
    [[ $CATEGORY =~ ^[A-Za-z0-9._/:-]{1,100}$ ]] || die "category: letters, digits and . _ / : - only, 100 at most"
    local venv version
    venv=$RUNNER_TEMP/slowpath-venv-$(cksum <<<"$GITHUB_ACTION_PATH" | cut -d' ' -f1)
    if [[ ! -x $venv/bin/slowpath ]]; then
        "$PYTHON" -I -m venv --without-pip "$venv"
        "$PYTHON" -I -m pip --python "$venv/bin/python" install --quiet --no-compile --disable-pip-version-check \
            "$GITHUB_ACTION_PATH"
    fi
    version=$("$venv/bin/slowpath" --version)
    local known=slowpath-$RUNNER_OS-${version##* }-$CATEGORY- tree
    tree=$(git rev-parse --quiet --verify 'HEAD^{tree}' 2>/dev/null) || tree=$GITHUB_SHA
    put venv "$venv"
    put cache "$RUNNER_TEMP/slowpath-cache"
    put cache-key "$known$tree"
    put cache-keys "$known"
}

lines() { # every line of the text $1 that is not blank, into the array `read_lines`
    local line
    read_lines=()
    while IFS= read -r line; do
        [[ $line =~ [^[:space:]] ]] && read_lines+=("${line%$'\r'}")
    done <<<"$1"
    return 0
}

# What a pull request comes on top of: the first parent of the merge that GitHub makes of it, else the base that it
# names, where the checkout reaches so far.
base() {
    [[ -n $BASE ]] || return 0
    if [[ $(git rev-parse HEAD) == "$GITHUB_SHA" ]] && git rev-parse --quiet --verify 'HEAD^2' >/dev/null; then
        git rev-parse 'HEAD^1'
    elif git merge-base "$BASE" HEAD >/dev/null 2>&1; then
        echo "$BASE"
    else
        echo "::notice title=slowpath::The checkout is too shallow to know what is new: all findings are shown." \
            "Give actions/checkout \`fetch-depth: 2\`." >&2
    fi
}

slowpath() { # the scan of FOLDER; its code is left in `code`, and one line on what is wrong ends the step
    code=0
    mute
    "$VENV/bin/slowpath" scan "$@" ${arguments[@]+"${arguments[@]}"} -- ${paths[@]+"${paths[@]}"} 2>"$reports/stderr" || code=$?
    cat "$reports/stderr"
    unmute
    [[ $code -le 1 ]] && return
    put exit-code "$code"
    die "$(tail -n 1 "$reports/stderr")" "$code"
}

count() { "$VENV/bin/python" -I -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["findings"]))' "$1"; }

scan() {
    [[ -d $FOLDER ]] || die "working-directory: $FOLDER: no such folder"
    cd -- "$FOLDER"
    local since=$SINCE failing=(--exit-zero)
    [[ $since == auto ]] && since=$(base)
    [[ -n $FAIL_ON ]] && failing=("--fail-on=$FAIL_ON")
    reports=$(mktemp -d "$RUNNER_TEMP/slowpath.XXXXXX")
    lines "$ARGUMENTS" && arguments=(${read_lines[@]+"${read_lines[@]}"})
    lines "$PATHS" && paths=(${read_lines[@]+"${read_lines[@]}"})
    local all=("--output=sarif=$reports/slowpath.sarif" "--output=json=$reports/all.json")
    local shown=("--output=github=$reports/github" "--output=markdown=$reports/markdown" "${failing[@]}")
    if [[ -n $since ]]; then # what was read of each file is known by the second time
        slowpath --exit-zero --format=sarif "--output-file=$reports/sarif" "${all[@]}"
        slowpath --since="$since" "--output=json=$reports/new.json" "${shown[@]}"
        put new "$(count "$reports/new.json")"
    else
        slowpath --format=concise "${all[@]}" "${shown[@]}"
        put new "$(count "$reports/all.json")"
    fi
    put findings "$(count "$reports/all.json")"
    put exit-code "$code"
    put sarif-file "$reports/slowpath.sarif"
    put reports "$reports"
}

report() {
    if [[ $SUMMARY == true ]]; then # GitHub takes no more than 1 MiB of a step
        head -c 1000000 "$REPORTS/markdown" >>"$GITHUB_STEP_SUMMARY"
    fi
    if [[ $ANNOTATIONS == true || ($ANNOTATIONS == auto && $UPLOADED != success) ]]; then
        grep -E '^::(error|warning|notice) file=' "$REPORTS/github" || true # the text below them stands in the log
    fi
    if [[ $UPLOAD != false && $UPLOADED != success ]]; then
        echo "::notice title=slowpath::Code scanning took no results: it is not enabled for this private repository, or" \
            "the job lacks \`security-events: write\`. \`upload: false\` stops trying."
    fi
    [[ $EXIT_CODE == 0 ]] || die "$NEW finding(s), at least one of level $FAIL_ON or above" "$EXIT_CODE"
}

"$1"
