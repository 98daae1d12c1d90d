# shellcheck shell=bash
# For deploy/check.sh: a container engine where none answers, and images where none can be pulled.
#
# The engine is podman behind a socket that speaks Docker's language, with all of its state in SCRATCH. The base image is
# replaced by a bare Debian, database and cache by this directory's Dockerfile.

ENGINE=() # processes of the engine, when it is ours
REPLACED= # the images that are not the real ones
PACKAGES=(podman runc netavark aardvark-dns iptables debootstrap)

answers() { timeout 20 "$TOOLS/docker-compose" -p "$PROJECT" ls >/dev/null 2>&1; }

engine_missing() { # prints why there can be no engine; nothing when there can
    if ! answers && ! command -v podman >/dev/null && { [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; }; then
        echo "no container engine answers, and podman can be installed only as root on Debian"
    fi
}

start_engine() {
    answers && return
    if ! command -v podman runc iptables debootstrap >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "${PACKAGES[@]}" || return
    fi
    write_podman_files
    export CONTAINERS_CONF=$SCRATCH/containers.conf CONTAINERS_STORAGE_CONF=$SCRATCH/storage.conf
    export DOCKER_HOST=unix://$SCRATCH/podman.sock DOCKER_BUILDKIT=0
    podman system service --time 0 "$DOCKER_HOST" >"$SCRATCH/podman.log" 2>&1 &
    ENGINE+=($!)
    for ((try = 0; try < 50; try++)); do
        answers && break
        sleep 0.2
    done
    answers || return
    keep_checking >/dev/null 2>&1 &
    ENGINE+=($!)
}

write_podman_files() {
    mkdir -p "$SCRATCH/networks"
    # Lowered limits: without the right to raise them every container would fail to start.
    cat >"$SCRATCH/containers.conf" <<END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 1
[network]
network_backend = "netavark"
network_config_dir = "$SCRATCH/networks"
END
    cat >"$SCRATCH/storage.conf" <<END
[storage]
driver = "$(storage_driver)"
graphroot = "$SCRATCH/store"
runroot = "$SCRATCH/run"
END
}

storage_driver() { # overlay where it can be mounted, or whole copies
    local probe=$SCRATCH/probe
    mkdir -p "$probe"/{lower,upper,work,merged}
    local layers="lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work"
    if mount -t overlay overlay -o "$layers" "$probe/merged" 2>/dev/null; then
        umount "$probe/merged"
        echo overlay
    else
        echo vfs
    fi
}

keep_checking() { # podman leaves health checks to systemd, which may not be there
    while sleep 1; do
        for container in $(podman ps --quiet --filter "label=com.docker.compose.project=$PROJECT"); do
            timeout 10 podman healthcheck run "$container" || true
        done
    done
}

choose_images() {
    if ! timeout "$STEP_SECONDS" "$TOOLS/docker-compose" --env-file "$SCRATCH/env" pull --quiet postgres valkey; then
        FILES+=(-f deploy/standins/compose.yaml)
        REPLACED+=" database cache"
    fi
    # Docker finds out itself whether it can pull the base.
    [[ ${#ENGINE[@]} = 0 || -n ${BASE_IMAGE:-} ]] && return
    timeout "$STEP_SECONDS" podman pull --quiet "$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)" && return
    make_base
    REPLACED+=" base"
}

make_base() {
    local root=$SCRATCH/base bundle=/etc/ssl/certs/ca-certificates.crt changes=()
    export BASE_IMAGE=localhost/trireme-base:check
    podman image exists "$BASE_IMAGE" && return # of an earlier run with the same SCRATCH
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" || return
    if [[ -n ${SSL_CERT_FILE:-} ]]; then # a network with an authority of its own; only the base image knows of it
        cp "$SSL_CERT_FILE" "$root$bundle"
        changes=(--change "ENV SSL_CERT_FILE=$bundle" --change "ENV PIP_CERT=$bundle")
    fi
    tar -C "$root" -c . | podman import --quiet "${changes[@]}" - "$BASE_IMAGE"
}

stop_engine() {
    for ((index = ${#ENGINE[@]} - 1; index >= 0; index--)); do
        kill "${ENGINE[index]}" 2>/dev/null || true
        wait "${ENGINE[index]}" 2>/dev/null || true
    done
    umount "$SCRATCH/store/overlay" 2>/dev/null || true # or SCRATCH could not be removed
}
